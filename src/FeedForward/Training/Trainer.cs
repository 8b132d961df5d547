using System.Diagnostics;
using NativeStyle.Autodiff;
using NativeStyle.Autodiff.Operators;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Operators.Adam;
using NativeStyle.Style;
using NativeStyle.Vgg.Weights;

namespace NativeStyle.FeedForward.Training;

/// <summary>Why a training ended.</summary>
internal enum TrainingEnd
{
    /// <summary>All iterations were made.</summary>
    Completed,

    /// <summary>The user cancelled it.</summary>
    Cancelled,

    /// <summary>A loss was infinite or not a number; the network is that before the step.</summary>
    NonFiniteLoss,
}

/// <summary>
/// Trains a network for one style (Johnson, Alahi and Fei-Fei 2016): Adam on the sum of the losses of a batch of
/// pieces. The pieces of a batch go through the networks one after the other, and their gradients are added. The memory
/// therefore depends on the size of a piece, and not on the batch.
/// </summary>
internal sealed class Trainer : IDisposable
{
    private readonly ComputeDevice _device;
    private readonly TransformerNet _network;
    private readonly PerceptualLoss _loss;
    private readonly TrainingOptions _options;
    private readonly List<(string Name, Tensor Parameter, AdamOptimizer Adam)> _parameters = [];

    /// <param name="network">The network to train; its parameters have gradients.</param>
    public Trainer(ComputeDevice device, TransformerNet network, PerceptualLoss loss, TrainingOptions options)
    {
        (_device, _network, _loss, _options) = (device, network, loss, options);
        try
        {
            foreach ((TransformerParameter parameter, Tensor tensor) in network.Parameters)
                _parameters.Add((parameter.Name, tensor, new AdamOptimizer(tensor, new AdamSettings(0f))));
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Steps made so far.</summary>
    public int Iteration { get; private set; }

    /// <summary>A report of each step, also of those before a resumption.</summary>
    public List<IterationReport> Reports { get; } = [];

    /// <summary>Called after each step.</summary>
    public Action<IterationReport>? Progress { get; set; }

    /// <summary>Makes the steps that are left.</summary>
    /// <param name="draw">Draws a piece by its number, (side, side, RGB), 0..255.</param>
    /// <param name="cancellation">Ends the training before the next piece.</param>
    public TrainingEnd Run(Func<long, float[]> draw, CancellationToken cancellation)
    {
        // The next batch is drawn while the device works on this one.
        Task<float[][]> next = Batch(Iteration + 1, draw);
        while (Iteration < _options.Iterations)
        {
            float[][] pieces = next.GetAwaiter().GetResult();
            if (Iteration + 1 < _options.Iterations) next = Batch(Iteration + 2, draw);
            if (Step(pieces, cancellation) is not { } report)
                return cancellation.IsCancellationRequested ? TrainingEnd.Cancelled : TrainingEnd.NonFiniteLoss;
            Progress?.Invoke(report);
        }

        return TrainingEnd.Completed;
    }

    /// <summary>Makes one step.</summary>
    /// <param name="pieces">The batch.</param>
    /// <returns>
    /// The losses before the step. Null if they are not finite or the step was cancelled: the network then is as before.
    /// </returns>
    public IterationReport? Step(IReadOnlyList<float[]> pieces, CancellationToken cancellation = default)
    {
        long start = Stopwatch.GetTimestamp();
        double total = 0, content = 0, style = 0, variation = 0, stability = 0;
        for (int i = 0; i < pieces.Count; i++)
        {
            if (cancellation.IsCancellationRequested) break;
            LossValues losses = Descend(pieces[i], Iteration + 1, i);
            (total, content, style) = (total + losses.Total, content + losses.Content, style + losses.Style);
            (variation, stability) = (variation + losses.Variation, stability + losses.Stability);
        }

        bool moves = double.IsFinite(total) && !cancellation.IsCancellationRequested;
        if (moves) Iteration++;
        foreach ((_, Tensor parameter, AdamOptimizer adam) in _parameters)
        {
            if (moves)
            {
                adam.Settings = adam.Settings with { LearningRate = _options.RateOf(Iteration) };
                adam.Step();
            }

            parameter.ClearGradient();
        }

        if (!moves) return null;
        var report = new IterationReport(
            Iteration, _options.Crop, _options.Crop, total, content, style, variation,
            Stopwatch.GetElapsedTime(start).TotalSeconds, Stability: stability);
        Reports.Add(report);
        return report;
    }

    /// <summary>Everything that the next step depends on. The arrays are copied when they are read.</summary>
    public TrainingState State() => new(Iteration, [.. Reports], [.. _parameters.Select(each =>
    {
        OptimizerState adam = each.Adam.State();
        return new TrainedParameter(each.Name, each.Parameter.ToArray(), adam.Vectors[0], adam.Vectors[1]);
    })]);

    /// <summary>Continues from a state of a network of the same architecture.</summary>
    public void Restore(TrainingState state)
    {
        Iteration = state.Iteration;
        Reports.Clear();
        Reports.AddRange(state.Reports);
        foreach (((_, Tensor parameter, AdamOptimizer adam), TrainedParameter saved) in
            _parameters.Zip(state.Parameters))
        {
            parameter.CopyFrom(saved.Values);
            adam.Restore(new OptimizerState(state.Iteration, [saved.FirstMoment, saved.SecondMoment], []));
        }
    }

    public void Dispose()
    {
        foreach ((_, _, AdamOptimizer adam) in _parameters) adam.Dispose();
    }

    private Task<float[][]> Batch(int step, Func<long, float[]> draw) => Task.Run(() =>
        Enumerable.Range(0, _options.Batch).Select(i => draw(((long)(step - 1) * _options.Batch) + i)).ToArray());

    /// <summary>Adds a piece's gradient to the parameters' gradients and returns its share of the losses.</summary>
    private LossValues Descend(float[] piece, int step, int place)
    {
        int side = (int)Math.Sqrt(piece.Length / 3);
        var shape = new Shape(side, side, 3);
        using var pixels = new Tensor(_device, shape, piece);
        Dictionary<string, Tensor> content = _loss.ContentOf(pixels);
        Tensor? quiet = null;
        try
        {
            if (_options.StabilityWeight > 0)
            {
                quiet = Draw(pixels);
                pixels.CopyFrom(Noisy(piece, step, place));
            }

            using var tape = new Tape(_device);
            Tensor result = _network.Run(tape, pixels);
            TrainingLosses losses = _loss.Of(tape, result, content, quiet, 1.0 / _options.Batch);
            var values = new LossValues(
                Value(losses.Total), Value(losses.Content), Value(losses.Style), Value(losses.Variation),
                Value(losses.Stability));
            if (double.IsFinite(values.Total)) tape.Backward(losses.Total);
            return values;
        }
        finally
        {
            quiet?.Dispose();
            foreach (Tensor map in content.Values) map.Dispose();
        }

        static double Value(Tensor scalar) => scalar.ToArray()[0];
    }

    /// <summary>The result for a picture, without gradients. The caller disposes it.</summary>
    private Tensor Draw(Tensor pixels)
    {
        using var tape = new Tape(_device);
        var result = new Tensor(_device, pixels.Shape);
        result.CopyFrom(_network.Run(tape, pixels));
        return result;
    }

    private float[] Noisy(float[] piece, int step, int place)
    {
        float[] noisy = new float[piece.Length];
        // Negative numbers: the noise is independent of the pieces.
        long number = -1 - (((long)step * _options.Batch) + place);
        new NormalGenerator(TrainingPictures.Mix(_options.Seed, number)).Fill(noisy, _options.Noise);
        for (int i = 0; i < piece.Length; i++) noisy[i] = Math.Clamp(noisy[i] + piece[i], 0f, 255f);
        return noisy;
    }

    private readonly record struct LossValues(
        double Total, double Content, double Style, double Variation, double Stability);
}
