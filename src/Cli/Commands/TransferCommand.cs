using System.CommandLine;
using NativeStyle.Imaging;
using NativeStyle.Kernels.Devices;
using NativeStyle.Style;
using NativeStyle.Vgg.Weights;

namespace NativeStyle.Cli.Commands;

/// <summary><c>nativestyle transfer CONTENT STYLE... -o OUT</c>, and its continuation from a checkpoint.</summary>
internal sealed class TransferCommand
{
    private readonly Argument<string?> _content = new("CONTENT") { Description = $"The picture whose scene is kept ({PictureFile.Readable})", Arity = ArgumentArity.ZeroOrOne };
    private readonly Argument<string[]> _styles = new("STYLE") { Description = "The pictures whose manner is taken, one or more", Arity = ArgumentArity.ZeroOrMore };
    private readonly Option<string?> _styleWeights = new("--style-weights") { Description = "How much each style counts beside the others (default: all the same)", HelpName = "X,X" };
    private readonly Option<string?> _masks = new("--mask") { Description = "For each style a picture that is white where in the result it counts; empty for everywhere", HelpName = "FILE,FILE" };
    private readonly Option<string?> _styleMasks = new("--style-mask") { Description = "For each style a picture that is white where it is to be learnt from", HelpName = "FILE,FILE" };
    private readonly Option<string?> _resume = new("--resume") { Description = "Go on with the transfer that wrote this checkpoint; takes nothing else but -o and where to compute", HelpName = "FILE" };
    private readonly JobArguments _job = new();
    private readonly OutputArguments _outputs = new();
    private readonly DeviceOptions _device = new();

    public static Command Create()
    {
        var transfer = new TransferCommand();
        var command = new Command(
            "transfer",
            "Paints CONTENT in the style of STYLE.\n\n" +
            "  nativestyle transfer photo.jpg painting.jpg -o art.png --size 512\n" +
            "  nativestyle transfer photo.jpg painting.jpg -o art.png --preset gatys --weights vgg19.safetensors\n" +
            "  nativestyle transfer photo.jpg one.jpg two.jpg -o art.png --style-weights 2,1 --colors luminance\n" +
            "  nativestyle transfer photo.jpg sky.jpg ground.jpg -o art.png --mask sky-mask.png,ground-mask.png\n" +
            "  nativestyle transfer photo.jpg painting.jpg -o art.png --size 2048 --checkpoint run.ckpt\n" +
            "  nativestyle transfer --resume run.ckpt -o art.png\n\n" +
            "Each setting's default is the preset's: 'nativestyle presets show NAME' prints them.")
        {
            transfer._content, transfer._styles,
        };
        transfer._outputs.AddTo(command);
        transfer._job.AddTo(command);
        foreach (Option option in new[] { transfer._styleWeights, transfer._masks, transfer._styleMasks, transfer._resume }) command.Add(option);
        transfer._device.AddTo(command);
        command.SetAction(transfer.Run);
        return command;
    }

    private int Run(ParseResult parsed)
    {
        TransferConsole console = _job.Console(parsed);
        if (parsed.GetValue(_resume) is string file) return Resume(parsed, file, console);
        if (parsed.GetValue(_content) is not string content || parsed.GetValue(_styles) is not [_, ..] styles)
            throw new UsageException("transfer needs a content picture and at least one style picture (see nativestyle transfer --help)");
        UserErrors.RequireFile(content, $"the content picture ({PictureFile.Readable})");
        foreach (string style in styles) UserErrors.RequireFile(style, $"a style picture ({PictureFile.Readable})");
        double[] weights = JobArguments.ParseWeights("--style-weights", parsed.GetValue(_styleWeights), styles.Length);
        string?[] regions = Masks(_masks, parsed, styles.Length), parts = Masks(_styleMasks, parsed, styles.Length);
        Outputs outputs = _outputs.Parse(parsed, [content, .. styles, .. regions.OfType<string>(), .. parts.OfType<string>(), .. _job.Inputs(parsed)]);
        TransferJob draft = _job.Draft(parsed, console) with
        {
            Content = content,
            Styles = [.. styles.Select((path, i) => new JobStyle(path, weights[i], regions[i], parts[i]))],
        };
        PreparedJob prepared = JobArguments.Prepare(draft, _job.TotalIterations(parsed), null, console);
        using ComputeDevice device = _device.Open(parsed, console.Say);
        return Finish(console, device, prepared, outputs);
    }

    private int Resume(ParseResult parsed, string file, TransferConsole console)
    {
        string? more = parsed.GetValue(_content) ?? _job.FirstGiven(parsed)
            ?? new[] { _styleWeights, _masks, _styleMasks }.FirstOrDefault(option => parsed.GetValue(option) is not null)?.Name;
        if (more is not null) throw new UsageException($"--resume goes on with what the checkpoint holds; leave {more} out");
        UserErrors.RequireFile(file, "a checkpoint");
        Checkpoint checkpoint = Checkpoint.Read(file);
        TransferJob job = checkpoint.Job;
        Outputs outputs = _outputs.Parse(parsed, job.Pictures().Select(name => Path.Combine(checkpoint.Directory, name)));
        // A resumed run is as safe as the first.
        if (outputs.Checkpoint is null) outputs = outputs with { Checkpoint = file, CheckpointEvery = checkpoint.Every };
        TransferInputs inputs = JobArguments.ReadPictures(job, console, checkpoint.Directory);
        string? written = parsed.GetResult(_device.Device) is { Implicit: false } ? null : checkpoint.Device;
        using ComputeDevice device = _device.Open(parsed, console.Say, written);
        if (DeviceOptions.NameOf(device) != checkpoint.Device)
            console.Say($"the checkpoint was written on {checkpoint.Device}; on {DeviceOptions.NameOf(device)} roundings differ, and so may the picture, a little");
        console.Say($"going on after iteration {checkpoint.State.Iteration} of {job.Plan.Sum(step => step.Iterations)}");
        return Finish(console, device, new PreparedJob(job, inputs), outputs, checkpoint);
    }

    /// <summary>Runs a job, says how it ended, and gives its exit code.</summary>
    public static int Finish(
        TransferConsole console, ComputeDevice device, PreparedJob prepared, Outputs outputs, Checkpoint? resume = null)
    {
        using var cancellation = new Cancellation();
        using var runner = new TransferRunner(console, device);
        TransferResult result = runner.Run(prepared, outputs, cancellation.Token, resume);
        string saved = $"{outputs.Picture} ({result.Picture.Width} x {result.Picture.Height})";
        console.SayPeak(device);
        int total = prepared.Job.Plan.Sum(step => step.Iterations);
        switch (result.End)
        {
            case TransferEnd.Completed:
                console.Say(result.IterationsMade < total ? $"no step lowered the loss any more after {result.IterationsMade} of {total} iterations; saved {saved}" : $"saved {saved}");
                if (prepared.Job.Weights == CompactNetwork.Name && !Console.IsOutputRedirected)
                    console.Say("the whole network sees larger forms, and has the layers that more presets need: 'nativestyle weights download vgg19' gets it (80 MB)");
                return 0;
            case TransferEnd.Cancelled:
                console.Say($"ended after {result.IterationsMade} of {total} iterations; saved the picture so far as {saved}"
                    + (outputs.Checkpoint is { } file ? $"; go on with: nativestyle transfer --resume {file} -o {outputs.Picture}" : ""));
                return Cancellation.ExitCode;
            case TransferEnd.OutOfMemory:
                Console.Error.WriteLine(
                    $"nativestyle: after {result.IterationsMade} of {total} iterations there was no more room ({result.Reason}); saved the picture so far as {saved}; " +
                    "choose a smaller --size, or a smaller --memory, which leaves more for other programs");
                return 1;
            case TransferEnd.DeviceFailed:
                Console.Error.WriteLine(
                    $"nativestyle: the device failed ({result.Reason}); saved the picture after {result.IterationsMade} of {total} iterations as {saved}; " +
                    "try another --device, or a newer driver" + (outputs.Checkpoint is { } written ? $"; a checkpoint may be in {written}" : ""));
                return 1;
            default:
                Console.Error.WriteLine(
                    $"nativestyle: the loss of iteration {result.IterationsMade + 1} is not finite; saved the last good picture as {saved}; " +
                    "try a smaller --learning-rate or smaller weights");
                return 1;
        }
    }

    /// <summary>The masks of an option, one for each style; null where there is none.</summary>
    private static string?[] Masks(Option<string?> option, ParseResult parsed, int count)
    {
        if (parsed.GetValue(option) is not string text) return new string?[count];
        string[] files = text.Split(',');
        if (files.Length != count) throw new UsageException($"{option.Name} {text} names {files.Length} masks, expected one for each of the {count} styles (empty for none)");
        foreach (string file in files.Where(file => file.Length > 0)) UserErrors.RequireFile(file, $"a mask ({PictureFile.Readable})");
        return [.. files.Select(file => file.Length > 0 ? file : null)];
    }
}
