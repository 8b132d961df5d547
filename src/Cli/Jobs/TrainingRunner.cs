using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using NativeStyle.Autodiff;
using NativeStyle.Cli.Arguments;
using NativeStyle.FeedForward;
using NativeStyle.FeedForward.Training;
using NativeStyle.Imaging;
using NativeStyle.Jobs;
using NativeStyle.Kernels.Devices;
using NativeStyle.Style;
using NativeStyle.Style.Options;
using NativeStyle.Style.Study;
using NativeStyle.Style.Tiling;
using NativeStyle.Vgg;
using NativeStyle.Vgg.Weights;

namespace NativeStyle.Cli.Jobs;

/// <summary>Trains a model on one device, shows the progress and writes the files.</summary>
/// <param name="folder">The folder to which the job's names are relative.</param>
internal sealed class TrainingRunner(
    TransferConsole console, ComputeDevice device, TrainingJob job, TrainingOutputs outputs, string folder = "")
{
    /// <summary>Pieces that are looked at to learn the magnitudes of the content maps.</summary>
    private const int SamplePieces = 8;

    private const int PreviewSide = 512;

    /// <summary>Seconds between copies of the weights from the device.</summary>
    private const double SecondsBetweenCopies = 10;

    private readonly SideFiles _beside = new(console.Warn);

    /// <summary>
    /// The last copy of the weights on the host. A device's memory is lost when its driver gives it up.
    /// </summary>
    private (TransformerWeights Weights, int Iteration, long Taken)? _copy;

    private readonly string[] _files = InputFiles.Pictures(Path.Combine(folder, job.Pictures), withFolders: true);

    /// <summary>Trains from a start or from a checkpoint, and writes the outputs.</summary>
    /// <param name="start">The weights to start from.</param>
    /// <param name="budget">The memory that the training may take. It makes no tiles; only its previews can.</param>
    /// <param name="resume">The checkpoint from which the training continues.</param>
    /// <param name="cancellation">It has something to keep after the first iteration.</param>
    /// <returns>The exit code.</returns>
    public int Run(
        TransformerWeights start, MemoryBudget budget, TrainingCheckpoint? resume, Cancellation cancellation)
    {
        TrainingOptions options = job.Options;
        Picture style = Fitted(Path.Combine(folder, job.Style), options.StyleSize, enlarge: true);
        string weights = job.Weights == CompactNetwork.Name ? job.Weights : Path.Combine(folder, job.Weights);
        var pictures = new TrainingPictures(_files, options.Crop, options.Seed, cacheBytes: budget.Whole / 8)
        {
            Notice = console.Say,
        };
        RequireMemory(budget.Whole, pictures, start.Architecture, style, weights);
        using VggNetwork vgg = VggNetwork.Load(
            device, () => WeightsFile.Load(weights, options.Layers), new VggOptions());
        using var network = new TransformerNet(device, start, trainable: true);
        using PerceptualLoss loss = Loss(vgg, style, pictures);
        console.Say(
            $"model of {start.Architecture}{(job.Start is null ? "" : $", from {job.Start}")}; loss network " +
            $"{vgg.Source}; {pictures.Count} pictures; device {DeviceNames.NameOf(device)}");
        using var trace = LossTrace.Open(outputs.Trace, _beside);
        using var trainer = new Trainer(device, network, loss, options);
        _copy = (start, resume?.State.Iteration ?? 0, Stopwatch.GetTimestamp());
        if (resume is not null)
        {
            foreach (IterationReport before in resume.State.Reports) trace?.Write(before);
            trainer.Restore(resume.State);
        }

        Exception? failure = null;
        TrainingEnd end = TrainingEnd.Cancelled;
        try
        {
            end = console.Follow(options.Iterations, printEvery: 0, report =>
            {
                trainer.Progress = step =>
                {
                    cancellation.Keep();
                    trace?.Write(step);
                    report(step);
                    CopyNowAndThen(network, step.Iteration);
                    Write(trainer, network, step.Iteration, budget);
                };
                return trainer.Run(pictures.Draw, cancellation.Token);
            });
        }
        catch (Exception failed) when (UserErrors.IsUsers(failed) || failed is DeviceException)
        {
            // Memory or a disk is full, the pictures are gone, or the device failed. What was learned so far is worth
            // keeping.
            failure = failed;
        }

        return Finish(trainer, end, failure, network, vgg.Source);
    }

    /// <summary>Writes the preview and the checkpoint if they are due.</summary>
    private void Write(Trainer trainer, TransformerNet network, int iteration, MemoryBudget budget)
    {
        bool last = iteration == job.Options.Iterations;
        if (outputs.Preview is not null && (last || iteration % outputs.PreviewEvery == 0))
            _beside.Write("the preview", outputs.Preview, () => Preview(network, budget));
        if (outputs.Checkpoint is not null && iteration % outputs.CheckpointEvery == 0)
            _beside.Write("the checkpoint", outputs.Checkpoint, () => Save(trainer, network.Architecture));
    }

    private void CopyNowAndThen(TransformerNet network, int iteration)
    {
        if (_copy is { } copy && Stopwatch.GetElapsedTime(copy.Taken).TotalSeconds >= SecondsBetweenCopies)
            _copy = (network.ToWeights(), iteration, Stopwatch.GetTimestamp());
    }

    /// <summary>Writes the model and tells how the training ended.</summary>
    /// <param name="failure">What ended it, if anything failed.</param>
    private int Finish(
        Trainer trainer, TrainingEnd end, Exception? failure, TransformerNet network, string lossNetwork)
    {
        TrainingOptions options = job.Options;
        (TransformerWeights weights, int iterations) = Trained(network, trainer.Iteration, ref failure);
        if (end == TrainingEnd.Cancelled && failure is null && outputs.Checkpoint is not null)
            _beside.Write("the checkpoint", outputs.Checkpoint, () => Save(trainer, network.Architecture));
        var about = new Dictionary<string, string>
        {
            [StyleModel.ProgramKey] = $"NativeStyle {typeof(TrainingRunner).Assembly.GetName().Version!.ToString(3)}",
            [StyleModel.StyleKey] = Path.GetFileName(job.Style),
            [StyleModel.StyleSha256Key] = job.Digests["style"],
            ["pictures"] = $"{_files.Length}, sha256 {job.Digests["pictures"]}",
            ["loss_network"] = $"{lossNetwork}, sha256 {job.Digests["weights"]}",
            [StyleModel.OptionsKey] = JsonSerializer.Serialize(options, OptionsJson.Format),
            [StyleModel.IterationsKey] = iterations.ToString(CultureInfo.InvariantCulture),
        };
        if (job.Start is not null) about["start"] = job.Start;
        try
        {
            // The model first: for the plot there may be no room.
            ResultFile.Write(outputs.Model, file => WriteModel(file, weights, about));
        }
        finally
        {
            if (outputs.Plot is { } plot)
            {
                _beside.Write(
                    "the plot", plot,
                    () => AtomicFile.Write(plot, Encoding.UTF8.GetBytes(LossPlot.Svg(trainer.Reports))));
            }
        }

        if (_beside.FailureOf(outputs.Checkpoint) is { } missing)
            Console.Error.WriteLine($"nativestyle: there is no checkpoint of the last iterations: {missing}");
        string saved = $"{outputs.Model}, {new FileInfo(outputs.Model).Length:n0} bytes";
        if (failure is not null)
        {
            Console.Error.WriteLine(
                $"nativestyle: {UserErrors.Words(failure)}; ended after {trainer.Iteration} of {options.Iterations} " +
                $"iterations, and saved the model after {iterations} as {saved}");
            return UserErrors.CodeOf(failure);
        }

        switch (end)
        {
            case TrainingEnd.Completed:
                console.Say($"saved {saved}; try: nativestyle stylize PICTURE -o OUT.png --model {outputs.Model}");
                return _beside.AnyFailedBut(outputs.Checkpoint) ? UserErrors.ExitCode : 0;
            case TrainingEnd.Cancelled:
                string more = outputs.Checkpoint is not { } file ? ""
                    : _beside.FailureOf(outputs.Checkpoint) is not null ? ""
                        : $"; go on with: nativestyle train --resume {file} -o {outputs.Model}";
                console.Say(
                    $"ended after {trainer.Iteration} of {options.Iterations} iterations; saved the model so far as " +
                    $"{saved}{more}");
                return Cancellation.ExitCode;
            default:
                Console.Error.WriteLine(
                    $"nativestyle: the loss of iteration {trainer.Iteration + 1} is not finite; saved the last good " +
                    $"model as {saved}; try a smaller --learning-rate or smaller weights");
                return 1;
        }
    }

    /// <summary>
    /// The weights, and the iterations that they have seen. They are the last copy if the device cannot be read.
    /// </summary>
    /// <param name="failure">What ended the training, or what is wrong with the device now.</param>
    private (TransformerWeights Weights, int Iterations) Trained(
        TransformerNet network, int iteration, ref Exception? failure)
    {
        try
        {
            return (network.ToWeights(), iteration);
        }
        catch (Exception lost) when (_copy is not null && lost is DeviceException or OutOfMemoryException)
        {
            failure ??= lost;
            return (_copy.Value.Weights, _copy.Value.Iteration);
        }
    }

    private void WriteModel(string file, TransformerWeights weights, Dictionary<string, string> about)
    {
        try
        {
            ModelFile.Write(file, weights, about, job.Half);
        }
        catch (OverflowException large)
        {
            console.Say($"{large.Message}: the model is written in float32");
            ModelFile.Write(file, weights, about);
        }
    }

    private PerceptualLoss Loss(VggNetwork vgg, Picture style, TrainingPictures pictures)
    {
        float[] levels = Array.ConvertAll(style.Pixels, value => 255f * value);
        using var pixels = new Tensor(device, new Shape(style.Height, style.Width, 3), levels);
        IEnumerable<float[]> samples = Enumerable.Range(0, SamplePieces).Select(i => pictures.Draw(i));
        return new PerceptualLoss(device, vgg, job.Options, pixels, samples);
    }

    private void RequireMemory(
        long memory, TrainingPictures pictures, TransformerArchitecture architecture, Picture style, string weights)
    {
        VggArchitecture lossNetwork = WeightsFile.Describe(weights).Architecture;
        long peak = TrainingMemory.PeakBytes(
            device, lossNetwork, architecture, job.Options, style.Height, style.Width) + pictures.CacheBytes;
        if (peak > memory)
        {
            throw new UsageException(
                $"training on pieces of {job.Options.Crop} x {job.Options.Crop} pixels takes " +
                $"{MemorySize.Words(peak)}, more than the limit of {MemorySize.Words(memory)}; choose a smaller " +
                "--crop, --style-size or --width, or a larger --memory");
        }

        console.Say($"memory {MemorySize.Words(peak)} of {MemorySize.Words(memory)}");
    }

    private void Save(Trainer trainer, TransformerArchitecture architecture)
    {
        string here = folder.Length == 0 ? Environment.CurrentDirectory : folder;
        new TrainingCheckpoint(
            job, here, DeviceNames.NameOf(device), outputs.CheckpointEvery, architecture, trainer.State())
            .Write(outputs.Checkpoint!);
    }

    /// <summary>Writes a picture and its result side by side.</summary>
    private void Preview(TransformerNet network, MemoryBudget budget)
    {
        Picture picture = Fitted(outputs.PreviewPicture ?? _files[0], PreviewSide, enlarge: false);
        using var stylizer = new Stylizer(device, network.ToWeights(), budget);
        Picture result = stylizer.Draw(picture);
        var both = new Picture(picture.Height, 2 * picture.Width);
        int row = 3 * picture.Width;
        for (int y = 0; y < picture.Height; y++)
        {
            picture.Pixels.AsSpan(y * row, row).CopyTo(both.Pixels.AsSpan(2 * y * row));
            result.Pixels.AsSpan(y * row, row).CopyTo(both.Pixels.AsSpan(((2 * y) + 1) * row));
        }

        PictureFile.Write(outputs.Preview!, both);
    }

    /// <summary>Reads a picture and fits its longest side to some pixels.</summary>
    /// <param name="enlarge">Whether a smaller picture is made larger.</param>
    private static Picture Fitted(string path, int side, bool enlarge)
    {
        PictureSource picture = PictureFile.Open(path);
        if (!enlarge) side = Math.Min(side, Math.Max(picture.Height, picture.Width));
        (int height, int width) = Resampler.FitInto(picture.Height, picture.Width, side);
        return picture.At(height, width);
    }
}
