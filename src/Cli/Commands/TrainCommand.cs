using System.CommandLine;
using System.Security.Cryptography;
using NativeStyle.Cli.Arguments;
using NativeStyle.Cli.Help;
using NativeStyle.Cli.Jobs;
using NativeStyle.FeedForward;
using NativeStyle.FeedForward.Training;
using NativeStyle.Imaging;
using NativeStyle.Jobs;
using NativeStyle.Kernels.Devices;
using NativeStyle.Style.Options;
using NativeStyle.Style.Tiling;
using NativeStyle.Vgg;
using NativeStyle.Vgg.Weights;

namespace NativeStyle.Cli.Commands;

/// <summary><c>nativestyle train STYLE --pictures DIR -o MODEL</c>, and its continuation from a checkpoint.</summary>
internal sealed class TrainCommand : ProgramCommand
{
    private const string Half = "float16";

    private readonly Argument<string?> _style = new("STYLE")
    {
        Description = $"The picture whose manner the model learns ({PictureFile.Readable})",
        Arity = ArgumentArity.ZeroOrOne,
    };

    private readonly Option<string?> _pictures = new("--pictures")
    {
        Description = "A folder of photographs to learn from, with its subfolders; a hundred varied ones do",
        HelpName = "DIR",
    };

    private readonly Option<string?> _weights = new("--weights")
    {
        Description = "The loss network: VGG weights, or 'compact' for the one that is built in (default: what is " +
            "found in weights/ or the user's data folder, else compact)",
        HelpName = "FILE", CompletionSources = { CompactNetwork.Name },
    };

    private readonly Option<string?> _start = new("--start")
    {
        Description = "Start from a model of another style instead of random weights, which takes fewer iterations",
        HelpName = "NAME|FILE", CompletionSources = { _ => Models.Names },
    };

    private readonly Option<string> _type = Typed.Option(
        "--type", "The type of the numbers in the model", new Words<string>((Half, Half), ("float32", "float32")),
        Half);

    private readonly Option<string?> _resume = new("--resume")
    {
        Description = "Continue the training that wrote this checkpoint; takes no other options than outputs and " +
            "where to compute",
        HelpName = "FILE",
    };

    private readonly Option<long?> _memory = Typed.Memory(
        "Memory that the training may take, e.g. 4G or 800M (default: nine tenths of what is free)");

    private readonly TrainingArguments _training = new();
    private readonly TrainingOutputArguments _outputs = new();
    private readonly Option<bool> _quiet = Typed.Quiet();
    private readonly DeviceArguments _device = new();

    public TrainCommand()
        : base(
            "train",
            "Train a model that paints any picture in the style of STYLE at once.",
            """
            Trains the network of Johnson et al. 2016 on pieces of the pictures. 'nativestyle stylize' then uses it.

              nativestyle train painting.jpg --pictures photos -o painting.safetensors
              nativestyle train painting.jpg --pictures photos -o painting.safetensors --preview now.png --plot loss.svg
              nativestyle train other.jpg --pictures photos -o other.safetensors --start great-wave
              nativestyle train painting.jpg --pictures photos -o painting.safetensors --checkpoint run.ckpt
              nativestyle train --resume run.ckpt -o painting.safetensors

            The same pictures, options, seed and device give the same bytes. Ctrl-C keeps the model so far.
            """)
    {
        Add(_style);
        Add(OptionGroup.Common, _pictures);
        _outputs.AddTo(this);
        _training.AddTo(this);
        Add(OptionGroup.Optimiser, _start);
        Add(OptionGroup.InputAndNetwork, _weights);
        AddRare(OptionGroup.Output, _type);
        Add(OptionGroup.Run, _resume, _memory, _quiet);
        _device.AddTo(this);
        SetAction(Run);
    }

    private int Run(ParseResult parsed)
    {
        var console = new TransferConsole(parsed.GetValue(_quiet));
        if (parsed.GetValue(_resume) is { } file) return Resume(parsed, file, console);
        if (parsed.GetValue(_style) is not { } style || parsed.GetValue(_pictures) is not { } pictures)
            throw new UsageException(
                "train needs a style picture and --pictures DIR (see nativestyle train --help)");
        InputFiles.RequirePicture(style, "the style picture");
        string weights = WeightsLocator.Find(parsed.GetValue(_weights), console.Say)
            ?? throw new UsageException("--weights random: losses of random filters teach nothing; name a trained one");
        TrainingOptions options = _training.Parse(parsed, WeightsFile.Describe(weights).Architecture);
        string? start = parsed.GetValue(_start);
        if (start is not null && _training.SetsWidth(parsed))
            throw new UsageException("--start has the width of its model; leave --width out");
        TransformerWeights first = start is null
            ? TransformerWeights.Random(TransformerArchitecture.OfWidth(options.Width), options.Seed)
            : ModelArguments.Read(start).Weights;
        TrainingOutputs outputs = _outputs.Parse(
            parsed, [style, .. new[] { ModelArguments.FileOf(start), weights }.OfType<string>().Where(File.Exists)]);
        bool half = parsed.GetValue(_type) == Half;
        var job = new TrainingJob(
            style, pictures, weights, options, start is null ? null : Path.GetFileName(start), half,
            Digests(style, pictures, weights, ""));
        using ComputeDevice device = _device.Open(parsed, console.Say);
        using var cancellation = new Cancellation();
        return new TrainingRunner(console, device, job, outputs).Run(
            first, Budget(parsed, device), null, cancellation);
    }

    private int Resume(ParseResult parsed, string file, TransferConsole console)
    {
        Option?[] others = [_pictures, _weights, _start, _type];
        string? more = parsed.GetValue(_style) ?? _training.FirstSetOption(parsed)
            ?? others.FirstOrDefault(option => parsed.GetResult(option!) is { Implicit: false })?.Name;
        if (more is not null)
            throw new UsageException($"--resume goes on with what the checkpoint holds; leave {more} out");
        InputFiles.Require(file, "a checkpoint of a training");
        TrainingCheckpoint checkpoint = ReadCheckpoint(file);
        (TrainingJob job, string folder) = (checkpoint.Job, checkpoint.Directory);
        TrainingOutputs outputs = _outputs.Parse(parsed, [Path.Combine(folder, job.Style)]);
        // A resumed training also writes checkpoints.
        if (outputs.Checkpoint is null)
            outputs = outputs with { Checkpoint = file, CheckpointEvery = checkpoint.Every };
        RequireSame(checkpoint);
        string? written = parsed.GetResult(_device.Device) is { Implicit: false } ? null : checkpoint.Device;
        using ComputeDevice device = _device.Open(parsed, console.Say, written);
        console.Say($"going on after iteration {checkpoint.State.Iteration} of {job.Options.Iterations}");
        using var cancellation = new Cancellation();
        return new TrainingRunner(console, device, job, outputs, folder).Run(
            checkpoint.State.Weights(checkpoint.Architecture), Budget(parsed, device), checkpoint, cancellation);
    }

    private MemoryBudget Budget(ParseResult parsed, ComputeDevice device) =>
        MemoryBudget.Of(device, parsed.GetValue(_memory));

    /// <summary>Checks that the files are those from which the training began.</summary>
    private static void RequireSame(TrainingCheckpoint checkpoint)
    {
        TrainingJob job = checkpoint.Job;
        Dictionary<string, string> now = Digests(job.Style, job.Pictures, job.Weights, checkpoint.Directory);
        foreach ((string what, string digest) in job.Digests)
        {
            if (now[what] != digest)
                throw new UsageException(
                    $"the {what} of the training have changed since the checkpoint was written; put the old ones back");
        }
    }

    private static Dictionary<string, string> Digests(string style, string pictures, string weights, string folder)
    {
        string stylePath = Path.Combine(folder, style);
        InputFiles.RequirePicture(stylePath, "the style picture");
        string weightsPath = weights == CompactNetwork.Name ? weights : Path.Combine(folder, weights);
        return new Dictionary<string, string>
        {
            ["style"] = Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(stylePath))),
            ["pictures"] = TrainingPictures.Digest(
                InputFiles.Pictures(Path.Combine(folder, pictures), withFolders: true)),
            ["weights"] = WeightsFile.Identify(weightsPath).Sha256,
        };
    }

    private static TrainingCheckpoint ReadCheckpoint(string file)
    {
        try
        {
            return TrainingCheckpoint.Read(file);
        }
        catch (InvalidDataException wrong)
        {
            throw new UsageException($"{wrong.Message}; a checkpoint is what 'train --checkpoint FILE' writes");
        }
    }
}
