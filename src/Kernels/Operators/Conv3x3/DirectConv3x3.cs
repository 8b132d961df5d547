using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Memory;
using NativeStyle.Kernels.Operators.Relu;
using NativeStyle.Kernels.Simd;

namespace NativeStyle.Kernels.Operators.Conv3x3;

/// <summary>
/// The CPU's form for the convolutions that Winograd does not fit: the first layer's three channels, channel counts
/// that do not fill vectors, and replicate padding. Both directions are one matrix product per row of the picture.
/// </summary>
internal static unsafe class DirectConv3x3
{
    /// <summary>Pixels whose outputs are held at a time: 48 x 64 floats stay in the first-level cache.</summary>
    private const int Chunk = 48;

    /// <inheritdoc cref="Conv3x3Op.Forward"/>
    public static void Forward(CpuDevice cpu, Conv3x3Op.ForwardArguments a) =>
        cpu.Vectorize(new ForwardJob(
            a.Input.Pointer, a.Weights.Filter.Pointer, a.Weights.Bias.Pointer, a.Output.Pointer,
            (byte*)a.Gate.Pointer, a.Shape));

    /// <inheritdoc cref="Conv3x3Op.BackwardData"/>
    public static void BackwardData(CpuDevice cpu, Conv3x3Op.BackwardDataArguments a) =>
        cpu.Vectorize(new BackwardJob(
            a.GradOutput.Pointer, (byte*)a.Gate.Pointer, a.Weights.Filter.Pointer, a.GradInput.Pointer,
            a.Shape, a.Beta));

    /// <summary>
    /// Copies the three rows of x under a row of windows as [column][row][channel], starting one column before the
    /// picture's first. The 9 x in inputs of pixel p then lie together from 3 in p on, and overlap its neighbour's.
    /// </summary>
    /// <param name="columns">Columns to write; the padding defines those outside the picture.</param>
    public static void Interleave(float* x, Conv3x3Shape shape, int row, int columns, float* to)
    {
        (int inC, bool replicate) = (shape.InChannels, shape.Padding == Padding.Replicate);
        for (int ky = 0; ky < 3; ky++)
        {
            int fromRow = replicate ? Math.Clamp(row + ky - 1, 0, shape.Height - 1) : row + ky - 1;
            bool rowExists = (uint)fromRow < (uint)shape.Height;
            for (int column = 0; column < columns; column++)
            {
                int fromColumn = replicate ? Math.Clamp(column - 1, 0, shape.Width - 1) : column - 1;
                var target = new Span<float>(to + (((column * 3) + ky) * inC), inC);
                if (rowExists && (uint)fromColumn < (uint)shape.Width)
                {
                    float* pixel = x + ((((long)fromRow * shape.Width) + fromColumn) * inC);
                    new ReadOnlySpan<float>(pixel, inC).CopyTo(target);
                }
                else
                {
                    target.Clear();
                }
            }
        }
    }

    /// <summary>Multiplies a pixel's interleaved inputs, which already are the micro-kernel's row.</summary>
    private sealed class ForwardJob(
        float* x, float* w, float* bias, float* y, byte* gate, Conv3x3Shape shape) : IVectorJob
    {
        public void Run<T>(CpuDevice cpu) where T : unmanaged, ILanes<T>
        {
            (int height, int width) = (shape.Height, shape.Width);
            (int inC, int outC) = (shape.InChannels, shape.OutChannels);
            int columns = MicroKernel<T>.Columns, panels = MicroKernel<T>.Panels(outC), depth = 9 * inC;
            using DeviceBuffer<float> packed = cpu.Allocate<float>((long)panels * depth * columns);
            float* b = packed.View.Pointer;
            cpu.Parallel(panels, panel =>
            {
                for (int k = 0; k < depth; k++)
                {
                    (int kx, int ky, int i) = (k / (3 * inC), k / inC % 3, k % inC);
                    for (int lane = 0; lane < columns; lane++)
                    {
                        int o = (panel * columns) + lane;
                        b[((((long)panel * depth) + k) * columns) + lane] =
                            o < outC ? w[((((ky * 3) + kx) * (long)inC) + i) * outC + o] : 0f;
                    }
                }
            });

            int pixelStride = 3 * inC, sumStride = panels * columns;
            int columnsRead = width + 2 + MicroKernel<T>.Rows;
            cpu.Parallel(height, ((long)columnsRead * pixelStride) + (Chunk * sumStride), (row, a) =>
            {
                float* sums = a + ((long)columnsRead * pixelStride);
                Interleave(x, shape, row, columnsRead, a);
                for (int first = 0; first < width; first += Chunk)
                {
                    int count = Math.Min(Chunk, width - first);
                    for (int panel = 0; panel < panels; panel++)
                    {
                        MicroKernel<T>.Run(
                            MicroKernel<T>.RoundUpRows(count), depth, a + (first * pixelStride), pixelStride, 1,
                            b + ((long)panel * depth * columns), columns, sums + (panel * columns), sumStride, false);
                    }

                    for (int p = 0; p < count; p++) Finish<T>(sums + (p * sumStride), ((long)row * width) + first + p);
                }
            });
        }

        /// <summary>Adds the bias, applies ReLU and writes the gate bits of one pixel.</summary>
        private void Finish<T>(float* sums, long pixel) where T : unmanaged, ILanes<T>
        {
            int outC = shape.OutChannels, o = 0;
            float* to = y + (pixel * outC);
            byte* bits = gate == null ? null : gate + (pixel * shape.GateWordsPerPixel * sizeof(uint));
            for (; o <= outC - T.Count; o += T.Count)
            {
                T value = T.Load(sums + o) + T.Load(bias + o);
                if (shape.Relu) value = T.Max(default, value);
                value.Store(to + o);
                if (bits != null) T.NotEqual(value, default).StoreBits(bits + (o >> 3));
            }

            if (o == outC) return;
            if (bits != null)
                new Span<byte>(bits + (o >> 3), (shape.GateWordsPerPixel * sizeof(uint)) - (o >> 3)).Clear();
            for (; o < outC; o++)
            {
                float value = sums[o] + bias[o];
                if (shape.Relu) value = ReluOp.Rectify(value);
                to[o] = value;
                if (bits != null && ReluOp.Passes(value)) bits[o >> 3] |= (byte)(1 << (o & 7));
            }
        }
    }

    /// <summary>
    /// Computes C[p, (t, i)] = sum over o of dz[p, o] w[t, i, o]: what pixel p's window contributes to its nine inputs.
    /// A row of dx collects these from the three rows of C around it.
    /// </summary>
    private sealed class BackwardJob(
        float* dy, byte* gate, float* w, float* dx, Conv3x3Shape shape, float beta) : IVectorJob
    {
        public void Run<T>(CpuDevice cpu) where T : unmanaged, ILanes<T>
        {
            (int height, int width) = (shape.Height, shape.Width);
            (int inC, int outC) = (shape.InChannels, shape.OutChannels);
            int columns = MicroKernel<T>.Columns, panels = MicroKernel<T>.Panels(9 * inC);
            using DeviceBuffer<float> packed = cpu.Allocate<float>((long)panels * outC * columns);
            float* b = packed.View.Pointer;
            cpu.Parallel(panels, panel =>
            {
                for (int o = 0; o < outC; o++)
                {
                    for (int lane = 0; lane < columns; lane++)
                    {
                        int input = (panel * columns) + lane;
                        b[((((long)panel * outC) + o) * columns) + lane] =
                            input < 9 * inC ? w[((long)input * outC) + o] : 0f;
                    }
                }
            });

            // A band also computes the rows of C next to it: bands should be tall, but enough for all threads.
            int band = Math.Clamp(height / (4 * cpu.Threads), 4, 32);
            int rowStride = panels * columns, widthRead = MicroKernel<T>.RoundUpRows(width);
            long productRow = (long)widthRead * rowStride;
            long scratch = ((long)widthRead * outC) + (3 * productRow) + ((width + 2L) * inC);
            cpu.Parallel((height + band - 1) / band, scratch, (part, dz) =>
            {
                float* products = dz + ((long)widthRead * outC), sums = products + (3 * productRow);
                int first = part * band, last = Math.Min(height, first + band);
                for (int row = Math.Max(0, first - 1); row <= Math.Min(height - 1, last); row++)
                {
                    LoadGated<T>(row, widthRead, dz);
                    for (int panel = 0; panel < panels; panel++)
                    {
                        MicroKernel<T>.Run(
                            widthRead, outC, dz, outC, 1, b + ((long)panel * outC * columns), columns,
                            products + ((row % 3) * productRow) + (panel * columns), rowStride, false);
                    }

                    // Row r is complete once row r + 1 of C is there.
                    if (row - 1 >= first) Collect(row - 1, products, productRow, rowStride, sums);
                    if (row == height - 1 && row < last) Collect(row, products, productRow, rowStride, sums);
                }
            });
        }

        /// <summary>Loads a row of dz: dy where the gate is open.</summary>
        private void LoadGated<T>(int row, int widthRead, float* dz) where T : unmanaged, ILanes<T>
        {
            (int width, int outC) = (shape.Width, shape.OutChannels);
            float* from = dy + ((long)row * width * outC);
            new ReadOnlySpan<float>(from, width * outC).CopyTo(new Span<float>(dz, width * outC));
            new Span<float>(dz + ((long)width * outC), (widthRead - width) * outC).Clear();
            if (gate == null) return;
            long pixelBytes = shape.GateWordsPerPixel * sizeof(uint);
            byte* bits = gate + ((long)row * width * pixelBytes);
            for (int p = 0; p < width; p++, dz += outC, bits += pixelBytes)
            {
                int o = 0;
                for (; o <= outC - T.Count; o += T.Count) T.Load(dz + o).MaskedBy(bits + (o >> 3)).Store(dz + o);
                for (; o < outC; o++)
                    if ((bits[o >> 3] >> (o & 7) & 1) == 0) dz[o] = 0f;
            }
        }

        private void Collect(int row, float* products, long productRow, int rowStride, float* sums)
        {
            (int height, int width, int inC) = (shape.Height, shape.Width, shape.InChannels);
            bool replicate = shape.Padding == Padding.Replicate;
            new Span<float>(sums, (width + 2) * inC).Clear();
            Add(row);
            if (replicate && row == 0) Add(-1);
            if (replicate && row == height - 1) Add(height);
            if (replicate)
            {
                // The copies of the border's pixels one step outside pass on their gradient.
                Rows.AddScaled(sums + inC, sums, 1f, inC);
                Rows.AddScaled(sums + ((long)width * inC), sums + ((width + 1L) * inC), 1f, inC);
            }

            float* to = dx + ((long)row * width * inC), from = sums + inC;
            if (beta == 0f) new ReadOnlySpan<float>(from, width * inC).CopyTo(new Span<float>(to, width * inC));
            else for (int i = 0; i < width * inC; i++) to[i] = (beta * to[i]) + from[i];

            void Add(int paddedRow)
            {
                for (int ky = 0; ky < 3; ky++)
                {
                    int y = paddedRow - ky + 1;
                    if ((uint)y >= (uint)height) continue;
                    float* product = products + ((y % 3) * productRow) + (ky * 3 * inC);
                    for (int p = 0; p < width; p++)
                        Rows.AddScaled(sums + (p * inC), product + (p * (long)rowStride), 1f, 3 * inC);
                }
            }
        }
    }
}
