using System.CommandLine;
using NativeStyle.Cli.Arguments;
using NativeStyle.Cli.Help;
using NativeStyle.Cli.Jobs;
using NativeStyle.Imaging;
using NativeStyle.Jobs;
using NativeStyle.Kernels.Devices;
using NativeStyle.Style;
using NativeStyle.Style.Options;

namespace NativeStyle.Cli.Commands;

/// <summary>
/// <c>nativestyle batch</c>: makes many transfers with one network, skips finished ones, and continues after failures.
/// </summary>
internal sealed class BatchCommand : ProgramCommand
{
    private readonly Option<string?> _contents = new("--content")
    {
        Description = "A folder of content pictures; batch paints each in each style", HelpName = "DIR",
    };

    private readonly Option<string?> _styles = new("--style")
    {
        Description = "A folder of style pictures", HelpName = "DIR",
    };

    private readonly Option<string?> _pairs = new("--pairs")
    {
        Description = "A folder with content_* and style_* pictures: paints each pair, with results and copies of " +
            "the pictures in OUT/gen_0, gen_1, ...",
        HelpName = "DIR",
    };

    private readonly Option<string?> _manifest = new("--manifest")
    {
        Description = "A line of JSON for each job: {\"content\": FILE, \"style\": FILE or [FILES], \"output\": " +
            "FILE}, also styleWeights, masks, styleMasks, options",
        HelpName = "FILE.jsonl",
    };

    private readonly Option<string> _output = new("--out", "-o")
    {
        Description = "The folder for the results", Required = true, HelpName = "DIR",
    };

    private readonly ManyArguments _many = new("The format of the results");
    private readonly Option<int?> _saveEvery = OutputArguments.SaveEveryOption();

    private readonly Option<int> _checkpointSeconds = Typed.Option(
        "--checkpoint-seconds", "Seconds between checkpoints of a picture; a signal that ends the batch writes one too",
        new NumberRange<int>(0, 1_000_000), 60);

    private readonly JobArguments _job = new();
    private readonly DeviceArguments _device = new();

    public BatchCommand()
        : base(
            "batch",
            "Paint many pictures, on one machine or a cluster.",
            """
            Skips results that exist, and reports jobs that fail but continues with the others. After an interruption,
            the same command does the jobs that are left, and goes on with the one that was begun. It may run several
            times at once, also on other machines: no picture is painted twice.

              nativestyle batch --content photos --style paintings --out art
              nativestyle batch --pairs data --out data --preset light-on-math --weights vgg16_weights.npz
              nativestyle batch --manifest jobs.jsonl --out art --shard 0/4
              nativestyle batch --manifest jobs.jsonl --out art --status

            Exit code 1 if a job failed; the others are done. Beside a result, NAME.failed.txt says why it is missing.
            docs/batch.md and docs/cluster show how to use Slurm, Kubernetes and xargs.
            """)
    {
        Add(OptionGroup.Common, _contents, _styles, _pairs, _manifest, _output);
        _job.AddTo(this);
        _many.AddTo(this);
        Add(OptionGroup.Output, _saveEvery);
        AddRare(OptionGroup.Output, _checkpointSeconds);
        _device.AddTo(this);
        SetAction(Run);
    }

    private int Run(ParseResult parsed)
    {
        TransferConsole console = _job.Console(parsed);
        BatchJob[] mine = _many.Mine(parsed, Jobs(parsed), console);
        if (_many.Show(parsed, mine) is { } shown) return shown;
        (int saveEvery, int seconds) = (parsed.GetValue(_saveEvery) ?? 0, parsed.GetValue(_checkpointSeconds));
        TransferJob draft = _job.Draft(parsed, console);
        int? total = _job.TotalIterations(parsed);
        using ComputeDevice device = _device.Open(parsed, console.Say);
        using Cancellation cancellation = new Cancellation().Keep();
        using var runner = new TransferRunner(console, device);
        return ManyJobs.Run(
            mine, _many.Again(parsed), console,
            job => Make(job, draft, total, Outputs(job), runner, console, cancellation.Token), cancellation.Token);

        Outputs Outputs(BatchJob job) => new(job.Output)
        {
            // A job that does not end well goes on, or is made again.
            SaveEvery = saveEvery, Keeps = end => end == TransferEnd.Completed, OnlyHere = true,
            Checkpoint = JobFiles.Checkpoint(job.Output), CheckpointEvery = 1, CheckpointSeconds = seconds,
            FirstCheckpointWaits = true,
        };
    }

    /// <summary>
    /// Makes one job. The result gets its name only when it is complete, so an existing file means a finished job.
    /// </summary>
    /// <returns>Null, or the reason why there is no result.</returns>
    /// <exception cref="DeviceException">The device failed, so it can make no other job either.</exception>
    private static string? Make(
        BatchJob job, TransferJob draft, int? total, Outputs outputs, TransferRunner runner, TransferConsole console,
        CancellationToken cancellation)
    {
        TransferJob own = draft with
        {
            Content = job.Content,
            Styles = job.Styles,
            Options = job.Options is null ? draft.Options : With(draft.Options, job),
        };
        // The iterations of a manifest's line override those of the command line.
        if (job.Options?.ContainsKey("iterations") == true) total = null;
        PreparedJob prepared = PreparedJob.Create(own, total, null, console);
        if (job.Folder is { } folder)
        {
            // Write the pictures next to the result, as the transfer used them.
            TransferInputs used = prepared.Inputs.Cropped(own.Options.Crop);
            ScaleStep last = prepared.Job.Plan[^1];
            PictureFile.Write(Path.Combine(folder, "content.png"), used.Content!.At(last.Height, last.Width));
            PictureSource style = used.Styles[0].Picture;
            (int height, int width) = Schedule.StyleSize(
                own.Options, last.Height, last.Width, style.Height, style.Width);
            PictureFile.Write(Path.Combine(folder, "style.png"), style.At(height, width));
        }

        Checkpoint? resume = runner.CheckpointFor(prepared, outputs.Checkpoint!);
        if (resume is not null) runner.SayGoesOn(resume);
        TransferResult result = runner.Run(prepared, outputs, cancellation, resume);
        // What ends for good leaves nothing to go on from.
        if (result.End is not (TransferEnd.Cancelled or TransferEnd.DeviceFailed))
            JobFiles.Remove(outputs.Checkpoint!);
        return result.End switch
        {
            TransferEnd.Completed => null,
            TransferEnd.DeviceFailed => throw new DeviceException(result.Failure!.Message),
            TransferEnd.OutOfMemory =>
                $"there was no more room ({result.Failure!.Message}); {UserErrors.RemedyOf(result.Failure)}",
            TransferEnd.Cancelled => "ended",
            _ => "the losses were no longer finite",
        };
    }

    private static TransferOptions With(TransferOptions options, BatchJob job)
    {
        try
        {
            return OptionsJson.With(options, job.Options!);
        }
        catch (TransferException wrong)
        {
            throw new UsageException($"the manifest's line for {job.Output} {wrong.Message}");
        }
    }

    private List<BatchJob> Jobs(ParseResult parsed)
    {
        (string output, string extension) = (parsed.GetValue(_output)!, _many.Extension(parsed));
        OutputFiles.RequireFolder(output);
        return (parsed.GetValue(_contents), parsed.GetValue(_styles), parsed.GetValue(_pairs),
            parsed.GetValue(_manifest)) switch
        {
            ({ } contents, { } styles, null, null) => BatchJobs.FromFolders(contents, styles, output, extension),
            (null, null, { } pairs, null) => BatchJobs.FromPairs(pairs, output, extension),
            (null, null, null, { } manifest) => BatchJobs.FromManifest(manifest, output),
            _ => throw new UsageException(
                "batch needs --content DIR and --style DIR, or --pairs DIR, or --manifest FILE (see nativestyle " +
                "batch --help)"),
        };
    }
}
