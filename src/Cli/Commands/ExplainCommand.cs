using System.CommandLine;
using System.Text;
using NativeStyle.Cli.Arguments;
using NativeStyle.Cli.Help;
using NativeStyle.Imaging;
using NativeStyle.Jobs;
using NativeStyle.Jobs.Pages;
using NativeStyle.Kernels.Devices;
using NativeStyle.Style;
using NativeStyle.Style.Options;
using NativeStyle.Style.Study;
using NativeStyle.Style.Tiling;
using NativeStyle.Vgg;

namespace NativeStyle.Cli.Commands;

/// <summary>
/// <c>nativestyle explain CONTENT STYLE --html REPORT.html</c>: makes a transfer and explains it on one page.
/// </summary>
internal sealed class ExplainCommand : ProgramCommand
{
    private readonly Argument<string> _content = new("CONTENT") { Description = "The picture whose scene is kept" };
    private readonly Argument<string> _style = new("STYLE") { Description = "The picture whose manner is used" };
    private readonly Option<string> _html = new("--html")
    {
        Description = "The page, which opens from disk without a network", Required = true, HelpName = "REPORT.html",
    };

    private readonly Option<string?> _output = new("--output", "-o")
    {
        Description = "Also save the result", HelpName = "OUT",
    };

    private readonly Option<int> _snapshots =
        Typed.Option(
            "--snapshots", "Pictures on the slider, in addition to the start", new NumberRange<int>(1, 200), 12);

    private readonly Option<IReadOnlyList<int>?> _pixel = Typed.Option(
        "--pixel", "X,Y", "The pixel of the last scale to follow back to the losses (default: the one that the " +
        "losses pull most)", ParsePixel);

    private readonly JobArguments _job = new();
    private readonly DeviceArguments _device = new();

    public ExplainCommand()
        : base(
            "explain",
            "Make a transfer, and a page that explains it number by number.",
            """
            The page has the pictures on the way, each layer's loss, the Gram matrices of style, start and result, what
            each term pulls at, one pixel's numbers from its last change back to the losses, and the tape with every
            operator's shape, operations, time and gradient. It needs no network and no other file.

              nativestyle explain photo.jpg painting.jpg --html explained.html --size 192

            Takes the options of transfer.
            """)
    {
        Add(_content);
        Add(_style);
        Add(OptionGroup.Common, _html, _output, _snapshots, _pixel);
        _job.AddTo(this);
        _device.AddTo(this);
        SetAction(Run);
    }

    private int Run(ParseResult parsed)
    {
        TransferConsole console = _job.Console(parsed);
        (string content, string style) = (parsed.GetValue(_content)!, parsed.GetValue(_style)!);
        (string html, string? output) = (parsed.GetValue(_html)!, parsed.GetValue(_output));
        InputFiles.RequirePicture(content, "the content picture");
        InputFiles.RequirePicture(style, "the style picture");
        OutputFiles.CheckPage(html);
        if (output is not null) OutputFiles.CheckPicture(output, content, style);
        TransferJob draft = _job.Draft(parsed, console) with { Content = content, Styles = [new JobStyle(style)] };
        PreparedJob prepared = PreparedJob.Create(draft, _job.TotalIterations(parsed), null, console);
        TransferJob job = prepared.Job;
        (int, int)? pixel = parsed.GetValue(_pixel) is { } place ? Within(place, job.Plan[^1]) : null;
        using ComputeDevice device = _device.Open(parsed, console.Say);
        using var runner = new TransferRunner(console, device);
        (VggNetwork network, string digest) = runner.Network(job);
        MemoryPlanner memory = runner.PlanMemory(prepared, network.Architecture);
        ScaleStep last = job.Plan[^1];
        if (!memory.IsWhole)
            throw new UsageException(
                $"{last.Width} x {last.Height} pixels do not fit into memory without tiles, and explain makes none; " +
                "choose a smaller --size, or a larger --memory");
        RunFacts facts = runner.Facts(prepared, memory, digest);
        console.Begin(job.Options, job.Plan, device, network);
        using var cancellation = new Cancellation();
        TransferExplanation? explanation = null;
        console.Follow(job.Plan.Sum(step => step.Iterations), job.Options.PrintEvery, report =>
        {
            explanation = TransferExplanation.Create(
                device, network, job.Options, prepared.Inputs, job.Plan, parsed.GetValue(_snapshots), pixel, Show,
                cancellation.Token);
            return explanation.Result;

            void Show(IterationReport iteration)
            {
                cancellation.Keep();
                report(iteration);
            }
        });
        AtomicFile.Write(html, Encoding.UTF8.GetBytes(ExplainPage.Html(job, explanation!, device.Name)));
        if (output is not null)
        {
            TransferResult result = explanation!.Result;
            PictureFile.Write(
                output, result.Picture,
                new PictureWriteOptions(job.Depth, job.Quality, Recipe.Texts(prepared, result, facts)));
        }

        console.Say($"saved {html}");
        return cancellation.Token.IsCancellationRequested ? Cancellation.ExitCode : 0;
    }

    private static IReadOnlyList<int> ParsePixel(string text) =>
        new ListOf<int>(OptionTable.Side, "X,Y").Parse(text) is [_, _] pixel ? pixel
        : throw new TransferException($"{text} is no pixel, expected X,Y");

    private (int, int) Within(IReadOnlyList<int> pixel, ScaleStep last) => UserErrors.For(_pixel.Name, () => (
        new NumberRange<int>(0, last.Height - 1).Parse($"{pixel[1]}"),
        new NumberRange<int>(0, last.Width - 1).Parse($"{pixel[0]}")));
}
