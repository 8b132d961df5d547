using MathNet.Numerics.LinearAlgebra;
using NativeStyle.Autodiff;
using NativeStyle.Autodiff.Operators;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Operators.Adam;
using NativeStyle.Kernels.Operators.Pool2x2;
using NativeStyle.Vgg;
using NativeStyle.Vgg.Weights;

namespace NativeStyle.Compression;

/// <summary>How a student is refined.</summary>
/// <param name="Steps">The number of steps of Adam.</param>
/// <param name="Rate">
/// The first step's length, as a share of the root mean square of a layer's weights. It falls linearly to zero.
/// </param>
/// <param name="Batch">The number of crops in a step's gradient.</param>
/// <param name="Seed">The seed for the order of the crops.</param>
internal sealed record RefineSettings(int Steps, float Rate = 0.002f, int Batch = 2, int Seed = 1);

/// <summary>
/// Refines all of a student's kernels and biases at once by gradient descent with Adam (Kingma and Ba 2015). The loss
/// is the sum over layers of the restored maps' squared errors, each as a share of its layer's variation. The restoring
/// maps stay fixed during the descent and are fitted again at the end.
/// </summary>
/// <param name="teacher">The teacher's weights, up to the student's last layer.</param>
/// <param name="crops">Pictures to descend on, (side, side, RGB) each, 0..1.</param>
internal sealed class NetworkRefiner(
    ComputeDevice device, VggWeights teacher, IReadOnlyList<float[]> crops, RefineSettings settings)
{
    /// <summary>The number of positions of a crop's map that the restoring maps are fitted to.</summary>
    private const int PositionsOfCrop = 1000;

    /// <summary>Called after each step with its number and the sum of the errors before the step.</summary>
    public Action<int, double>? Progress { get; init; }

    /// <summary>Refines the student.</summary>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public CompressedNetwork Run(CompressedNetwork student, CancellationToken cancellation = default)
    {
        using var network = new VggNetwork(device, teacher, new VggOptions());
        VggLayer[] layers =
        [
            .. student.Weights.Architecture.Layers.Where(layer => student.Maps.ContainsKey(layer.Name)),
        ];
        Dictionary<string, SecondMoments> moments = MapPairs.Moments(
            device, student, teacher, crops, PositionsOfCrop, Pooling.Average, cancellation);
        var refined = new List<RefinedLayer>();
        try
        {
            foreach (VggLayer layer in layers)
            {
                Matrix<double> map = student.Maps[layer.Name];
                double variation = moments[layer.Name].Variation(map.ColumnCount..);
                long positions = moments[layer.Name].Positions;
                refined.Add(
                    new RefinedLayer(device, layer, student.Weights.Layers[layer.Name], map, variation / positions));
            }

            var random = new NormalGenerator((ulong)(uint)settings.Seed);
            for (int step = 1; step <= settings.Steps; step++)
            {
                cancellation.ThrowIfCancellationRequested();
                double loss = 0;
                for (int i = 0; i < settings.Batch; i++)
                    loss += Descend(network, refined, crops[(int)(random.Uniform() * crops.Count)]);
                float rate = settings.Rate * (1f - ((step - 1f) / settings.Steps));
                foreach (RefinedLayer layer in refined) layer.Step(rate);
                Progress?.Invoke(step, loss);
            }

            var weights = new VggWeights(
                student.Weights.Architecture,
                refined.ToDictionary(layer => layer.Layer.Name, layer => layer.Values()),
                teacher.Mean,
                teacher.Source);
            student = student with { Weights = weights };
        }
        finally
        {
            foreach (RefinedLayer layer in refined) layer.Dispose();
        }

        moments = MapPairs.Moments(
            device, student, teacher, crops, PositionsOfCrop, Pooling.Average, cancellation);
        return student with
        {
            Maps = student.Maps.ToDictionary(
                map => map.Key, map => Fitted(moments[map.Key], map.Value.ColumnCount)),
        };
    }

    private static Matrix<double> Fitted(SecondMoments moments, int channels) =>
        RestoringMap.Fit(moments.Between(..channels, ..channels), moments.Between(..channels, channels..));

    /// <summary>Adds a crop's gradient to the weights' gradients and returns its loss.</summary>
    private double Descend(VggNetwork network, List<RefinedLayer> layers, float[] crop)
    {
        int side = (int)Math.Sqrt(crop.Length / 3);
        using Tape tape = new(device), ofTeacher = new(device);
        using Tensor pixels = new(device, new Shape(side, side, 3), crop);
        using Tensor samePixels = new(device, new Shape(side, side, 3), crop);
        Tensor x = network.Input(tape, pixels, 1f);
        List<Tensor> terms = [];
        string[] names = [.. layers.Select(layer => layer.Layer.Name)];
        IEnumerable<(string Layer, Tensor Map)> teacherMaps = network.Features(ofTeacher, samePixels, 1f, names);
        foreach ((RefinedLayer layer, (_, Tensor map)) in layers.Zip(teacherMaps))
        {
            if (terms.Count > 0 && layer.Layer.Block != layers[terms.Count - 1].Layer.Block)
                x = tape.AvgPool(x, PoolEdge.Floor);
            x = tape.Conv3x3(x, layer.Weights);
            // Copy the map: the teacher's next layer reuses its memory.
            Tensor target = tape.Constant(map.Shape);
            target.CopyFrom(map);
            double positions = (double)settings.Batch * map.Shape[0] * map.Shape[1];
            Tensor restored = tape.Conv3x3(x, layer.Restore, relu: false);
            terms.Add(tape.SquaredError(restored, target, (float)(1 / (positions * layer.Variation))));
        }

        Tensor loss = tape.Sum(terms);
        double value = loss.ToArray()[0];
        tape.Backward(loss);
        return value;
    }

    /// <summary>A layer's weights with their optimisers.</summary>
    private sealed class RefinedLayer : IDisposable
    {
        private readonly (AdamOptimizer Adam, Tensor Parameter, float Size)[] _parameters;

        public RefinedLayer(
            ComputeDevice device, VggLayer layer, LayerWeights weights, Matrix<double> map, double variation)
        {
            (Layer, Variation) = (layer, variation);
            Weights = new Conv3x3Layer(device, weights.Filter, weights.Bias, frozen: false);
            // A linear map at each position is a convolution in which only the middle tap is not zero.
            (int outputs, int channels) = (map.RowCount, map.ColumnCount);
            float[] middle = new float[9 * channels * outputs];
            for (int k = 0; k < channels; k++)
                for (int o = 0; o < outputs; o++) middle[(((4 * channels) + k) * outputs) + o] = (float)map[o, k];
            Restore = new Conv3x3Layer(device, middle, new float[outputs], frozen: true);
            _parameters = [Parameter(Weights.Filter, weights.Filter), Parameter(Weights.Bias, weights.Bias)];
        }

        public VggLayer Layer { get; }

        public Conv3x3Layer Weights { get; }

        /// <summary>Maps the student's channels to the teacher's.</summary>
        public Conv3x3Layer Restore { get; }

        /// <summary>The variation of the teacher's map per position.</summary>
        public double Variation { get; }

        public void Step(float rate)
        {
            foreach ((AdamOptimizer adam, Tensor parameter, float size) in _parameters)
            {
                adam.Settings = adam.Settings with { LearningRate = rate * size };
                adam.Step();
                parameter.ClearGradient();
            }

            Weights.Changed();
        }

        public LayerWeights Values() => new(Weights.Filter.ToArray(), Weights.Bias.ToArray());

        public void Dispose()
        {
            foreach ((AdamOptimizer adam, _, _) in _parameters) adam.Dispose();
            Weights.Dispose();
            Restore.Dispose();
        }

        /// <summary>
        /// A parameter with its optimiser and its size. The size is the root of the mean square; it scales steps.
        /// </summary>
        private static (AdamOptimizer, Tensor, float) Parameter(Tensor parameter, float[] values)
        {
            float size = (float)Math.Sqrt(values.Average(value => (double)value * value));
            return (new AdamOptimizer(parameter, new AdamSettings(0, Epsilon: 1e-12f)), parameter, size);
        }
    }
}
