using ILGPU;
using ILGPU.Runtime;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Memory;
using NativeStyle.Kernels.Operators.Expand;
using NativeStyle.Kernels.Operators.Relu;
using NativeStyle.Kernels.Simd;

namespace NativeStyle.Kernels.Operators.InstanceNorm;

/// <summary>
/// The CPU's forms. Lanes are neighbouring channels. Each map is read from memory once a pass: a piece stays in the cache
/// between the sums for its mean and for its deviations, and a result is expanded while it is written.
/// </summary>
internal static unsafe class InstanceNormCpu
{
    /// <summary>Computes the moments of each piece, (pieces, 2, channels).</summary>
    public static void PieceMoments(
        CpuDevice cpu, ArrayView<float> x, ArrayView<float> moments, InstanceNormOp.PieceShape shape) =>
        cpu.Vectorize(new MomentsJob(x, moments, shape));

    /// <summary>Computes the sums of each piece, (pieces, 2, channels).</summary>
    public static void PieceSums(
        CpuDevice cpu, InstanceNormOp.SumsArguments a, ArrayView<float> sums, InstanceNormOp.PieceShape shape) =>
        cpu.Vectorize(new SumsJob(a, sums, shape));

    /// <inheritdoc cref="InstanceNormOp.Normalize"/>
    public static void Normalize(CpuDevice cpu, InstanceNormOp.NormalizeArguments a) =>
        cpu.Vectorize(new NormalizeJob(a));

    /// <inheritdoc cref="InstanceNormOp.Backward"/>
    public static void Backward(CpuDevice cpu, InstanceNormOp.BackwardArguments a) =>
        cpu.Vectorize(new BackwardJob(a));

    private sealed class MomentsJob(
        ArrayView<float> x, ArrayView<float> moments, InstanceNormOp.PieceShape shape) : IVectorJob
    {
        public void Run<T>(CpuDevice cpu) where T : unmanaged, ILanes<T>
        {
            int channels = shape.Channels;
            cpu.Parallel(shape.Pieces, piece =>
            {
                long start = (long)piece * shape.PiecePixels * channels;
                int pixels = shape.End(piece) - (piece * shape.PiecePixels);
                ArrayView<float> from = x.SubView(start, (long)pixels * channels);
                ArrayView<float> to = moments.SubView(2L * piece * channels, 2L * channels);
                int c = 0;
                for (; c <= channels - T.Count; c += T.Count)
                    Moments<T>(from.Pointer + c, pixels, channels, to.Pointer + c);
                for (; c < channels; c++)
                    InstanceNormOp.PieceMomentsKernel(c, from, to, new(pixels, channels, pixels, 1));
            });
        }

        private static void Moments<T>(float* x, int pixels, int stride, float* moments)
            where T : unmanaged, ILanes<T>
        {
            // Four sums each, because one would wait for its last addition.
            T first = T.Load(x), a = T.Broadcast(0f), b = a, c = a, d = a;
            float* end = x + ((long)pixels * stride), lastFour = end - (4L * stride), p = x;
            for (; p <= lastFour; p += 4L * stride)
            {
                a += T.Load(p) - first;
                b += T.Load(p + stride) - first;
                c += T.Load(p + (2L * stride)) - first;
                d += T.Load(p + (3L * stride)) - first;
            }

            for (; p < end; p += stride) a += T.Load(p) - first;
            T mean = first + (((a + b) + (c + d)) * T.Broadcast(1f / pixels));
            a = b = c = d = T.Broadcast(0f);
            for (p = x; p <= lastFour; p += 4L * stride)
            {
                a = AddSquare(T.Load(p) - mean, a);
                b = AddSquare(T.Load(p + stride) - mean, b);
                c = AddSquare(T.Load(p + (2L * stride)) - mean, c);
                d = AddSquare(T.Load(p + (3L * stride)) - mean, d);
            }

            for (; p < end; p += stride) a = AddSquare(T.Load(p) - mean, a);
            mean.Store(moments);
            ((a + b) + (c + d)).Store(moments + stride);
        }

        private static T AddSquare<T>(T value, T sum) where T : unmanaged, ILanes<T> =>
            T.MultiplyAdd(value, value, sum);
    }

    private sealed class SumsJob(
        InstanceNormOp.SumsArguments arguments, ArrayView<float> sums, InstanceNormOp.PieceShape shape) : IVectorJob
    {
        public void Run<T>(CpuDevice cpu) where T : unmanaged, ILanes<T>
        {
            (int channels, Activation activation) = (shape.Channels, arguments.Activation);
            ArrayView<float> factors = arguments.Factors;
            cpu.Parallel(shape.Pieces, piece =>
            {
                long start = (long)piece * shape.PiecePixels * channels;
                int pixels = shape.End(piece) - (piece * shape.PiecePixels);
                ArrayView<float> gradient = arguments.Gradient.SubView(start, (long)pixels * channels);
                ArrayView<float> x = arguments.X.SubView(start, (long)pixels * channels);
                ArrayView<float> to = sums.SubView(2L * piece * channels, 2L * channels);
                int c = 0;
                for (; c <= channels - T.Count; c += T.Count)
                {
                    Sums<T>(
                        gradient.Pointer + c, x.Pointer + c, pixels, channels, Channel<T>.Of(factors.Pointer, c, channels),
                        activation, to.Pointer + c);
                }

                for (; c < channels; c++)
                {
                    InstanceNormOp.PieceSumsKernel(
                        c, gradient, x, factors, to, new(pixels, channels, pixels, 1), activation);
                }
            });
        }

        private static void Sums<T>(
            float* gradient, float* x, int pixels, int stride, Channel<T> channel, Activation activation, float* sums)
            where T : unmanaged, ILanes<T>
        {
            T sum = T.Broadcast(0f), product = sum, otherSum = sum, otherProduct = sum;
            long end = (long)pixels * stride, at = 0;
            for (; at <= end - (2L * stride); at += 2L * stride)
            {
                T deviation = T.Load(x + at) - channel.Mean, other = T.Load(x + at + stride) - channel.Mean;
                T g = channel.Gated(T.Load(gradient + at), deviation, activation);
                T otherG = channel.Gated(T.Load(gradient + at + stride), other, activation);
                sum += g;
                otherSum += otherG;
                product = T.MultiplyAdd(g, deviation * channel.Root, product);
                otherProduct = T.MultiplyAdd(otherG, other * channel.Root, otherProduct);
            }

            for (; at < end; at += stride)
            {
                T deviation = T.Load(x + at) - channel.Mean;
                T g = channel.Gated(T.Load(gradient + at), deviation, activation);
                sum += g;
                product = T.MultiplyAdd(g, deviation * channel.Root, product);
            }

            (sum + otherSum).Store(sums);
            (product + otherProduct).Store(sums + stride);
        }
    }

    private sealed class NormalizeJob(InstanceNormOp.NormalizeArguments a) : IVectorJob
    {
        public void Run<T>(CpuDevice cpu) where T : unmanaged, ILanes<T>
        {
            (ExpandShape shape, Activation activation, int margin) = a.Shape;
            int channels = shape.Channels;
            float* x = a.X.Pointer, factors = a.Factors.Pointer, residual = a.Residual.Pointer, y = a.Output.Pointer;
            cpu.Parallel(shape.Rows.Count, row =>
            {
                int source = shape.Rows.Source(row);
                float* from = x + ((long)source * shape.Width * channels);
                float* added = margin < 0
                    ? null
                    : residual + ((((source + margin) * (shape.Width + (2L * margin))) + margin) * channels);
                float* to = y + ((long)row * shape.Columns.Count * channels);
                for (int column = 0, run; column < shape.Columns.Count; column += run)
                {
                    run = shape.Columns.Run(column);
                    long at = (long)shape.Columns.Source(column) * channels;
                    Pixels<T>(
                        from + at, factors, added is null ? null : added + at, to + ((long)column * channels), run,
                        channels, activation);
                }
            });
        }

        private static void Pixels<T>(
            float* x, float* factors, float* residual, float* y, int pixels, int channels, Activation activation)
            where T : unmanaged, ILanes<T>
        {
            T floor = T.Broadcast(activation == Activation.Relu ? 0f : float.NegativeInfinity);
            for (long at = 0, end = (long)pixels * channels; at < end; at += channels)
            {
                int c = 0;
                for (; c <= channels - T.Count; c += T.Count)
                {
                    var channel = Channel<T>.Of(factors, c, channels);
                    T value = T.Max(floor, channel.Preactivation(T.Load(x + at + c) - channel.Mean));
                    if (residual is not null) value += T.Load(residual + at + c);
                    value.Store(y + at + c);
                }

                for (; c < channels; c++)
                {
                    float value = (factors[(2 * channels) + c] * (x[at + c] - factors[c])) + factors[(3 * channels) + c];
                    if (activation == Activation.Relu) value = ReluOp.Rectify(value);
                    y[at + c] = residual is null ? value : value + residual[at + c];
                }
            }
        }
    }

    private sealed class BackwardJob(InstanceNormOp.BackwardArguments a) : IVectorJob
    {
        public void Run<T>(CpuDevice cpu) where T : unmanaged, ILanes<T>
        {
            int channels = a.Shape.Channels, each = Math.Clamp(Rows.Part / channels, 1, a.Shape.Pixels);
            float* factors = a.Factors.Pointer, sums = a.Sums.Pointer;
            int parts = (int)(((long)a.Shape.Pixels + each - 1) / each);
            cpu.Parallel(parts, 2 * channels, (part, means) =>
            {
                for (int i = 0; i < 2 * channels; i++) means[i] = sums[i] / a.Shape.Pixels;
                long start = (long)part * each * channels;
                int pixels = Math.Min(each, a.Shape.Pixels - (part * each));
                Pixels<T>(
                    a.Gradient.Pointer + start, a.X.Pointer + start, factors, means, a.GradX.Pointer + start, pixels,
                    a.Shape);
            });
        }

        private static void Pixels<T>(
            float* gradient, float* x, float* factors, float* means, float* gradX, int pixels,
            InstanceNormOp.BackwardShape shape)
            where T : unmanaged, ILanes<T>
        {
            int channels = shape.Channels;
            T beta = T.Broadcast(shape.Beta);
            for (long at = 0, end = (long)pixels * channels; at < end; at += channels)
            {
                int c = 0;
                for (; c <= channels - T.Count; c += T.Count)
                {
                    var channel = Channel<T>.Of(factors, c, channels);
                    T deviation = T.Load(x + at + c) - channel.Mean;
                    T g = channel.Gated(T.Load(gradient + at + c), deviation, shape.Activation);
                    T normalized = deviation * channel.Root * T.Load(means + channels + c);
                    T dx = channel.Factor * (g - T.Load(means + c) - normalized);
                    if (shape.Beta != 0f) dx = T.MultiplyAdd(beta, T.Load(gradX + at + c), dx);
                    dx.Store(gradX + at + c);
                }

                for (; c < channels; c++)
                {
                    float deviation = x[at + c] - factors[c], factor = factors[(2 * channels) + c];
                    bool open = shape.Activation == Activation.None
                        || (factor * deviation) + factors[(3 * channels) + c] > 0f;
                    float normalized = deviation * factors[channels + c] * means[channels + c];
                    float dx = factor * ((open ? gradient[at + c] : 0f) - means[c] - normalized);
                    Accumulate.Into(ref gradX[at + c], dx, shape.Beta);
                }
            }
        }
    }

    /// <summary>The factors of neighbouring channels, see <see cref="InstanceNormOp.Factors"/>.</summary>
    private readonly struct Channel<T>(T mean, T root, T factor, T shift) where T : unmanaged, ILanes<T>
    {
        public T Mean { get; } = mean;

        public T Root { get; } = root;

        public T Factor { get; } = factor;

        public static Channel<T> Of(float* factors, int c, int channels) => new(
            T.Load(factors + c), T.Load(factors + channels + c), T.Load(factors + (2 * channels) + c),
            T.Load(factors + (3 * channels) + c));

        public T Preactivation(T deviation) => T.MultiplyAdd(Factor, deviation, shift);

        public T Gated(T gradient, T deviation, Activation activation) =>
            activation == Activation.None
                ? gradient
                : gradient & T.GreaterThan(Preactivation(deviation), T.Broadcast(0f));
    }
}
