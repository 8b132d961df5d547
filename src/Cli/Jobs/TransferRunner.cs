using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using NativeStyle.Cli.Arguments;
using NativeStyle.Imaging;
using NativeStyle.Imaging.Png;
using NativeStyle.Kernels.Devices;
using NativeStyle.Style;
using NativeStyle.Style.Options;
using NativeStyle.Style.Study;
using NativeStyle.Style.Tiling;
using NativeStyle.Vgg;
using NativeStyle.Vgg.Weights;

namespace NativeStyle.Cli.Jobs;

/// <summary>
/// Runs jobs on one device, shows their progress and writes their files. Keeps the network from job to job.
/// </summary>
internal sealed class TransferRunner(TransferConsole console, ComputeDevice device) : IDisposable
{
    private const int TimelapseFrames = 60, TimelapseSide = 512, FrameMilliseconds = 100;

    private (object Key, VggNetwork Network, string Digest)? _loaded;

    public void Dispose() => _loaded?.Network.Dispose();

    /// <summary>Runs a job and writes nothing.</summary>
    public TransferResult Run(PreparedJob prepared, Cancellation cancellation) =>
        Run(prepared, null, cancellation);

    /// <summary>Runs a job and writes its outputs.</summary>
    /// <param name="cancellation">It has something to keep after the first iteration.</param>
    /// <param name="resume">The checkpoint from which the run continues.</param>
    /// <exception cref="UsageException">The checkpoint does not fit the present files.</exception>
    public TransferResult Run(
        PreparedJob prepared, Outputs? outputs, Cancellation cancellation, Checkpoint? resume = null)
    {
        (TransferJob job, TransferInputs inputs) = prepared;
        TransferOptions options = job.Options;
        (VggNetwork network, string digest) = Network(job, resume?.Directory ?? "");
        if (resume is not null) RequireSame(resume, digest);
        console.Begin(options, job.Plan, device, network);
        MemoryPlanner memory = PlanMemory(prepared, network.Architecture, resume?.Memory);
        options = memory.Options;
        if (options.ShowLayers) console.ShowLayers(options, network.Architecture, job.Plan[^1]);
        int total = job.Plan.Sum(step => step.Iterations);
        var format = new PictureWriteOptions(job.Depth, job.Quality);
        (int height, int width) = (job.Plan[^1].Height, job.Plan[^1].Width);
        if (Math.Max(height, width) > TimelapseSide) (height, width) = Resampler.FitInto(height, width, TimelapseSide);
        AnimatedPng? timelapse = outputs?.Timelapse is null ? null : new AnimatedPng(height, width, FrameMilliseconds);
        int frameEvery = outputs?.TimelapseEvery > 0 ? outputs.TimelapseEvery : Math.Max(1, total / TimelapseFrames);
        TransferResult result;
        using (var trace = Trace.Open(outputs?.Trace))
        {
            foreach (IterationReport before in resume?.State.Reports ?? []) trace?.Write(before);
            result = console.Follow(total, options.PrintEvery, report => new StyleTransfer(device, network, options)
            {
                Progress = (iteration, picture) =>
                {
                    cancellation.Keep();
                    trace?.Write(iteration);
                    report(iteration);
                    bool save = outputs?.SaveEvery > 0 && iteration.Iteration % outputs.SaveEvery == 0;
                    bool frame = timelapse is not null
                        && (iteration.Iteration % frameEvery == 0 || iteration.Iteration == 1);
                    if (!save && !frame) return;
                    Picture present = picture();
                    if (save)
                    {
                        string name = Numbered(outputs!.Picture, iteration.Iteration);
                        PictureFile.Write(name, present, format);
                    }

                    if (frame) timelapse!.Add(present);
                },
                Checkpoint = outputs is null ? null : Checkpointing(prepared, outputs, resume, digest, memory.Limit),
                Memory = memory,
                AtTile = console.ShowTile,
            }.Run(inputs, job.Plan, cancellation.Token, resume?.State));
        }

        if (outputs is null || (outputs.OnlyComplete && result.End != TransferEnd.Completed)) return result;
        PictureFile.Write(
            outputs.Picture, result.Picture,
            format with { Text = Recipe.Texts(job, Recipe.WordOf(result.End), result.Reports, digest) });
        if (outputs.Plot is not null)
            AtomicFile.Write(outputs.Plot, Encoding.UTF8.GetBytes(LossPlot.Svg(result.Reports)));
        timelapse?.Add(result.Picture);
        timelapse?.Write(outputs.Timelapse!);
        return result;
    }

    /// <summary>Plans how the job fits into memory, and prints the plan.</summary>
    /// <param name="limit">The limit of an earlier part of the run, if any.</param>
    /// <exception cref="UsageException">The job does not fit, even in tiles.</exception>
    public MemoryPlanner PlanMemory(PreparedJob prepared, VggArchitecture architecture, long? limit = null)
    {
        (TransferJob job, TransferInputs inputs) = prepared;
        ScaleStep last = job.Plan[^1];
        // The plan's own: a total that was spread over the scales is in no option.
        TransferOptions options = job.Options with { Iterations = [.. job.Plan.Select(step => step.Iterations)] };
        int regions = job.Styles.Select(style => style.Region).OfType<string>().Distinct().Count();
        MemoryPlanner planner = MemoryPlanner.For(
            device, architecture, options, limit ?? job.Memory ?? MemoryPlanner.DefaultLimit(device), regions,
            last.Height, last.Width, inputs.HeldBytes, everywhere: job.Styles.Any(style => style.Region is null));
        MemoryEstimate estimate = planner.At(last.Height, last.Width);
        Require(estimate.PeakBytes, $"a result of {last.Width} x {last.Height} pixels", "--size");
        foreach ((JobStyle style, StyleInput input) in job.Styles.Zip(inputs.Cropped(options.Crop).Styles))
        {
            (int height, int width) = Schedule.StyleSize(
                options, last.Height, last.Width, input.Picture.Height, input.Picture.Width);
            Require(
                planner.StyleBytes(height, width, last.Height, last.Width),
                $"the style {style.Path} at {width} x {height} pixels", "--style-scale or --style-size");
        }

        if (planner.Options.History < options.History)
        {
            console.Say(
                $"L-BFGS remembers {planner.Options.History} steps instead of {options.History}: more do not fit " +
                $"into {MemorySize.Words(planner.Limit)}");
        }

        string scratch = estimate.ScratchBytes > 0
            ? $", and {MemorySize.Words(estimate.ScratchBytes)} of scratch files in {Path.GetTempPath()}" : "";
        console.Say(
            $"memory about {MemorySize.Words(estimate.PeakBytes)} of {MemorySize.Words(planner.Limit)}{scratch}");
        if (estimate.Tiles is not null)
        {
            string seconds = estimate.Seconds.ToString("g3", CultureInfo.InvariantCulture);
            console.Say(
                $"{last.Width} x {last.Height} goes in tiles, about {seconds} s per iteration: {estimate.Tiles}");
        }

        return planner;

        void Require(long bytes, string what, string remedy)
        {
            if (bytes > planner.Limit)
            {
                throw new UsageException(
                    $"{what} needs about {MemorySize.Words(bytes)} of memory even in tiles, but may take only " +
                    $"{MemorySize.Words(planner.Limit)}; choose a smaller {remedy}, or a larger --memory");
            }
        }
    }

    private (int, Action<RunState>)? Checkpointing(
        PreparedJob prepared, Outputs outputs, Checkpoint? resume, string digest, long memory)
    {
        if (outputs.Checkpoint is not { } file) return null;
        string folder = resume?.Directory ?? Directory.GetCurrentDirectory();
        Dictionary<string, string> digests = prepared.Job.Pictures()
            .ToDictionary(name => name, name => FileDigest(Path.Combine(folder, name)));
        digests[""] = digest;
        string deviceName = DeviceArguments.NameOf(device);
        int every = outputs.CheckpointEvery;
        return (every, state =>
            new Checkpoint(prepared.Job, folder, digests, deviceName, every, memory, state).Write(file));
    }

    /// <summary>
    /// Returns the network that a job needs, and the SHA-256 of its numbers. Uses the last network again if it fits.
    /// </summary>
    /// <param name="folder">The folder to which names are relative.</param>
    public (VggNetwork Network, string Digest) Network(TransferJob job, string folder = "")
    {
        TransferOptions options = job.Options;
        string? file = job.Weights is null or CompactNetwork.Name ? job.Weights : Path.Combine(folder, job.Weights);
        object key = (
            file, job.WeightsConvention, string.Join(',', options.Layers), options.Network,
            file is null ? (options.Architecture, options.Seed) : default);
        if (_loaded is { } loaded && loaded.Key.Equals(key)) return (loaded.Network, loaded.Digest);
        _loaded?.Network.Dispose();
        _loaded = null;
        string digest = "";
        VggNetwork network = VggNetwork.Load(device, () =>
        {
            VggWeights weights = LoadWeights(job, file);
            digest = weights.Digest();
            return weights;
        }, options.Network);
        _loaded = (key, network, digest);
        return (network, digest);
    }

    private VggWeights LoadWeights(TransferJob job, string? file)
    {
        TransferOptions options = job.Options;
        if (file is not null)
        {
            WeightsLocator.Require(file);
            WeightsConvention? convention =
                job.WeightsConvention is { } name ? WeightsConventions.Parse(name) : null;
            return WeightsFile.Load(file, options.Layers, convention);
        }

        VggArchitecture network = OptionsJson.Architecture(options.Architecture);
        console.Say($"using a random {network.Name} (seed {options.Seed}), whose filters carry colours and strokes; " +
            "trained weights see more: 'nativestyle weights download vgg19' gets them (80 MB)");
        if (!options.Name.StartsWith(Presets.Default, StringComparison.Ordinal))
        {
            console.Say(
                $"preset {options.Name} was made for trained weights; random deep layers lose the scene, but the " +
                "default preset keeps it");
        }

        VggLayer last = new VggPlan(network, options.Network, options.Layers).Layers[^1];
        return RandomWeights.Create(network, options.Seed, last.Name);
    }

    /// <summary>Throws if the pictures or weights have changed. Then the run would not give the same bytes.</summary>
    private static void RequireSame(Checkpoint checkpoint, string weights)
    {
        foreach ((string name, string digest) in checkpoint.Digests)
        {
            string now = name.Length == 0 ? weights : FileDigest(Path.Combine(checkpoint.Directory, name));
            if (now == digest) continue;
            string what = name.Length > 0 ? $"{name} is"
                : checkpoint.Job.Weights is { } file ? $"the weights in {file} are"
                : "the random weights of this version are";
            throw new UsageException(
                $"{what} not what the checkpoint was made with (checksum {now[..12]}..., expected " +
                $"{digest[..12]}...); bring the old one back, or begin anew");
        }
    }

    private static string FileDigest(string path)
    {
        using FileStream file = File.OpenRead(path);
        return Convert.ToHexStringLower(SHA256.HashData(file));
    }

    private static string Numbered(string output, int iteration) => Path.Combine(
        Path.GetDirectoryName(output) ?? "",
        string.Create(
            CultureInfo.InvariantCulture,
            $"{Path.GetFileNameWithoutExtension(output)}-{iteration:0000}{Path.GetExtension(output)}"));
}
