using NativeStyle.GradientCheck.References;
using NativeStyle.Kernels.Operators.Conv3x3;
using NativeStyle.Kernels.Operators.Pool2x2;
using NativeStyle.Vgg;
using NativeStyle.Vgg.Weights;

namespace NativeStyle.Style.Tests;

/// <summary>
/// VGG in double precision with MathNet, forward and backward to the pixels, from the reference of each operator. The
/// networks, tapes and kernels that are tested take no part in it.
/// </summary>
/// <param name="scale">The first convolution sees scale p - mean of a pixel p, by channel.</param>
/// <param name="poolFactor">The factor of the outputs of poolings.</param>
internal sealed class ReferenceNetwork(
    VggWeights weights, Pooling pooling, PoolEdge edge, Padding inputPadding, double[] scale, double[] mean,
    double poolFactor = 1)
{
    /// <summary>A picture's maps after ReLU by layer, and the function that goes back from their gradients.</summary>
    public sealed record Pass(
        IReadOnlyDictionary<string, Map> Maps, Func<IReadOnlyDictionary<string, double[]>, double[]> Backward);

    public sealed record Map(double[] Values, int Pixels, int Channels);

    /// <param name="pixels">(height, width, 3).</param>
    /// <param name="last">The deepest layer to compute.</param>
    public Pass Forward(double[] pixels, int height, int width, string last)
    {
        Dictionary<string, Map> maps = [];
        // The backward function of each step, from the first layer to the last.
        List<Func<double[], IReadOnlyDictionary<string, double[]>, double[]>> steps = [];
        double[] x = VectorReference.Normalize(pixels, scale, mean);
        steps.Add((gradient, _) => VectorReference.Normalize(gradient, scale, [0, 0, 0]));
        (int block, bool first) = (1, true);
        foreach (VggLayer layer in weights.Architecture.Layers)
        {
            if (layer.Block != block)
            {
                double[] input = x;
                var pool = new PoolShape(height, width, layer.InChannels, edge);
                x = Array.ConvertAll(pooling switch
                {
                    Pooling.Average => PoolReference.Average(x, pool),
                    Pooling.L2 => PoolReference.L2(x, pool),
                    _ => PoolReference.Max(x, pool),
                }, value => poolFactor * value);
                steps.Add((gradient, _) =>
                {
                    double[] unscaled = Array.ConvertAll(gradient, value => poolFactor * value);
                    return pooling switch
                    {
                        Pooling.Average => PoolReference.AverageBackward(input, unscaled, pool),
                        Pooling.L2 => PoolReference.L2Backward(input, unscaled, pool),
                        _ => PoolReference.MaxBackward(input, unscaled, pool),
                    };
                });
                (height, width, block) = (pool.OutHeight, pool.OutWidth, layer.Block);
            }

            LayerWeights values = weights.Layers[layer.Name];
            double[] kernel = Array.ConvertAll(values.Filter, value => (double)value);
            double[] bias = Array.ConvertAll(values.Bias, value => (double)value);
            var shape = new Conv3x3Shape(
                height, width, layer.InChannels, layer.OutChannels, first ? inputPadding : Padding.Zero);
            first = false;
            double[] before = x, sums = ConvolutionReference.Forward(x, kernel, bias, shape);
            x = VectorReference.Relu(sums);
            string name = layer.Name;
            steps.Add((gradient, ofMaps) =>
            {
                if (ofMaps.TryGetValue(name, out double[]? own)) gradient = VectorReference.Axpy(gradient, own, 1);
                return ConvolutionReference.Backward(
                    before, kernel, VectorReference.ReluBackward(sums, gradient), shape)[0];
            });
            maps[name] = new Map(x, height * width, layer.OutChannels);
            if (name == last) break;
        }

        int length = x.Length;
        return new Pass(maps, ofMaps =>
        {
            double[] gradient = new double[length];
            for (int i = steps.Count - 1; i >= 0; i--) gradient = steps[i](gradient, ofMaps);
            return gradient;
        });
    }
}
