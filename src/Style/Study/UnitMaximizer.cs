using NativeStyle.Autodiff;
using NativeStyle.Autodiff.Operators;
using NativeStyle.Imaging;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Operators.TotalVariation;
using NativeStyle.Vgg;
using NativeStyle.Vgg.Weights;

namespace NativeStyle.Style.Study;

/// <summary>
/// How a unit is maximised. Without regularisation the result is noise that only the network understands.
/// </summary>
/// <param name="Size">Rows and columns of the picture.</param>
/// <param name="Iterations">The number of steps.</param>
/// <param name="Step">The root mean square of a step, on the scale 0..1.</param>
/// <param name="Jitter">
/// The picture is shifted by up to this many pixels before each step, so that nothing depends on its place.
/// </param>
/// <param name="BlurEvery">Steps between two slight blurs, in the first four fifths; 0 for none.</param>
/// <param name="TvWeight">The weight of total variation beside the activation.</param>
/// <param name="CenterOnly">
/// Whether only the unit in the middle of the map is maximised, instead of the whole channel's mean.
/// </param>
/// <param name="Seed">The seed of start and jitter.</param>
internal sealed record MaximizeOptions(
    int Size = 160, int Iterations = 300, float Step = 0.02f, int Jitter = 8, int BlurEvery = 4,
    double TvWeight = 0.2, bool CenterOnly = false, int Seed = 1);

/// <summary>
/// The picture that excites a unit most, by gradient ascent on the pixels (Erhan et al. 2009, "Visualizing higher-layer
/// features of a deep network"; Simonyan et al. 2013, "Deep inside convolutional networks"). Jitter, blur and total
/// variation regularise it (Yosinski et al. 2015; Mordvintsev et al. 2015; Olah et al. 2017, "Feature visualization").
/// </summary>
internal static class UnitMaximizer
{
    /// <summary>Makes the ascent and returns the picture.</summary>
    /// <param name="progress">Called after each step with its number and the activation before it.</param>
    /// <exception cref="TransferException">
    /// The unit stays at zero for every start, or the layer has no such channel.
    /// </exception>
    public static Picture Run(
        ComputeDevice device, VggNetwork network, string layer, int channel, MaximizeOptions options,
        Action<int, double> progress, CancellationToken cancellation)
    {
        int size = options.Size;
        float[] pixels = Start(device, network, layer, channel, options);
        var random = new Random(options.Seed);
        for (int i = 1; i <= options.Iterations && !cancellation.IsCancellationRequested; i++)
        {
            int down = random.Next(-options.Jitter, options.Jitter + 1);
            int right = random.Next(-options.Jitter, options.Jitter + 1);
            float[] shifted = Rolled(pixels, size, down, right);
            (double activation, float[] gradient) =
                Gradient(device, network, layer, channel, options, shifted, options.TvWeight);
            gradient = Rolled(gradient, size, -down, -right);
            double rms = Math.Sqrt(gradient.Average(g => (double)g * g));
            float step = (float)(options.Step / Math.Max(rms, 1e-20));
            for (int p = 0; p < pixels.Length; p++) pixels[p] = Math.Clamp(pixels[p] - (step * gradient[p]), 0f, 1f);
            bool blurs = options.BlurEvery > 0 && i % options.BlurEvery == 0 && i < options.Iterations * 4 / 5;
            if (blurs) pixels = Blurred(pixels, size);
            progress(i, activation);
        }

        return new Picture(size, size, pixels);
    }

    /// <summary>
    /// Noise around mid-grey that the unit responds to. If its ReLU is at zero, it has no gradient to follow.
    /// </summary>
    private static float[] Start(
        ComputeDevice device, VggNetwork network, string layer, int channel, MaximizeOptions options)
    {
        var noise = new NormalGenerator((ulong)(uint)options.Seed + (2UL << 40));
        foreach (double deviation in new[] { 0.02, 0.06, 0.15, 0.3, 0.3, 0.3 })
        {
            float[] pixels = new float[options.Size * options.Size * 3];
            noise.Fill(pixels, deviation);
            for (int i = 0; i < pixels.Length; i++) pixels[i] = Math.Clamp(0.5f + pixels[i], 0f, 1f);
            (_, float[] gradient) = Gradient(device, network, layer, channel, options, pixels, 0);
            if (gradient.Any(g => g != 0)) return pixels;
        }

        throw new DeadUnitException(layer, channel);
    }

    /// <summary>Computes the activation, and the gradient of total variation minus activation.</summary>
    private static (double Activation, float[] Gradient) Gradient(
        ComputeDevice device, VggNetwork network, string layer, int channel, MaximizeOptions options, float[] values,
        double tvWeight)
    {
        var shape = new Shape(options.Size, options.Size, 3);
        using Tensor pixels = new Tensor(device, shape, values, requiresGradient: true).Retain();
        double activation = 0;
        using (var tape = new Tape(device))
        {
            foreach ((_, Tensor map) in network.Features(tape, pixels, 1f, [layer]))
            {
                (int height, int width, int channels) = map.Shape;
                if (channel >= channels)
                    throw new TransferException($"{layer} has channels 0 to {channels - 1}, not {channel}");
                float[] seed = new float[map.Shape.Length], activations = map.ToArray();
                for (int p = 0; p < height * width; p++)
                {
                    if (options.CenterOnly && p != (height / 2 * width) + (width / 2)) continue;
                    float weight = options.CenterOnly ? 1f : 1f / (height * width);
                    seed[(p * channels) + channel] = -weight;
                    activation += weight * activations[(p * channels) + channel];
                }

                tape.Backward(map, seed);
            }
        }

        if (tvWeight > 0)
        {
            // The weight is relative to the activation's own gradient, so that one weight suits every layer.
            using Tensor smooth = new Tensor(device, pixels.Shape, values, requiresGradient: true).Retain();
            using var tape = new Tape(device);
            tape.Backward(tape.TotalVariation(smooth, new VariationWeights(1, 1)));
            Tensor excited = pixels.GradientTensor, smoothed = smooth.GradientTensor;
            double share = excited.AbsoluteNorm() / Math.Max(1e-12, smoothed.AbsoluteNorm());
            excited.Add(smoothed, (float)(tvWeight * share));
        }

        return (activation, pixels.GradientToArray());
    }

    /// <summary>Shifts the picture; what leaves it on one side enters on the other.</summary>
    private static float[] Rolled(float[] pixels, int size, int down, int right)
    {
        float[] result = new float[pixels.Length];
        for (int row = 0; row < size; row++)
        {
            int toRow = (row + down + size) % size;
            for (int column = 0; column < size; column++)
            {
                int toColumn = (column + right + size) % size;
                Span<float> target = result.AsSpan(((toRow * size) + toColumn) * 3);
                pixels.AsSpan(((row * size) + column) * 3, 3).CopyTo(target);
            }
        }

        return result;
    }

    /// <summary>Blurs by (1, 6, 1) / 8 across and down, which has a standard deviation of half a pixel.</summary>
    private static float[] Blurred(float[] pixels, int size)
    {
        foreach (int stride in new[] { 3, 3 * size })
        {
            float[] next = new float[pixels.Length];
            for (int i = 0; i < pixels.Length; i++)
            {
                int place = stride == 3 ? i / 3 % size : i / 3 / size;
                float before = place > 0 ? pixels[i - stride] : pixels[i];
                float after = place + 1 < size ? pixels[i + stride] : pixels[i];
                next[i] = (before + (6 * pixels[i]) + after) / 8;
            }

            pixels = next;
        }

        return pixels;
    }
}
