using System.CommandLine;
using NativeStyle.Cli.Help;
using NativeStyle.Jobs;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Operators.Pool2x2;
using NativeStyle.Style.Options;
using NativeStyle.Vgg;
using NativeStyle.Vgg.Weights;

namespace NativeStyle.Cli.Arguments;

/// <summary>The options of commands that look into a network: its weights, pooling and seed.</summary>
/// <param name="fixedPooling">Whether the command sets the pooling itself.</param>
internal sealed class NetworkArguments(bool fixedPooling = false)
{
    private readonly Option<string?> _weights = new("--weights")
    {
        Description = "VGG weights, 'compact' for the built-in network, or 'random' (default: what is found " +
            "in weights/ or the user's data folder, else compact)",
        HelpName = "FILE", CompletionSources = { WeightsLocator.Words },
    };

    private readonly Option<string?> _convention = Typed.Convention();

    private readonly Option<Pooling> _pooling =
        Typed.Option("--pooling", "How feature maps are reduced", OptionWords.Pooling, Pooling.Max);

    private readonly Option<int> _seed = Typed.Option(
        "--seed", "Seed of random weights, and of noise", OptionTable.Seed.Type, 1);

    private readonly Option<bool> _quiet = Typed.Quiet();

    public void AddTo(ProgramCommand command)
    {
        command.Add(OptionGroup.InputAndNetwork, _weights, _convention);
        if (!fixedPooling) command.Add(OptionGroup.InputAndNetwork, _pooling);
        command.Add(OptionGroup.Run, _seed, _quiet);
    }

    public TransferConsole Console(ParseResult parsed) => new(Quiet(parsed));

    public bool Quiet(ParseResult parsed) => parsed.GetValue(_quiet);

    public int Seed(ParseResult parsed) => parsed.GetValue(_seed);

    /// <summary>Finds the weights (null for random ones) and the architecture of their network.</summary>
    /// <param name="layers">
    /// The layers that the command needs, by any of their names. If the built-in network lacks one of them, filters are
    /// random.
    /// </param>
    public (string? File, VggArchitecture Architecture) Find(
        ParseResult parsed, TransferConsole console, params IEnumerable<string> layers)
    {
        string? choice = parsed.GetValue(_weights), file = WeightsLocator.Find(choice, console.Say);
        string[] names = [.. layers.Select(layer => VggArchitecture.Vgg19.Find(layer)?.Name).OfType<string>()];
        if (WeightsLocator.FallsShort(choice, file, VggArchitecture.Vgg19.Name, names)) file = null;
        else if (choice is null && file == CompactNetwork.Name) console.Say(WeightsLocator.UsesCompact);
        return (file, file is null ? VggArchitecture.Vgg19 : WeightsFile.Describe(file).Architecture);
    }

    /// <summary>Checks whether the weights have a layer.</summary>
    public static bool Has(string? file, string layer) => file is null || WeightsFile.Has(file, [layer]);

    /// <summary>Loads the network with some layers.</summary>
    /// <param name="options">
    /// How the network computes maps. If null, as in training, but with the pooling that the user chose.
    /// </param>
    public VggNetwork Load(
        ParseResult parsed, ComputeDevice device, string? file, VggArchitecture architecture,
        IReadOnlyCollection<string> layers, TransferConsole console, VggOptions? options = null)
    {
        WeightsConvention? convention = parsed.GetValue(_convention) is { } name
            ? WeightsConventions.Parse(name) : null;
        return VggNetwork.Load(device, () =>
        {
            if (file is not null) return WeightsFile.Load(file, layers, convention);
            console.Say(
                $"using a random {architecture.Name}, whose units mean nothing; " +
                "'nativestyle weights download vgg19' gets a trained one (80 MB)");
            string last = architecture.Layers.Last(layer => layers.Contains(layer.Name)).Name;
            return RandomWeights.Create(architecture, Seed(parsed), last);
        }, options ?? new VggOptions(parsed.GetValue(_pooling), PoolEdge.Floor));
    }
}
