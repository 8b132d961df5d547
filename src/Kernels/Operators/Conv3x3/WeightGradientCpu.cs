using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Memory;
using NativeStyle.Kernels.Simd;

namespace NativeStyle.Kernels.Operators.Conv3x3;

/// <summary>
/// The CPU's gradient with respect to a convolution's weights. With the 9 x in inputs of pixel p as row p of X, it is
/// one matrix product, dw = Xᵀ dz, whose depth is all pixels. Each row of the picture is multiplied separately, and
/// the rows' products are added. A part of the work is several rows of dw by a panel of columns; pieces of the picture
/// are added in their order.
/// </summary>
internal static unsafe class WeightGradientCpu
{
    /// <summary>
    /// Parts that keep the threads busy: panels of columns and, if there are few of them, pieces of the picture.
    /// </summary>
    private const int Parts = 16;

    /// <inheritdoc cref="Conv3x3Op.BackwardWeights"/>
    public static void BackwardWeights(CpuDevice cpu, Conv3x3Op.BackwardWeightsArguments a) =>
        cpu.Vectorize(new Job(a.Input.Pointer, a.GradPreactivation.Pointer, a.GradFilter.Pointer, a.Shape, a.Beta));

    /// <param name="dz">The gradient with respect to the convolution's output before its activation.</param>
    private sealed class Job(float* x, float* dz, float* dw, Conv3x3Shape shape, float beta) : IVectorJob
    {
        public void Run<T>(CpuDevice cpu) where T : unmanaged, ILanes<T>
        {
            (int height, int width) = (shape.Height, shape.Width);
            (int inC, int outC) = (shape.InChannels, shape.OutChannels);
            int columns = MicroKernel<T>.Columns, panels = MicroKernel<T>.Panels(outC);
            int rows = MicroKernel<T>.RoundUpRows(9 * inC), pixelStride = 3 * inC;
            int pieces = Math.Clamp(Parts / panels, 1, height);
            long sumsLength = (long)rows * columns;
            using DeviceBuffer<float> partials = cpu.Allocate<float>(pieces * panels * sumsLength);
            float* sums = partials.View.Pointer;
            // Rows after the last input read past the last pixel's inputs.
            long inputs = ((width + 2L) * pixelStride) + MicroKernel<T>.Rows;
            cpu.Parallel(pieces * panels, inputs + ((long)width * columns), (part, interleaved) =>
            {
                (int piece, int panel) = (part / panels, part % panels);
                int first = height * piece / pieces, end = height * (piece + 1) / pieces;
                int channel = panel * columns, channels = Math.Min(columns, outC - channel);
                float* gradient = interleaved + inputs;
                new Span<float>(interleaved, (int)inputs).Clear();
                for (int row = first; row < end; row++)
                {
                    DirectConv3x3.Interleave(x, shape, row, width + 2, interleaved);
                    for (int p = 0; p < width; p++)
                    {
                        var to = new Span<float>(gradient + ((long)p * columns), columns);
                        new ReadOnlySpan<float>(dz + ((((long)row * width) + p) * outC) + channel, channels).CopyTo(to);
                        to[channels..].Clear();
                    }

                    MicroKernel<T>.Run(
                        rows, width, interleaved, 1, pixelStride, gradient, columns,
                        sums + (part * sumsLength), columns, row > first);
                }
            });
            cpu.Parallel(9 * inC, input =>
            {
                // Interleaved inputs are ordered by column, row and channel, filters by row, column and channel.
                (int kx, int ky, int i) = (input / pixelStride, input / inC % 3, input % inC);
                float* to = dw + ((((ky * 3L) + kx) * inC) + i) * outC;
                for (int o = 0; o < outC; o++)
                {
                    float sum = 0f;
                    for (int piece = 0; piece < pieces; piece++)
                    {
                        float* products = sums + ((((long)piece * panels) + (o / columns)) * sumsLength);
                        sum += products[((long)input * columns) + (o % columns)];
                    }
                    to[o] = beta == 0f ? sum : (beta * to[o]) + sum;
                }
            });
        }
    }
}
