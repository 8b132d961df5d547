using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Memory;
using NativeStyle.Kernels.Simd;

namespace NativeStyle.Kernels.Operators.Convolution;

// The gradient to weights is a matrix product, dw = X^T dy, whose depth is all pixels. Rows of the picture are
// multiplied separately, and their products are added. Pieces of the picture are added in their order. There are two
// layouts.
//
//   by outputs   Columns are output channels, rows are the K x in inputs that a row of taps sees of a row of x. They
//                lie together in memory.
//   by inputs    The transposed product, for few output channels and stride 1. Columns are the K x in inputs, rows are
//                the output channels of the K rows of dy that see the row of x.

/// <summary>The CPU's gradient with respect to the weights and the bias of a convolution.</summary>
internal static unsafe class ConvolutionGradientCpu
{
    /// <summary>
    /// Parts that keep the threads busy: panels of columns and, if there are few of them, pieces of the picture. It is
    /// fixed, because pieces decide the order of the additions.
    /// </summary>
    private const int Parts = 16;

    /// <summary>Pieces of dy that the gradient with respect to the bias adds.</summary>
    private const int BiasPieces = 64;

    /// <inheritdoc cref="ConvolutionOp.BackwardWeights"/>
    public static void BackwardWeights(CpuDevice cpu, ConvolutionOp.BackwardWeightsArguments a) => cpu.Vectorize(
        new Job(a.Input.Pointer, a.GradOutput.Pointer, a.GradFilter.Pointer, a.Shape, a.Beta));

    /// <inheritdoc cref="ConvolutionOp.BackwardBias"/>
    public static void BackwardBias(CpuDevice cpu, ConvolutionOp.BackwardBiasArguments a)
    {
        int channels = a.GradBias.IntLength;
        long pixels = a.GradOutput.Length / channels;
        // Adds several pixels at a time, so that few channels fill vectors too.
        int together = (Rows.Lanes + channels - 1) / channels * Rows.Lanes, length = together * channels;
        using DeviceBuffer<float> partials = cpu.Allocate<float>((long)BiasPieces * length);
        float* sums = partials.View.Pointer, from = a.GradOutput.Pointer, to = a.GradBias.Pointer;
        cpu.Parallel(BiasPieces, piece =>
        {
            float* sum = sums + ((long)piece * length);
            new Span<float>(sum, length).Clear();
            long p = pixels * piece / BiasPieces, end = pixels * (piece + 1) / BiasPieces;
            for (; p + together <= end; p += together) Rows.AddScaled(sum, from + (p * channels), 1f, length);
            Rows.AddScaled(sum, from + (p * channels), 1f, (int)(end - p) * channels);
        });
        cpu.Parallel(channels, c =>
        {
            float sum = 0f;
            for (int i = c; i < BiasPieces * length; i += channels) sum += sums[i];
            Accumulate.Into(ref to[c], sum, a.Beta);
        });
    }

    private sealed class Job(float* x, float* dy, float* dw, ConvolutionShape shape, float beta) : IVectorJob
    {
        public void Run<T>(CpuDevice cpu) where T : unmanaged, ILanes<T>
        {
            int inputs = shape.Kernel * shape.InChannels, outputs = shape.Kernel * shape.OutChannels;
            long byOutputs = (long)shape.Kernel * MicroKernel<T>.RoundUpRows(inputs)
                * MicroKernel<T>.Panels(shape.OutChannels);
            long byInputs = (long)MicroKernel<T>.RoundUpRows(outputs) * MicroKernel<T>.Panels(inputs);
            if (shape.Stride == 1 && byInputs < byOutputs) RunByInputs<T>(cpu);
            else RunByOutputs<T>(cpu);
        }

        private void RunByOutputs<T>(CpuDevice cpu) where T : unmanaged, ILanes<T>
        {
            (int kernel, int inC, int outC) = (shape.Kernel, shape.InChannels, shape.OutChannels);
            (int outHeight, int outWidth) = (shape.OutHeight, shape.OutWidth);
            int columns = MicroKernel<T>.Columns, panels = MicroKernel<T>.Panels(outC);
            int inputs = kernel * inC, rows = MicroKernel<T>.RoundUpRows(inputs);
            int pieces = Math.Clamp(Parts / panels, 1, outHeight);
            long tapRowLength = (long)rows * columns, sumsLength = kernel * tapRowLength;
            using DeviceBuffer<float> partials = cpu.Allocate<float>(pieces * panels * sumsLength);
            float* sums = partials.View.Pointer;
            // The micro-kernel's last rows read past the last window.
            long rowLength = ((long)shape.Width * inC) + MicroKernel<T>.Rows;
            cpu.Parallel(pieces * panels, ((long)outWidth * columns) + rowLength, (part, gradient) =>
            {
                float* scratch = gradient + ((long)outWidth * columns);
                (int piece, int panel) = (part / panels, part % panels);
                int first = outHeight * piece / pieces, end = outHeight * (piece + 1) / pieces;
                int channel = panel * columns, channels = Math.Min(columns, outC - channel);
                for (int row = first; row < end; row++)
                {
                    float* from = dy + ((long)row * outWidth * outC) + channel;
                    for (int p = 0; p < outWidth; p++)
                    {
                        var to = new Span<float>(gradient + ((long)p * columns), columns);
                        new ReadOnlySpan<float>(from + ((long)p * outC), channels).CopyTo(to);
                        to[channels..].Clear();
                    }

                    for (int tapRow = 0; tapRow < kernel; tapRow++)
                    {
                        MicroKernel<T>.Run(
                            rows, outWidth, InputRow((row * shape.Stride) + tapRow, scratch, MicroKernel<T>.Rows), 1,
                            shape.Stride * inC, gradient, columns,
                            sums + (part * sumsLength) + (tapRow * tapRowLength), columns, row > first);
                    }
                }
            });
            AddPieces(cpu, pieces, (piece, tapRow, input, o) =>
                sums + (((((long)piece * panels) + (o / columns)) * kernel) + tapRow) * tapRowLength
                    + ((long)input * columns) + (o % columns));
        }

        private void RunByInputs<T>(CpuDevice cpu) where T : unmanaged, ILanes<T>
        {
            (int kernel, int inC, int outC) = (shape.Kernel, shape.InChannels, shape.OutChannels);
            (int outHeight, int outWidth) = (shape.OutHeight, shape.OutWidth);
            int columns = MicroKernel<T>.Columns, panels = MicroKernel<T>.Panels(kernel * inC);
            int rows = MicroKernel<T>.RoundUpRows(kernel * outC), pieces = Math.Min(Parts, shape.Height);
            long sumsLength = (long)rows * panels * columns;
            using DeviceBuffer<float> partials = cpu.Allocate<float>(pieces * sumsLength);
            float* sums = partials.View.Pointer;
            // Rows of dy wait as planes, one a channel. Each is there twice, K rows apart, so that any K rows that
            // follow each other lie together.
            long plane = outWidth, planes = (2L * kernel * outC) + MicroKernel<T>.Rows;
            long rowLength = ((long)shape.Width * inC) + (panels * columns);
            cpu.Parallel(pieces, (planes * plane) + rowLength, (piece, gradient) =>
            {
                float* scratch = gradient + (planes * plane);
                new Span<float>(gradient, checked((int)(planes * plane))).Clear();
                int first = shape.Height * piece / pieces, end = shape.Height * (piece + 1) / pieces;
                for (int row = first - kernel + 1; row < end; row++)
                {
                    int slot = (row + kernel) % kernel;
                    float* to = gradient + (slot * outC * plane);
                    Split(row, to);
                    new ReadOnlySpan<float>(to, outC * outWidth).CopyTo(
                        new Span<float>(to + (kernel * outC * plane), outC * outWidth));
                    if (row < first) continue;
                    float* from = InputRow(row, scratch, panels * columns);
                    for (int panel = 0; panel < panels; panel++)
                    {
                        MicroKernel<T>.Run(
                            rows, outWidth, gradient + ((slot + 1) * outC * plane), (nint)plane, 1,
                            from + (panel * columns), inC,
                            sums + (piece * sumsLength) + (panel * columns), panels * columns, row > first);
                    }
                }
            });
            // The oldest of the K rows meets the last row of taps.
            AddPieces(cpu, pieces, (piece, tapRow, input, o) =>
                sums + (piece * sumsLength) + ((((kernel - 1 - tapRow) * outC) + o) * (long)panels * columns) + input);
        }

        /// <summary>Splits a row of dy into a plane a channel; zeros if there is no such row.</summary>
        private void Split(int row, float* planes)
        {
            (int outWidth, int outC) = (shape.OutWidth, shape.OutChannels);
            if ((uint)row >= (uint)shape.OutHeight)
            {
                new Span<float>(planes, outC * outWidth).Clear();
                return;
            }

            float* from = dy + ((long)row * outWidth * outC);
            for (int o = 0; o < outC; o++, planes += outWidth)
                for (int p = 0; p < outWidth; p++) planes[p] = from[(p * outC) + o];
        }

        /// <summary>
        /// Finds a row of x, after which <paramref name="more"/> floats may be read. After the last row there is
        /// nothing, so it is copied.
        /// </summary>
        private float* InputRow(int row, float* scratch, int more)
        {
            int length = shape.Width * shape.InChannels;
            float* from = x + ((long)row * length);
            if (((long)(shape.Height - 1 - row)) * length >= more) return from;
            new ReadOnlySpan<float>(from, length).CopyTo(new Span<float>(scratch, length));
            new Span<float>(scratch + length, more).Clear();
            return scratch;
        }

        /// <summary>dw = beta dw + the sum of the pieces, in their order.</summary>
        private void AddPieces(CpuDevice cpu, int pieces, FindSum find)
        {
            (int kernel, int inC, int outC) = (shape.Kernel, shape.InChannels, shape.OutChannels);
            cpu.Parallel(kernel * kernel * inC, line =>
            {
                (int tapRow, int input) = Math.DivRem(line, kernel * inC);
                float* to = dw + ((long)line * outC);
                for (int o = 0; o < outC; o++)
                {
                    float sum = 0f;
                    for (int piece = 0; piece < pieces; piece++) sum += *find(piece, tapRow, input, o);
                    Accumulate.Into(ref to[o], sum, beta);
                }
            });
        }

        /// <summary>Finds a piece's sum for a row of taps, a tap's column and input channel, and an output.</summary>
        private delegate float* FindSum(int piece, int tapRow, int input, int o);
    }
}
