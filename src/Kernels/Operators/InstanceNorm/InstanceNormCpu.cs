using ILGPU;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Memory;
using NativeStyle.Kernels.Operators.Expand;
using NativeStyle.Kernels.Simd;

namespace NativeStyle.Kernels.Operators.InstanceNorm;

/// <summary>
/// The CPU's forms. Each map is read from memory once a pass: a piece stays in the cache between the sums for its mean
/// and for its deviations, and a result is expanded while it is written.
///
/// Pixels are worked on in groups, so that a group's channels fill vectors whatever their number is, and so that sums in
/// memory do not wait for their last addition. What belongs to a channel is repeated for each pixel of a group.
/// </summary>
internal static unsafe class InstanceNormCpu
{
    /// <summary>Elements of a group, about: enough additions to go on with until the first is stored.</summary>
    private const int GroupElements = 128;

    /// <summary>What is done with the elements from some place of a group on.</summary>
    private interface IBody
    {
        void At<T>(int i) where T : unmanaged, ILanes<T>;
    }

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
        ArrayView<float> map, ArrayView<float> moments, InstanceNormOp.PieceShape shape) : IVectorJob
    {
        public void Run<T>(CpuDevice cpu) where T : unmanaged, ILanes<T>
        {
            int channels = shape.Channels, group = PixelsOfGroup<T>(channels), width = group * channels;
            float* from = map.Pointer, to = moments.Pointer;
            cpu.Parallel(shape.Pieces, 2 * width, (piece, centre) =>
            {
                int start = piece * shape.PiecePixels, pixels = shape.End(piece) - start;
                float* x = from + ((long)start * channels), sums = centre + width;
                float* mean = to + (2L * piece * channels), squares = mean + channels;
                // Deviations from the first pixel have a small mean, which costs no digits.
                Repeat(x, 1, channels, group, centre);
                new Span<float>(sums, width).Clear();
                for (int p = 0; p < pixels; p += group)
                {
                    ForEach<T, Deviations>(
                        new(x + ((long)p * channels), centre, sums), Math.Min(group, pixels - p) * channels);
                }

                Fold(sums, channels, group, mean);
                for (int c = 0; c < channels; c++) mean[c] = x[c] + (mean[c] / pixels);
                Repeat(mean, 1, channels, group, centre);
                new Span<float>(sums, width).Clear();
                for (int p = 0; p < pixels; p += group)
                {
                    ForEach<T, Squares>(
                        new(x + ((long)p * channels), centre, sums), Math.Min(group, pixels - p) * channels);
                }

                Fold(sums, channels, group, squares);
            });
        }

        private readonly struct Deviations(float* x, float* centre, float* sums) : IBody
        {
            public void At<T>(int i) where T : unmanaged, ILanes<T> =>
                (T.Load(sums + i) + (T.Load(x + i) - T.Load(centre + i))).Store(sums + i);
        }

        private readonly struct Squares(float* x, float* centre, float* sums) : IBody
        {
            public void At<T>(int i) where T : unmanaged, ILanes<T>
            {
                T deviation = T.Load(x + i) - T.Load(centre + i);
                T.MultiplyAdd(deviation, deviation, T.Load(sums + i)).Store(sums + i);
            }
        }
    }

    private sealed class SumsJob(
        InstanceNormOp.SumsArguments a, ArrayView<float> result, InstanceNormOp.PieceShape shape) : IVectorJob
    {
        public void Run<T>(CpuDevice cpu) where T : unmanaged, ILanes<T>
        {
            int channels = shape.Channels, group = PixelsOfGroup<T>(channels), width = group * channels;
            float* gradient = a.Gradient.Pointer, x = a.X.Pointer, to = result.Pointer;
            using DeviceBuffer<float> factors = FactorsOf(cpu, a.Factors, channels, group);
            float* repeated = factors.View.Pointer;
            cpu.Parallel(shape.Pieces, 2 * width, (piece, sums) =>
            {
                int start = piece * shape.PiecePixels, pixels = shape.End(piece) - start;
                new Span<float>(sums, 2 * width).Clear();
                for (int p = 0; p < pixels; p += group)
                {
                    long at = (long)(start + p) * channels;
                    int elements = Math.Min(group, pixels - p) * channels;
                    Operands operands = new(gradient + at, x + at, repeated, width);
                    if (a.Activation == Activation.Relu) ForEach<T, Gated>(new(operands, sums), elements);
                    else ForEach<T, Open>(new(operands, sums), elements);
                }

                float* sum = to + (2L * piece * channels);
                Fold(sums, channels, group, sum);
                Fold(sums + width, channels, group, sum + channels);
            });
        }

        private readonly struct Gated(Operands operands, float* sums) : IBody
        {
            public void At<T>(int i) where T : unmanaged, ILanes<T> =>
                Add(operands.GatedGradient<T>(i), operands, sums, i);
        }

        private readonly struct Open(Operands operands, float* sums) : IBody
        {
            public void At<T>(int i) where T : unmanaged, ILanes<T> =>
                Add(T.Load(operands.Gradient + i), operands, sums, i);
        }

        private static void Add<T>(T g, Operands operands, float* sums, int i) where T : unmanaged, ILanes<T>
        {
            float* products = sums + operands.Width;
            (T.Load(sums + i) + g).Store(sums + i);
            T.MultiplyAdd(g, operands.Normalized<T>(i), T.Load(products + i)).Store(products + i);
        }
    }

    private sealed class NormalizeJob(InstanceNormOp.NormalizeArguments a) : IVectorJob
    {
        public void Run<T>(CpuDevice cpu) where T : unmanaged, ILanes<T>
        {
            (ExpandShape shape, Activation activation, int margin) = a.Shape;
            int channels = shape.Channels, group = PixelsOfGroup<T>(channels), width = group * channels;
            float* x = a.X.Pointer, residual = a.Residual.Pointer, y = a.Output.Pointer;
            using DeviceBuffer<float> factors = FactorsOf(cpu, a.Factors, channels, group);
            float* repeated = factors.View.Pointer;
            float floor = activation == Activation.Relu ? 0f : float.NegativeInfinity;
            cpu.Parallel(shape.Rows.Count, row =>
            {
                int source = shape.Rows.Source(row);
                float* from = x + ((long)source * shape.Width * channels);
                float* added = residual + ((((source + margin) * (shape.Width + (2L * margin))) + margin) * channels);
                float* to = y + ((long)row * shape.Columns.Count * channels);
                for (int column = 0, run; column < shape.Columns.Count; column += run)
                {
                    run = Math.Min(group, shape.Columns.Run(column));
                    long at = (long)shape.Columns.Source(column) * channels;
                    Operands operands = new(null, from + at, repeated, width);
                    if (margin < 0) ForEach<T, Alone>(new(operands, floor, to), run * channels);
                    else ForEach<T, WithResidual>(new(operands, floor, added + at, to), run * channels);
                    to += run * channels;
                }
            });
        }

        private readonly struct Alone(Operands operands, float floor, float* y) : IBody
        {
            public void At<T>(int i) where T : unmanaged, ILanes<T> =>
                T.Max(T.Broadcast(floor), operands.Preactivation<T>(i)).Store(y + i);
        }

        private readonly struct WithResidual(Operands operands, float floor, float* residual, float* y) : IBody
        {
            public void At<T>(int i) where T : unmanaged, ILanes<T> =>
                (T.Max(T.Broadcast(floor), operands.Preactivation<T>(i)) + T.Load(residual + i)).Store(y + i);
        }
    }

    private sealed class BackwardJob(InstanceNormOp.BackwardArguments a) : IVectorJob
    {
        public void Run<T>(CpuDevice cpu) where T : unmanaged, ILanes<T>
        {
            (int pixels, int channels, Activation activation, float beta) = a.Shape;
            int group = PixelsOfGroup<T>(channels), width = group * channels;
            int groupsOfPart = Math.Max(1, Rows.Part / width), groups = (int)(((long)pixels + group - 1) / group);
            float* gradient = a.Gradient.Pointer, x = a.X.Pointer, gradX = a.GradX.Pointer, sums = a.Sums.Pointer;
            using DeviceBuffer<float> factors = FactorsOf(cpu, a.Factors, channels, group);
            float* repeated = factors.View.Pointer;
            cpu.Parallel((groups + groupsOfPart - 1) / groupsOfPart, 2 * width, (part, means) =>
            {
                Repeat(sums, 2, channels, group, means);
                for (int i = 0; i < 2 * width; i++) means[i] /= pixels;
                int end = Math.Min(groups, (part + 1) * groupsOfPart);
                for (int g = part * groupsOfPart; g < end; g++)
                {
                    long p = (long)g * group, at = p * channels;
                    int elements = (int)Math.Min(group, pixels - p) * channels;
                    Operands operands = new(gradient + at, x + at, repeated, width);
                    if (activation == Activation.Relu)
                        ForEach<T, Gated>(new(operands, means, gradX + at, beta), elements);
                    else
                        ForEach<T, Open>(new(operands, means, gradX + at, beta), elements);
                }
            });
        }

        private readonly struct Gated(Operands operands, float* means, float* gradX, float beta) : IBody
        {
            public void At<T>(int i) where T : unmanaged, ILanes<T> =>
                Write(operands.GatedGradient<T>(i), operands, means, gradX, beta, i);
        }

        private readonly struct Open(Operands operands, float* means, float* gradX, float beta) : IBody
        {
            public void At<T>(int i) where T : unmanaged, ILanes<T> =>
                Write(T.Load(operands.Gradient + i), operands, means, gradX, beta, i);
        }

        private static void Write<T>(T g, Operands operands, float* means, float* gradX, float beta, int i)
            where T : unmanaged, ILanes<T>
        {
            T centred = g - T.Load(means + i) - (operands.Normalized<T>(i) * T.Load(means + operands.Width + i));
            T dx = T.Load(operands.Factors + (2 * operands.Width) + i) * centred;
            if (beta != 0f) dx = T.MultiplyAdd(T.Broadcast(beta), T.Load(gradX + i), dx);
            dx.Store(gradX + i);
        }
    }

    /// <summary>A group of pixels, and what belongs to their channels.</summary>
    /// <param name="gradient">The gradient of act(z).</param>
    /// <param name="x">The map.</param>
    /// <param name="factors">(4, width): <see cref="InstanceNormOp.Factors"/>, repeated for each pixel.</param>
    /// <param name="width">Elements of a whole group.</param>
    private readonly struct Operands(float* gradient, float* x, float* factors, int width)
    {
        public float* Gradient => gradient;

        public float* Factors => factors;

        public int Width => width;

        /// <summary>x^.</summary>
        public T Normalized<T>(int i) where T : unmanaged, ILanes<T> =>
            (T.Load(x + i) - T.Load(factors + i)) * T.Load(factors + width + i);

        /// <summary>z.</summary>
        public T Preactivation<T>(int i) where T : unmanaged, ILanes<T> =>
            T.MultiplyAdd(
                T.Load(factors + (2 * width) + i), T.Load(x + i) - T.Load(factors + i),
                T.Load(factors + (3 * width) + i));

        /// <summary>The gradient of z where z is positive.</summary>
        public T GatedGradient<T>(int i) where T : unmanaged, ILanes<T> =>
            T.Load(gradient + i) & T.GreaterThan(Preactivation<T>(i), T.Broadcast(0f));
    }

    private static void ForEach<T, TBody>(TBody body, int elements)
        where T : unmanaged, ILanes<T>
        where TBody : struct, IBody
    {
        int i = 0;
        for (; i <= elements - T.Count; i += T.Count) body.At<T>(i);
        for (; i < elements; i++) body.At<Lane>(i);
    }

    private static int PixelsOfGroup<T>(int channels) where T : unmanaged, ILanes<T>
    {
        int unit = channels % T.Count == 0 ? 1 : T.Count;
        return unit * Math.Max(1, GroupElements / (unit * channels));
    }

    private static DeviceBuffer<float> FactorsOf(CpuDevice cpu, ArrayView<float> factors, int channels, int group)
    {
        DeviceBuffer<float> repeated = cpu.Allocate<float>(4L * group * channels);
        float* from = factors.Pointer, to = repeated.View.Pointer;
        cpu.Parallel(1, _ => Repeat(from, 4, channels, group, to));
        return repeated;
    }

    /// <summary>Repeats each row of channels for each pixel of a group.</summary>
    private static void Repeat(float* from, int rows, int channels, int group, float* to)
    {
        for (int row = 0; row < rows; row++)
        {
            var channelsOfRow = new ReadOnlySpan<float>(from + (row * channels), channels);
            for (int p = 0; p < group; p++)
                channelsOfRow.CopyTo(new Span<float>(to + (((row * group) + p) * channels), channels));
        }
    }

    /// <summary>Adds the sums of a group's pixels for each channel.</summary>
    private static void Fold(float* sums, int channels, int group, float* to)
    {
        for (int c = 0; c < channels; c++)
        {
            float sum = 0f;
            for (int p = 0; p < group; p++) sum += sums[(p * channels) + c];
            to[c] = sum;
        }
    }
}
