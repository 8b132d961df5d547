using System.Globalization;
using System.Text;
using System.Text.Json;
using NativeStyle.Autodiff;
using NativeStyle.Cli.Arguments;
using NativeStyle.FeedForward;
using NativeStyle.FeedForward.Training;
using NativeStyle.Imaging;
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

    private readonly string[] _files = InputFiles.Pictures(Path.Combine(folder, job.Pictures), withFolders: true);

    /// <summary>Trains from a start or from a checkpoint, and writes the outputs.</summary>
    /// <param name="start">The weights to start from.</param>
    /// <param name="memory">Bytes that the training may take.</param>
    /// <param name="resume">The checkpoint from which the training continues.</param>
    /// <param name="cancellation">It has something to keep after the first iteration.</param>
    /// <returns>The exit code.</returns>
    public int Run(
        TransformerWeights start, long memory, TrainingCheckpoint? resume,
        Cancellation cancellation)
    {
        TrainingOptions options = job.Options;
        Picture style = Fitted(Path.Combine(folder, job.Style), options.StyleSize, enlarge: true);
        string weights = job.Weights == CompactNetwork.Name ? job.Weights : Path.Combine(folder, job.Weights);
        var pictures = new TrainingPictures(_files, options.Crop, options.Seed, cacheBytes: memory / 8)
        {
            Notice = console.Say,
        };
        RequireMemory(memory, pictures, start.Architecture, style, weights);
        using VggNetwork vgg = VggNetwork.Load(
            device, () => WeightsFile.Load(weights, options.Layers), new VggOptions());
        using var network = new TransformerNet(device, start, trainable: true);
        using PerceptualLoss loss = Loss(vgg, style, pictures);
        console.Say(
            $"model of {start.Architecture}{(job.Start is null ? "" : $", from {job.Start}")}; loss network " +
            $"{vgg.Source}; {pictures.Count} pictures; device {DeviceArguments.NameOf(device)}");
        using var trace = Trace.Open(outputs.Trace);
        using var trainer = new Trainer(device, network, loss, options);
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
                    Write(trainer, network, step.Iteration, memory);
                };
                return trainer.Run(pictures.Draw, cancellation.Token);
            });
        }
        catch (Exception failed) when (UserErrors.IsUsers(failed))
        {
            // Memory or a disk is full, or the pictures are gone. What was learned so far is worth keeping.
            failure = failed;
        }

        return Finish(trainer, end, failure, network, vgg.Source);
    }

    /// <summary>Writes the preview and the checkpoint if they are due.</summary>
    private void Write(Trainer trainer, TransformerNet network, int iteration, long memory)
    {
        bool last = iteration == job.Options.Iterations;
        if (outputs.Preview is not null && (last || iteration % outputs.PreviewEvery == 0))
            GoOn("the preview", () => Preview(network, memory));
        if (outputs.Checkpoint is not null && iteration % outputs.CheckpointEvery == 0)
            GoOn("the checkpoint", () => Save(trainer, network.Architecture));
    }

    /// <summary>Writes a file. If that fails, says so, and the training goes on.</summary>
    private static void GoOn(string what, Action write)
    {
        try
        {
            write();
        }
        catch (Exception failed) when (failed is IOException or UnauthorizedAccessException)
        {
            Console.Error.WriteLine(
                $"nativestyle: {what} cannot be written: {UserErrors.Words(failed)}; the training goes on");
        }
    }

    /// <summary>Writes the model and tells how the training ended.</summary>
    /// <param name="failure">What ended it, if anything failed.</param>
    private int Finish(
        Trainer trainer, TrainingEnd end, Exception? failure, TransformerNet network, string lossNetwork)
    {
        TrainingOptions options = job.Options;
        if (end == TrainingEnd.Cancelled && outputs.Checkpoint is not null)
            GoOn("the checkpoint", () => Save(trainer, network.Architecture));
        var about = new Dictionary<string, string>
        {
            [StyleModel.ProgramKey] = $"NativeStyle {typeof(TrainingRunner).Assembly.GetName().Version!.ToString(3)}",
            [StyleModel.StyleKey] = Path.GetFileName(job.Style),
            [StyleModel.StyleSha256Key] = job.Digests["style"],
            ["pictures"] = $"{_files.Length}, sha256 {job.Digests["pictures"]}",
            ["loss_network"] = $"{lossNetwork}, sha256 {job.Digests["weights"]}",
            [StyleModel.OptionsKey] = JsonSerializer.Serialize(options, OptionsJson.Format),
            [StyleModel.IterationsKey] = trainer.Iteration.ToString(CultureInfo.InvariantCulture),
        };
        if (job.Start is not null) about["start"] = job.Start;
        WriteModel(network.ToWeights(), about);
        if (outputs.Plot is not null)
            AtomicFile.Write(outputs.Plot, Encoding.UTF8.GetBytes(LossPlot.Svg(trainer.Reports)));
        string saved = $"{outputs.Model}, {new FileInfo(outputs.Model).Length:n0} bytes";
        if (failure is not null)
        {
            Console.Error.WriteLine(
                $"nativestyle: {UserErrors.Words(failure)}; ended after {trainer.Iteration} of {options.Iterations} " +
                $"iterations, and saved the model so far as {saved}");
            return UserErrors.CodeOf(failure);
        }

        switch (end)
        {
            case TrainingEnd.Completed:
                console.Say($"saved {saved}; try: nativestyle stylize PICTURE -o OUT.png --model {outputs.Model}");
                return 0;
            case TrainingEnd.Cancelled:
                string more = outputs.Checkpoint is { } file
                    ? $"; go on with: nativestyle train --resume {file} -o {outputs.Model}" : "";
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

    private void WriteModel(TransformerWeights weights, Dictionary<string, string> about)
    {
        try
        {
            ModelFile.Write(outputs.Model, weights, about, job.Half);
        }
        catch (OverflowException large)
        {
            console.Say($"{large.Message}: the model is written in float32");
            ModelFile.Write(outputs.Model, weights, about);
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
            job, here, DeviceArguments.NameOf(device), outputs.CheckpointEvery, architecture, trainer.State())
            .Write(outputs.Checkpoint!);
    }

    /// <summary>Writes a picture and its result side by side.</summary>
    private void Preview(TransformerNet network, long memory)
    {
        Picture picture = Fitted(outputs.PreviewPicture ?? _files[0], PreviewSide, enlarge: false);
        using var stylizer = new Stylizer(device, network.ToWeights(), memory);
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
