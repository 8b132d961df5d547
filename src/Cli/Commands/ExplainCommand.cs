using System.CommandLine;
using System.Text;
using NativeStyle.Imaging;
using NativeStyle.Kernels.Devices;
using NativeStyle.Style;
using NativeStyle.Style.Study;
using NativeStyle.Style.Tiling;
using NativeStyle.Vgg;

namespace NativeStyle.Cli.Commands;

/// <summary><c>nativestyle explain CONTENT STYLE --html REPORT.html</c>: a transfer as it happened, on one page.</summary>
internal sealed class ExplainCommand
{
    private readonly Argument<string> _content = new("CONTENT") { Description = "The picture whose scene is kept" };
    private readonly Argument<string> _style = new("STYLE") { Description = "The picture whose manner is taken" };
    private readonly Option<string> _html = new("--html") { Description = "The page; it opens from disk, without a network", Required = true, HelpName = "REPORT.html" };
    private readonly Option<string?> _output = new("--output", "-o") { Description = "Also save the result", HelpName = "OUT" };
    private readonly Option<string?> _snapshots = new("--snapshots") { Description = "Pictures on the slider, beside the start (default: 12)", HelpName = "N" };
    private readonly Option<string?> _pixel = new("--pixel") { Description = "The pixel that is followed back to the losses, of the last scale (default: the one that the losses pull at most)", HelpName = "X,Y" };
    private readonly JobArguments _job = new();
    private readonly DeviceOptions _device = new();

    public static Command Create()
    {
        var explain = new ExplainCommand();
        var command = new Command(
            "explain",
            "Makes a transfer and a page that explains it: the pictures on the way, each layer's loss, the Gram matrices of style,\n" +
            "start and result, what each term pulls at, one pixel's numbers from its last change back to the losses, and the tape\n" +
            "with every operator's shape, operations, time and gradient. The page needs no network and no other file.\n\n" +
            "  nativestyle explain photo.jpg painting.jpg --html explained.html --size 192\n\n" +
            "Takes transfer's options.")
        {
            explain._content, explain._style, explain._html, explain._output, explain._snapshots, explain._pixel,
        };
        explain._job.AddTo(command);
        explain._device.AddTo(command);
        command.SetAction(explain.Run);
        return command;
    }

    private int Run(ParseResult parsed)
    {
        TransferConsole console = _job.Console(parsed);
        (string content, string style, string html, string? output) = (parsed.GetValue(_content)!, parsed.GetValue(_style)!, parsed.GetValue(_html)!, parsed.GetValue(_output));
        UserErrors.RequireFile(content, $"the content picture ({PictureFile.Readable})");
        UserErrors.RequireFile(style, $"the style picture ({PictureFile.Readable})");
        OutputArguments.RequireExtension(html, ".html", ".htm");
        UserErrors.RequireWritable(html);
        if (output is not null)
        {
            OutputArguments.RequireExtension(output, [.. PictureFile.WritableExtensions]);
            UserErrors.RequireWritable(output);
            if (new[] { content, style }.Any(input => Path.GetFullPath(input) == Path.GetFullPath(output)))
                throw new UsageException($"{output} is an input and would be overwritten; choose another name for the output");
        }

        int snapshots = parsed.GetValue(_snapshots) is string count ? Settings.ParseWhole("--snapshots", count, 1, 200) : 12;
        TransferJob draft = _job.Draft(parsed, console) with { Content = content, Styles = [new JobStyle(style)] };
        PreparedJob prepared = JobArguments.Prepare(draft, _job.TotalIterations(parsed), null, console);
        TransferJob job = prepared.Job;
        (int, int)? pixel = parsed.GetValue(_pixel) is string place ? ParsePixel(place, job.Plan[^1]) : null;
        using ComputeDevice device = _device.Open(parsed, console.Say);
        using var runner = new TransferRunner(console, device);
        (VggNetwork network, string digest) = runner.Network(job);
        MemoryPlanner memory = runner.PlanMemory(prepared, network.Architecture);
        if (memory.At(job.Plan[^1].Height, job.Plan[^1].Width).Tiles is not null)
            throw new UsageException($"{job.Plan[^1].Width} x {job.Plan[^1].Height} pixels do not go into the memory whole, and explain shows the whole; choose a smaller --size, or a larger --memory");
        console.Begin(job.Options, job.Plan, device, network);
        using var cancellation = new Cancellation();
        TransferExplanation? explanation = null;
        console.Follow(job.Plan.Sum(step => step.Iterations), job.Options.PrintEvery, report =>
        {
            explanation = TransferExplanation.Create(
                device, network, job.Options, prepared.Inputs, job.Plan, snapshots, pixel, report, cancellation.Token);
            return explanation.Result;
        });
        AtomicFile.Write(html, Encoding.UTF8.GetBytes(ExplainPage.Html(job, explanation!, device.Name)));
        if (output is not null)
        {
            PictureFile.Write(output, explanation!.Result.Picture, new PictureWriteOptions(
                job.Depth, job.Quality, Recipe.Texts(job, Settings.WordOf(explanation.Result.End), explanation.Result.Reports, digest)));
        }

        console.Say($"saved {html}");
        return cancellation.Token.IsCancellationRequested ? Cancellation.ExitCode : 0;
    }

    private static (int Row, int Column) ParsePixel(string text, ScaleStep last)
    {
        string[] parts = text.Split(',');
        if (parts.Length != 2) throw new UsageException($"--pixel {text} is no pixel, expected X,Y");
        int column = Settings.ParseWhole("--pixel", parts[0].Trim(), 0, last.Width - 1);
        return (Settings.ParseWhole("--pixel", parts[1].Trim(), 0, last.Height - 1), column);
    }
}
