using MathNet.Numerics.LinearAlgebra;
using NativeStyle.Autodiff;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Operators.Adam;
using NativeStyle.Kernels.Operators.Pool2x2;
using NativeStyle.Kernels.Operators.Vectors;
using NativeStyle.Vgg;
using NativeStyle.Vgg.Weights;

namespace NativeStyle.Compression;

/// <summary>How a student is refined.</summary>
/// <param name="Steps">Of Adam.</param>
/// <param name="Rate">The first step's length as a share of the root mean square of a layer's weights; it falls to zero in equal parts.</param>
/// <param name="Batch">Crops that a step's gradient is of.</param>
/// <param name="Seed">Of their order.</param>
public sealed record RefineSettings(int Steps, float Rate = 0.002f, int Batch = 2, int Seed = 1);

/// <summary>
/// Gradient descent on all of a student's kernels and biases at once, by Adam (Kingma and Ba 2015): the sum over layers of the
/// restored maps' squared errors, each as a share of its layer's variation. The restoring maps stay as they are meanwhile, and
/// are fitted again at the end.
/// </summary>
/// <param name="teacher">Its weights up to the student's last layer.</param>
/// <param name="crops">Pictures to descend on, (side, side, RGB) each, 0..1.</param>
public sealed class NetworkRefiner(ComputeDevice device, VggWeights teacher, IReadOnlyList<float[]> crops, RefineSettings settings)
{
    /// <summary>Positions of a crop's map that the maps are fitted to.</summary>
    private const int PositionsOfCrop = 1000;

    /// <summary>Called after each step with its number and the sum of the errors before it.</summary>
    public Action<int, double>? Progress { get; init; }

    /// <summary>Refines.</summary>
    /// <exception cref="OperationCanceledException">As asked.</exception>
    public CompressedNetwork Run(CompressedNetwork student, CancellationToken cancellation = default)
    {
        using var network = new VggNetwork(device, teacher, new VggOptions());
        VggLayer[] layers = [.. student.Weights.Architecture.Layers.Where(layer => student.Maps.ContainsKey(layer.Name))];
        Dictionary<string, SecondMoments> moments = MapPairs.Moments(device, student, teacher, crops, PositionsOfCrop, Pooling.Average, cancellation);
        var refined = new List<RefinedLayer>();
        try
        {
            foreach (VggLayer layer in layers)
            {
                Matrix<double> map = student.Maps[layer.Name];
                (double variation, long positions) = (moments[layer.Name].Variation(map.ColumnCount..), moments[layer.Name].Positions);
                refined.Add(new RefinedLayer(device, layer, student.Weights.Layers[layer.Name], map, variation / positions));
            }

            var random = new NormalGenerator((ulong)(uint)settings.Seed);
            for (int step = 1; step <= settings.Steps; step++)
            {
                cancellation.ThrowIfCancellationRequested();
                double loss = 0;
                for (int i = 0; i < settings.Batch; i++) loss += Descend(network, refined, crops[(int)(random.Uniform() * crops.Count)]);
                float rate = settings.Rate * (1f - ((step - 1f) / settings.Steps));
                foreach (RefinedLayer layer in refined) layer.Step(rate, step);
                Progress?.Invoke(step, loss);
            }

            var weights = new VggWeights(
                student.Weights.Architecture, refined.ToDictionary(layer => layer.Layer.Name, layer => layer.Values()), teacher.Mean, teacher.Source);
            student = student with { Weights = weights };
        }
        finally
        {
            foreach (RefinedLayer layer in refined) layer.Dispose();
        }

        moments = MapPairs.Moments(device, student, teacher, crops, PositionsOfCrop, Pooling.Average, cancellation);
        return student with { Maps = student.Maps.ToDictionary(map => map.Key, map => Fitted(moments[map.Key], map.Value.ColumnCount)) };
    }

    private static Matrix<double> Fitted(SecondMoments moments, int channels) =>
        RestoringMap.Fit(moments.Between(..channels, ..channels), moments.Between(..channels, channels..));

    /// <summary>Adds a crop's gradient to the weights'; returns its loss.</summary>
    private double Descend(VggNetwork network, List<RefinedLayer> layers, float[] crop)
    {
        int side = (int)Math.Sqrt(crop.Length / 3);
        using Tape tape = new(device), ofTeacher = new(device);
        using Tensor pixels = new(device, new Shape(side, side, 3), crop), samePixels = new(device, new Shape(side, side, 3), crop);
        Tensor x = network.Input(tape, pixels, 1f);
        List<Tensor> terms = [];
        string[] names = [.. layers.Select(layer => layer.Layer.Name)];
        foreach ((RefinedLayer layer, (_, Tensor map)) in layers.Zip(network.Features(ofTeacher, samePixels, 1f, names)))
        {
            if (terms.Count > 0 && layer.Layer.Block != layers[terms.Count - 1].Layer.Block) x = tape.AvgPool(x, PoolEdge.Floor);
            x = tape.Conv3x3(x, layer.Weights);
            // The teacher's next layer takes this one's memory.
            Tensor target = tape.Constant(map.Shape);
            VectorOps.Copy(device, target.Data, map.Data);
            double positions = (double)settings.Batch * map.Shape[0] * map.Shape[1];
            terms.Add(tape.SquaredError(tape.Conv3x3(x, layer.Restore, relu: false), target, (float)(1 / (positions * layer.Variation))));
        }

        Tensor loss = tape.Sum(terms);
        double value = loss.ToArray()[0];
        tape.Backward(loss);
        return value;
    }

    /// <summary>A layer's weights with what Adam remembers of them.</summary>
    private sealed class RefinedLayer : IDisposable
    {
        private readonly ComputeDevice _device;
        private readonly (Tensor Parameter, Tensor M, Tensor V, float Size)[] _parameters;

        public RefinedLayer(ComputeDevice device, VggLayer layer, LayerWeights weights, Matrix<double> map, double variation)
        {
            (_device, Layer, Variation) = (device, layer, variation);
            Weights = new Conv3x3Layer(device, weights.Kernel, weights.Bias, frozen: false);
            // A linear map at each position is a convolution whose middle tap alone is not zero.
            (int outputs, int channels) = (map.RowCount, map.ColumnCount);
            float[] middle = new float[9 * channels * outputs];
            for (int k = 0; k < channels; k++)
                for (int o = 0; o < outputs; o++) middle[(((4 * channels) + k) * outputs) + o] = (float)map[o, k];
            Restore = new Conv3x3Layer(device, middle, new float[outputs], frozen: true);
            _parameters = [Parameter(Weights.Kernel, weights.Kernel), Parameter(Weights.Bias, weights.Bias)];
        }

        public VggLayer Layer { get; }

        public Conv3x3Layer Weights { get; }

        /// <summary>From the student's channels to the teacher's.</summary>
        public Conv3x3Layer Restore { get; }

        /// <summary>Of the teacher's map, a position.</summary>
        public double Variation { get; }

        public void Step(float rate, int step)
        {
            foreach ((Tensor parameter, Tensor m, Tensor v, float size) in _parameters)
            {
                AdamOp.Step(_device, parameter.Data, parameter.Gradient, m.Data, v.Data, new AdamSettings(rate * size, Epsilon: 1e-12f), step);
                parameter.ClearGradient();
            }

            Weights.Changed();
        }

        public LayerWeights Values() => new(Weights.Kernel.ToArray(), Weights.Bias.ToArray());

        public void Dispose()
        {
            foreach ((_, Tensor m, Tensor v, _) in _parameters)
            {
                m.Dispose();
                v.Dispose();
            }

            Weights.Dispose();
            Restore.Dispose();
        }

        private (Tensor, Tensor, Tensor, float) Parameter(Tensor parameter, float[] values)
        {
            float size = (float)Math.Sqrt(values.Average(value => (double)value * value));
            return (parameter, new Tensor(_device, parameter.Shape, new float[values.Length]), new Tensor(_device, parameter.Shape, new float[values.Length]), size);
        }
    }
}
