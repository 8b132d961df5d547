using System.CommandLine;
using NativeStyle.Cli.Arguments;
using NativeStyle.Cli.Help;
using NativeStyle.Imaging;
using NativeStyle.Jobs;
using NativeStyle.Kernels.Devices;
using NativeStyle.Style;
using NativeStyle.Style.Options;
using NativeStyle.Vgg.Weights;

namespace NativeStyle.Cli.Commands;

/// <summary><c>nativestyle transfer CONTENT STYLE... -o OUT</c>, and its continuation from a checkpoint.</summary>
internal sealed class TransferCommand : ProgramCommand
{
    private readonly Argument<string?> _content = new("CONTENT")
    {
        Description = $"The picture whose scene is kept ({PictureFile.Readable})", Arity = ArgumentArity.ZeroOrOne,
    };

    private readonly Argument<string[]> _styles = new("STYLE")
    {
        Description = "The pictures whose manner is used, one or more", Arity = ArgumentArity.ZeroOrMore,
    };

    private readonly Option<string?> _resume = new("--resume")
    {
        Description = "Continue the transfer that wrote this checkpoint; takes no other options than -o and where to " +
            "compute",
        HelpName = "FILE",
    };

    private readonly StyleArguments _several = new(masks: true);
    private readonly JobArguments _job = new();
    private readonly OutputArguments _outputs = new();
    private readonly DeviceArguments _device = new();

    public TransferCommand()
        : base(
            "transfer",
            "Paint CONTENT in the style of STYLE.",
            """
              nativestyle transfer photo.jpg painting.jpg -o art.png --size 512
              nativestyle transfer photo.jpg painting.jpg -o art.png --preset gatys --weights vgg19.safetensors
              nativestyle transfer photo.jpg one.jpg two.jpg -o art.png --style-weights 2,1 --colors luminance
              nativestyle transfer photo.jpg sky.jpg ground.jpg -o art.png --mask sky-mask.png,ground-mask.png
              nativestyle transfer photo.jpg painting.jpg -o art.png --size 2048 --checkpoint run.ckpt
              nativestyle transfer --resume run.ckpt -o art.png

            Options without a default here have the preset's: 'nativestyle presets show NAME' prints them.
            """)
    {
        Add(_content);
        Add(_styles);
        _outputs.AddTo(this);
        _job.AddTo(this);
        _several.AddTo(this);
        Add(OptionGroup.Run, _resume);
        _device.AddTo(this);
        SetAction(Run);
    }

    private int Run(ParseResult parsed)
    {
        TransferConsole console = _job.Console(parsed);
        if (parsed.GetValue(_resume) is string file) return Resume(parsed, file, console);
        if (parsed.GetValue(_content) is not string content || parsed.GetValue(_styles) is not [_, ..] styles)
            throw new UsageException(
                "transfer needs a content picture and at least one style picture (see nativestyle transfer --help)");
        InputFiles.RequirePicture(content, "the content picture");
        JobStyle[] jobStyles = _several.Styles(parsed, styles);
        IEnumerable<string> masks = jobStyles.SelectMany(style => new[] { style.Region, style.Part }).OfType<string>();
        Outputs outputs = _outputs.Parse(parsed, [content, .. styles, .. masks, .. _job.Inputs(parsed)]);
        TransferJob draft = _job.Draft(parsed, console) with { Content = content, Styles = jobStyles };
        PreparedJob prepared = PreparedJob.Create(draft, _job.TotalIterations(parsed), null, console);
        using ComputeDevice device = _device.Open(parsed, console.Say);
        return Finish(console, device, prepared, outputs);
    }

    private int Resume(ParseResult parsed, string file, TransferConsole console)
    {
        string? more = parsed.GetValue(_content) ?? _job.FirstSetOption(parsed) ?? _several.FirstSetOption(parsed);
        if (more is not null)
            throw new UsageException($"--resume goes on with what the checkpoint holds; leave {more} out");
        InputFiles.Require(file, "a checkpoint");
        Checkpoint checkpoint = ReadCheckpoint(file);
        TransferJob job = checkpoint.Job with
        {
            WithoutRecipe = checkpoint.Job.WithoutRecipe || _job.WithoutRecipe(parsed),
        };
        Outputs outputs = _outputs.Parse(
            parsed, job.Pictures().Select(name => Path.Combine(checkpoint.Directory, name)));
        // A resumed run also writes checkpoints.
        if (outputs.Checkpoint is null)
            outputs = outputs with { Checkpoint = file, CheckpointEvery = checkpoint.Every };
        TransferInputs inputs = PreparedJob.ReadPictures(job, console, checkpoint.Directory);
        string? written = parsed.GetResult(_device.Device) is { Implicit: false } ? null : checkpoint.Device;
        using ComputeDevice device = _device.Open(parsed, console.Say, written, checkpoint.Threads ?? 0);
        return Finish(console, device, new PreparedJob(job, inputs) { Folder = checkpoint.Directory }, outputs,
            checkpoint);
    }

    /// <summary>Runs a job, reports how it ended, and returns its exit code.</summary>
    public static int Finish(
        TransferConsole console, ComputeDevice device, PreparedJob prepared, Outputs outputs, Checkpoint? resume = null)
    {
        using var cancellation = new Cancellation();
        using var runner = new TransferRunner(console, device) { HasPicture = () => cancellation.Keep() };
        if (resume is not null) runner.SayGoesOn(resume);
        TransferResult result = runner.Run(prepared, outputs, cancellation.Token, resume);
        string saved = $"{outputs.Picture} ({result.Picture.Width} x {result.Picture.Height})";
        console.SayPeak(device);
        if (runner.NoCheckpoint is { } missing)
            Console.Error.WriteLine($"nativestyle: there is no checkpoint of the last iterations: {missing}");
        int total = prepared.Job.Plan.Sum(step => step.Iterations);
        switch (result.End)
        {
            case TransferEnd.Completed:
                string early = result.IterationsMade == total ? ""
                    : $"no step lowered the loss any more after {result.IterationsMade} of {total} iterations; ";
                console.Say($"{early}saved {saved}");
                if (prepared.Job.Weights == CompactNetwork.Name && !Console.IsOutputRedirected)
                    console.Say(
                        "the whole network sees larger forms and has the layers that more presets need: " +
                        "'nativestyle weights download vgg19' gets it (80 MB)");
                return runner.LacksFiles ? UserErrors.ExitCode : 0;
            case TransferEnd.Cancelled:
                string more = outputs.Checkpoint is not { } file ? ""
                    : runner.NoCheckpoint is not null ? ""
                        : $"; go on with: nativestyle transfer --resume {file} -o {outputs.Picture}";
                console.Say(
                    $"ended after {result.IterationsMade} of {total} iterations; saved the picture so far as " +
                    $"{saved}{more}");
                return Cancellation.ExitCode;
            case TransferEnd.OutOfMemory:
                Console.Error.WriteLine(
                    $"nativestyle: after {result.IterationsMade} of {total} iterations there was no more room " +
                    $"({result.Failure!.Message}); saved the picture so far as {saved}; " +
                    UserErrors.RemedyOf(result.Failure));
                return 1;
            case TransferEnd.DeviceFailed:
                Console.Error.WriteLine(
                    $"nativestyle: the device failed ({result.Failure!.Message}); saved the picture after " +
                    $"{result.IterationsMade} of {total} iterations as {saved}; " +
                    "try another --device, or a newer driver" +
                    (outputs.Checkpoint is { } written ? $"; a checkpoint may be in {written}" : ""));
                return 1;
            default:
                Console.Error.WriteLine(
                    $"nativestyle: the loss of iteration {result.IterationsMade + 1} is not finite; saved the last " +
                    $"good picture as {saved}; " +
                    "try a smaller --learning-rate or smaller weights");
                return 1;
        }
    }

    private static Checkpoint ReadCheckpoint(string file)
    {
        try
        {
            return Checkpoint.Read(file);
        }
        catch (InvalidDataException wrong)
        {
            throw new UsageException($"{wrong.Message}; a checkpoint is what 'transfer --checkpoint FILE' writes");
        }
    }
}
