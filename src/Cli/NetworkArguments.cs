using System.CommandLine;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Operators.Pool2x2;
using NativeStyle.Vgg;
using NativeStyle.Vgg.Weights;

namespace NativeStyle.Cli;

/// <summary>What commands that look into a network take: its weights, pooling and seed.</summary>
/// <param name="fixedPooling">Whether the command decides on the pooling itself.</param>
internal sealed class NetworkArguments(bool fixedPooling = false)
{
    private readonly Option<string?> _weights = new("--weights") { Description = "VGG weights, 'compact' for the network that is built in, or 'random' (default: what is found in weights/ or the user's data folder, else compact)", HelpName = "FILE" };
    private readonly Option<string?> _convention = new("--weights-convention") { Description = "What its first layer was trained on: rgb-255, bgr-255 or rgb-unit (default: what the file tells)", HelpName = "NAME" };
    private readonly Option<string> _pooling = new("--pooling") { Description = "average, max or l2", DefaultValueFactory = _ => "max", HelpName = "KIND" };
    private readonly Option<string?> _seed = new("--seed") { Description = "Seed of random weights, and of noise (default: 1)", HelpName = "N" };
    private readonly Option<bool> _quiet = new("--quiet", "-q") { Description = "Print nothing but errors" };

    public void AddTo(Command command)
    {
        foreach (Option option in new Option[] { _weights, _convention, _pooling, _seed, _quiet })
            if (option != _pooling || !fixedPooling) command.Add(option);
    }

    public TransferConsole Console(ParseResult parsed) => new(parsed.GetValue(_quiet));

    public int Seed(ParseResult parsed) => parsed.GetValue(_seed) is string text ? Settings.ParseWhole("--seed", text, int.MinValue, int.MaxValue) : 1;

    /// <summary>The weights, or null for random ones, and the network that they are of.</summary>
    /// <param name="layers">The layers wanted, by any of their names: where the network that is built in lacks one, filters are random.</param>
    public (string? File, VggArchitecture Architecture) Find(ParseResult parsed, TransferConsole console, params IEnumerable<string> layers)
    {
        string? named = parsed.GetValue(_weights), file = WeightsLocator.Find(named, console.Say);
        string[] known = [.. layers.Select(layer => VggArchitecture.Vgg19.Find(layer)?.Name).OfType<string>()];
        if (WeightsLocator.FallsShort(named, file, VggArchitecture.Vgg19.Name, known)) file = null;
        else if (named is null && file == CompactNetwork.Name) console.Say(WeightsLocator.UsesCompact);
        return (file, file is null ? VggArchitecture.Vgg19 : WeightsFile.Describe(file).Architecture);
    }

    /// <summary>Whether the weights have a layer.</summary>
    public static bool Has(string? file, string layer) => file is null || WeightsFile.Has(file, [layer]);

    /// <summary>The network with some layers.</summary>
    /// <param name="options">How it computes maps; null for as trained, with the pooling that the user chose.</param>
    public VggNetwork Load(
        ParseResult parsed, ComputeDevice device, string? file, VggArchitecture architecture, IReadOnlyCollection<string> layers, TransferConsole console,
        VggOptions? options = null)
    {
        WeightsConvention? convention = parsed.GetValue(_convention) is not string name ? null : WeightsConventions.Parse(name)
            ?? throw new UsageException($"--weights-convention {name} is unknown, expected rgb-255, bgr-255 or rgb-unit");
        return VggNetwork.Load(device, () =>
        {
            if (file is not null) return WeightsFile.Load(file, layers, convention);
            console.Say($"using a random {architecture.Name}, whose units mean nothing; 'nativestyle weights download vgg19' gets a trained one (80 MB)");
            return RandomWeights.Create(architecture, Seed(parsed), architecture.Layers.Last(layer => layers.Contains(layer.Name)).Name);
        }, options ?? new VggOptions(ParsePooling(parsed.GetValue(_pooling)!), PoolEdge.Floor));
    }

    private static Pooling ParsePooling(string text) => text.ToLowerInvariant() switch
    {
        "average" => Pooling.Average,
        "max" => Pooling.Max,
        "l2" => Pooling.L2,
        string other => throw new UsageException($"--pooling {other} is unknown, expected one of average, max, l2"),
    };

    /// <summary>A layer by any of its names.</summary>
    public static VggLayer Layer(string option, string name, VggArchitecture architecture) => architecture.Find(name)
        ?? throw new UsageException($"{option}: there is no layer '{name}'; {architecture.Name} has {string.Join(", ", architecture.Layers.Select(layer => layer.Name))}");
}
