using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using NativeStyle.Imaging;
using NativeStyle.Imaging.Png;
using NativeStyle.Kernels.Devices;
using NativeStyle.Style;
using NativeStyle.Style.Options;
using NativeStyle.Style.Study;
using NativeStyle.Style.Tiling;
using NativeStyle.Vgg;
using NativeStyle.Vgg.Weights;

namespace NativeStyle.Jobs;

/// <summary>
/// Runs jobs on one device, shows their progress and writes their files. Keeps the network from job to job.
/// </summary>
internal sealed class TransferRunner(IJobDisplay display, ComputeDevice device) : IDisposable
{
    private const int TimelapseFrames = 60, TimelapseSide = 512, FrameMilliseconds = 100;

    private (object Key, VggNetwork Network, string Digest)? _loaded;
    private (string Path, FileIdentity Identity)? _weights;
    private SideFiles _beside = new(display.Warn);
    private string? _checkpoint;

    /// <summary>Called after each iteration, before anything is written. There is something to keep then.</summary>
    public Action? HasPicture { get; init; }

    /// <summary>Why there is no checkpoint of the last iterations, if the last run should have written one.</summary>
    public string? NoCheckpoint => _beside.FailureOf(_checkpoint);

    /// <summary>Whether a trace, plot, timelapse or numbered picture of the last run is missing.</summary>
    public bool LacksFiles => _beside.AnyFailedBut(_checkpoint);

    public void Dispose() => _loaded?.Network.Dispose();

    /// <summary>Runs a job and writes nothing.</summary>
    public TransferResult Run(PreparedJob prepared, CancellationToken cancellation) =>
        Run(prepared, null, cancellation);

    /// <summary>Runs a job and writes its outputs.</summary>
    /// <param name="cancellation">Ends the run after the current iteration or tile.</param>
    /// <param name="resume">The checkpoint from which the run continues.</param>
    /// <exception cref="UsageException">The checkpoint does not fit the present files.</exception>
    public TransferResult Run(
        PreparedJob prepared, Outputs? outputs, CancellationToken cancellation, Checkpoint? resume = null)
    {
        (_beside, _checkpoint) = (new SideFiles(display.Warn), outputs?.Checkpoint);
        (TransferJob job, TransferInputs inputs) = (prepared.Job, prepared.Inputs);
        TransferOptions options = job.Options;
        (VggNetwork network, string digest) = Network(job, prepared.Folder);
        if (resume is not null) RequireSame(prepared, resume, digest);
        display.Begin(options, job.Plan, device, network);
        MemoryPlanner memory = PlanMemory(prepared, network.Architecture, resume);
        options = memory.Options;
        if (options.ShowLayers) display.ShowLayers(options, network.Architecture, job.Plan[^1]);
        RunFacts? facts = outputs is null ? null : Facts(prepared, memory, digest);
        int total = job.Plan.Sum(step => step.Iterations);
        var format = new PictureWriteOptions(job.Depth, job.Quality);
        (int height, int width) = (job.Plan[^1].Height, job.Plan[^1].Width);
        if (Math.Max(height, width) > TimelapseSide) (height, width) = Resampler.FitInto(height, width, TimelapseSide);
        AnimatedPng? timelapse = outputs?.Timelapse is null ? null : new AnimatedPng(height, width, FrameMilliseconds);
        int frameEvery = outputs?.TimelapseEvery > 0 ? outputs.TimelapseEvery : Math.Max(1, total / TimelapseFrames);
        TransferResult result;
        using (var trace = LossTrace.Open(outputs?.Trace, _beside))
        {
            foreach (IterationReport before in resume?.State.Reports ?? []) trace?.Write(before);
            result = display.Follow(total, options.PrintEvery, report => new StyleTransfer(device, network, options)
            {
                Progress = (iteration, picture) =>
                {
                    HasPicture?.Invoke();
                    trace?.Write(iteration);
                    report(iteration, picture);
                    bool save = outputs?.SaveEvery > 0 && iteration.Iteration % outputs.SaveEvery == 0;
                    bool frame = timelapse is not null
                        && (iteration.Iteration % frameEvery == 0 || iteration.Iteration == 1);
                    if (!save && !frame) return;
                    Picture present = picture();
                    if (save)
                    {
                        string name = Numbered(outputs!.Picture, iteration.Iteration);
                        _beside.Write("the picture", name, () => PictureFile.Write(name, present, format));
                    }

                    if (frame) timelapse!.Add(present);
                },
                Checkpoint = outputs is null ? null : Checkpointing(prepared, outputs, facts!, cancellation),
                Memory = memory,
                AtTile = display.ShowTile,
            }.Run(inputs, job.Plan, cancellation, resume?.State));
        }

        if (outputs?.Keeps(result.End) != true) return result;
        format = format with { Text = Recipe.Texts(prepared, result, facts!) };
        try
        {
            // The picture first: for the others there may be no room.
            if (outputs.OnlyHere) WritePicture(outputs.Picture);
            else ResultFile.Write(outputs.Picture, WritePicture);
        }
        finally
        {
            if (outputs.Plot is { } plot)
            {
                _beside.Write(
                    "the plot", plot,
                    () => AtomicFile.Write(plot, Encoding.UTF8.GetBytes(LossPlot.Svg(result.Reports))));
            }

            if (timelapse is not null)
            {
                _beside.Write("the timelapse", outputs.Timelapse!, () =>
                {
                    timelapse.Add(result.Picture);
                    timelapse.Write(outputs.Timelapse!);
                });
            }
        }

        return result;

        void WritePicture(string file) => PictureFile.Write(file, result.Picture, format);
    }

    /// <summary>Plans how the job fits into memory, and prints the plan.</summary>
    /// <param name="resume">The checkpoint of an earlier part of the run, if any. The run keeps its tiles.</param>
    /// <exception cref="UsageException">The job does not fit, even in tiles.</exception>
    public MemoryPlanner PlanMemory(PreparedJob prepared, VggArchitecture architecture, Checkpoint? resume = null)
    {
        (TransferJob job, TransferInputs inputs) = (prepared.Job, prepared.Inputs);
        (TransferOptions options, ScaleStep last) = (job.Options, job.Plan[^1]);
        MemoryBudget budget = resume is null ? MemoryBudget.Of(device, job.Memory)
            : resume.Memory is { } earlier ? MemoryBudget.Limit(earlier) : MemoryBudget.Unlimited;
        var planner = MemoryPlanner.For(device, architecture, options, budget, inputs, job.Plan);
        foreach (MemoryNeed need in planner.Needs(inputs.Cropped(options.Crop), job.Plan))
        {
            if (need.Bytes <= planner.Limit) continue;
            string what = need.Style is { } style ? $"{job.Styles[style].Path}: {need.What}" : need.What;
            string remedy = need.Style is null ? "--size" : "--style-scale or --style-size";
            throw new UsageException(
                $"{what} needs about {MemorySize.Words(need.Bytes)} of memory even in tiles, but may take only " +
                $"{MemorySize.Words(planner.Limit)}; choose a smaller {remedy}, or a larger --memory");
        }

        MemoryEstimate estimate = planner.At(last.Height, last.Width);
        if (planner.Options.History < options.History)
        {
            // Also when quiet: the picture becomes another one.
            display.Warn(
                $"L-BFGS remembers {planner.Options.History} steps instead of {options.History}: more " +
                $"do not fit into {MemorySize.Words(planner.Limit)}, even in tiles");
        }

        string of = planner.Limit == long.MaxValue ? "" : $" of {MemorySize.Words(planner.Limit)}";
        string scratch = estimate.ScratchBytes > 0
            ? $", and {MemorySize.Words(estimate.ScratchBytes)} of scratch files in {Path.GetTempPath()}" : "";
        display.Say($"memory about {MemorySize.Words(estimate.PeakBytes)}{of}{scratch}");
        if (estimate.Tiles is not null)
        {
            string seconds = estimate.Seconds.ToString("g3", CultureInfo.InvariantCulture);
            display.Say(
                $"{last.Width} x {last.Height} goes in tiles, about {seconds} s per iteration: {estimate.Tiles}");
        }

        return planner;
    }

    /// <summary>Collects what the run's bytes depend on, beside its job.</summary>
    /// <param name="digest">The SHA-256 of the network's numbers.</param>
    public RunFacts Facts(PreparedJob prepared, MemoryPlanner memory, string digest)
    {
        TransferJob job = prepared.Job;
        List<FileIdentity> files = [];
        if (!job.WithoutRecipe)
        {
            files.AddRange(job.Pictures().Select(prepared.IdentityOf).Distinct());
            if (job.Weights is not (null or CompactNetwork.Name))
                files.Add(IdentityOfWeights(prepared.PathOf(job.Weights)));
        }

        var facts = new RunFacts(digest, files, DeviceNames.ExactNameOf(device));
        if (memory.IsWhole) return facts;
        ScaleStep last = job.Plan[^1];
        int history = memory.Options.History;
        return facts with
        {
            Memory = memory.Limit,
            Tiles = memory.At(last.Height, last.Width).Tiles,
            Threads = (device as CpuDevice)?.Threads,
            History = history < job.Options.History ? history : null,
        };
    }

    /// <summary>Reads a large file once for many jobs.</summary>
    private FileIdentity IdentityOfWeights(string path)
    {
        if (_weights is not { } known || known.Path != path) _weights = (path, RecipeFiles.Of(path));
        return _weights.Value.Identity;
    }

    private (int, Action<RunState>)? Checkpointing(
        PreparedJob prepared, Outputs outputs, RunFacts facts, CancellationToken cancellation)
    {
        if (outputs.Checkpoint is not { } file) return null;
        string folder = prepared.Folder.Length > 0 ? prepared.Folder : Directory.GetCurrentDirectory();
        Dictionary<string, string> digests = prepared.Job.Pictures()
            .ToDictionary(name => name, name => RecipeFiles.Sha256(prepared.PathOf(name)));
        digests[""] = facts.WeightsDigest;
        int every = outputs.CheckpointEvery;
        long? written = outputs.FirstCheckpointWaits ? Stopwatch.GetTimestamp() : null;
        return (every, Save);

        void Save(RunState state)
        {
            bool waits = written is { } last && Stopwatch.GetElapsedTime(last).TotalSeconds < outputs.CheckpointSeconds;
            if (waits && !cancellation.IsCancellationRequested) return;
            _beside.Write("the checkpoint", file, () => new Checkpoint(
                prepared.Job, folder, digests, facts.Device, every, facts.Memory, facts.Threads, state).Write(file));
            written = Stopwatch.GetTimestamp();
        }
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
        display.Say($"using a random {network.Name} (seed {options.Seed}), whose filters carry colours and strokes; " +
            "trained weights see more: 'nativestyle weights download vgg19' gets them (80 MB)");
        if (!options.Name.StartsWith(Presets.Default, StringComparison.Ordinal))
        {
            display.Say(
                $"preset {options.Name} was made for trained weights; random deep layers lose the scene, but the " +
                "default preset keeps it");
        }

        VggLayer last = new VggPlan(network, options.Network, options.Layers).Layers[^1];
        return RandomWeights.Create(network, options.Seed, last.Name);
    }

    /// <summary>
    /// Returns the checkpoint in a file if a job can go on from it. Returns null, and says why, if it is damaged or of
    /// another job. Returns null if there is none.
    /// </summary>
    public Checkpoint? CheckpointFor(PreparedJob prepared, string file)
    {
        if (!File.Exists(file)) return null;
        string? other;
        try
        {
            Checkpoint checkpoint = Checkpoint.Read(file);
            other = Words(checkpoint.Job) != Words(prepared.Job) ? "it is of a job with other pictures or options"
                : Difference(prepared, checkpoint, Network(prepared.Job, prepared.Folder).Digest);
            if (other is null) return checkpoint;
        }
        catch (InvalidDataException damaged)
        {
            other = damaged.Message;
        }

        display.Say($"does not go on from {file}: {other}");
        return null;

        static string Words(TransferJob job) => JsonSerializer.Serialize(job, OptionsJson.Format);
    }

    /// <summary>
    /// Says that a run goes on from a checkpoint, and what is not as it was where the checkpoint was written.
    /// </summary>
    public void SayGoesOn(Checkpoint checkpoint)
    {
        string here = DeviceNames.ExactNameOf(device);
        // Checkpoints of older versions do not tell how wide the CPU's vectors were.
        if (checkpoint.Device != here && checkpoint.Device != DeviceNames.NameOf(device))
            SayDiffers(checkpoint.Device, here);
        else if (checkpoint.Threads is { } planned && device is CpuDevice cpu && cpu.Threads != planned)
            SayDiffers($"{planned} threads", $"{cpu.Threads} threads tiles and");
        int total = checkpoint.Job.Plan.Sum(step => step.Iterations);
        display.Say($"going on after iteration {checkpoint.State.Iteration} of {total}");

        void SayDiffers(string before, string now) => display.Say(
            $"the checkpoint was written on {before}; on {now} roundings differ, and so may the picture, a little");
    }

    /// <summary>Throws if the pictures or weights have changed. Then the run would not give the same bytes.</summary>
    private static void RequireSame(PreparedJob prepared, Checkpoint checkpoint, string weights)
    {
        if (Difference(prepared, checkpoint, weights) is { } difference)
            throw new UsageException($"{difference}; bring the old one back, or begin anew");
    }

    /// <summary>Says which picture, or whether the weights, have changed; null if nothing has.</summary>
    private static string? Difference(PreparedJob prepared, Checkpoint checkpoint, string weights)
    {
        foreach ((string name, string digest) in checkpoint.Digests)
        {
            string now = name.Length == 0 ? weights : RecipeFiles.Sha256(prepared.PathOf(name));
            if (now == digest) continue;
            string what = name.Length > 0 ? $"{name} is"
                : checkpoint.Job.Weights is { } file ? $"the weights in {file} are"
                : "the random weights of this version are";
            return $"{what} not what the checkpoint was made with (checksum {now[..12]}..., expected " +
                $"{digest[..12]}...)";
        }

        return null;
    }

    private static string Numbered(string output, int iteration) => Path.Combine(
        Path.GetDirectoryName(output) ?? "",
        string.Create(
            CultureInfo.InvariantCulture,
            $"{Path.GetFileNameWithoutExtension(output)}-{iteration:0000}{Path.GetExtension(output)}"));
}
