using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Memory;
using NativeStyle.Kernels.Simd;

namespace NativeStyle.Kernels.Operators.Convolution;

// Forward and backward to data are the same job: each row of a target (y or dx) is a sum of matrix products, one for
// each row of a source (x or dy) that its windows touch. The micro-kernel reads the rows as they are, because a
// window's columns and channels are neighbours there; the last rows wait in a ring. There are two layouts of the
// product.
//
//   gather   A row of the product is n neighbouring target pixels. Its depth is all columns that their windows see.
//            Weights of columns that a pixel does not see are zero. One pixel's channels may fill too few columns of
//            the micro-kernel: n makes up for it. With a stride, backward takes a multiple of the stride as n, since
//            the taps that meet a pixel repeat after so many pixels.
//   scatter  A row of the product is one source pixel. Its columns are what the pixel gives to the K target pixels that
//            see it, which are neighbours too. The target collects the overlapping rows. It is for stride 1 and few
//            target channels: with 3, gather would multiply zeros half of the time.

/// <summary>
/// The CPU's form of a convolution of any kernel size and stride, forward and backward to data, as matrix products of
/// rows of the picture.
/// </summary>
internal static unsafe class ConvolutionCpu
{
    /// <summary>Rows of the product that are computed together: their sums stay in the first-level cache.</summary>
    private const int Chunk = 48;

    /// <inheritdoc cref="ConvolutionOp.Forward"/>
    public static void Forward(CpuDevice cpu, ConvolutionOp.ForwardArguments a) =>
        cpu.Vectorize(new Job(
            new Direction(a.Shape, false), a.Input.Pointer, a.Filter.Pointer, a.Bias.Pointer, a.Output.Pointer, 0f));

    /// <inheritdoc cref="ConvolutionOp.BackwardData"/>
    public static void BackwardData(CpuDevice cpu, ConvolutionOp.BackwardDataArguments a) =>
        cpu.Vectorize(new Job(
            new Direction(a.Shape, true), a.GradOutput.Pointer, a.Filter.Pointer, null, a.GradInput.Pointer, a.Beta));

    /// <summary>The sizes of source and target, and which tap leads from one to the other.</summary>
    private readonly record struct Direction(ConvolutionShape Shape, bool Backward)
    {
        public int SourceHeight => Backward ? Shape.OutHeight : Shape.Height;

        public int SourceWidth => Backward ? Shape.OutWidth : Shape.Width;

        public int SourceChannels => Backward ? Shape.OutChannels : Shape.InChannels;

        public int TargetHeight => Backward ? Shape.Height : Shape.OutHeight;

        public int TargetWidth => Backward ? Shape.Width : Shape.OutWidth;

        public int TargetChannels => Backward ? Shape.InChannels : Shape.OutChannels;

        /// <summary>The most source rows, or columns, that a target pixel sees.</summary>
        public int Reach => Backward ? (Shape.Kernel + Shape.Stride - 1) / Shape.Stride : Shape.Kernel;

        /// <summary>The last source row that a target row sees. It may lie after the source's end.</summary>
        public int LastSourceRow(int row) => Backward ? row / Shape.Stride : (row * Shape.Stride) + Shape.Kernel - 1;

        /// <summary>
        /// The tap's row through which a target row sees a source row; K or more if it does not see it.
        /// </summary>
        public int TapRow(int row, int sourceRow) =>
            Backward ? row - (sourceRow * Shape.Stride) : sourceRow - (row * Shape.Stride);

        /// <summary>
        /// The place of a row of taps in an order where those of source rows that follow each other do so too.
        /// </summary>
        public int Position(int tapRow)
        {
            if (!Backward) return tapRow;
            (int kernel, int stride) = (Shape.Kernel, Shape.Stride);
            // The taps of each remainder by the stride follow each other, the last first.
            (int before, int phase) = (0, tapRow % stride);
            for (int i = 0; i < phase; i++) before += (kernel - i + stride - 1) / stride;
            return before + ((kernel - phase + stride - 1) / stride) - 1 - (tapRow / stride);
        }
    }

    /// <summary>How rows of the source are multiplied; see the top of this file.</summary>
    /// <param name="Pixels">Target pixels of a row of the product; 0 for scatter.</param>
    private readonly record struct ProductLayout(Direction Direction, int Pixels)
    {
        private int Kernel => Direction.Shape.Kernel;

        private int Stride => Direction.Shape.Stride;

        public bool Scatters => Pixels == 0;

        /// <summary>Target pixels that a row of the product gives to.</summary>
        public int TargetPixels => Scatters ? Kernel : Pixels;

        public int Columns => TargetPixels * Direction.TargetChannels;

        /// <summary>Rows of the product for a row of the picture.</summary>
        public int Rows => Scatters ? Direction.SourceWidth : (Direction.TargetWidth + Pixels - 1) / Pixels;

        /// <summary>Source columns from one row of the product to the next.</summary>
        public int Step => Scatters ? 1 : Direction.Backward ? Pixels / Stride : Pixels * Stride;

        /// <summary>Source columns that a row of the product sees.</summary>
        public int Window =>
            Scatters ? 1
            : Direction.Backward ? Direction.Reach + Step - 1
            : Kernel + ((Pixels - 1) * Stride);

        /// <summary>Columns of zeros before the source's first.</summary>
        public int Margin => Direction.Backward && !Scatters ? Direction.Reach - 1 : 0;

        /// <summary>
        /// The target pixel that the first row of the product gives to first; less than 0 if it does not exist.
        /// </summary>
        public int FirstPixel => Scatters && !Direction.Backward ? 1 - Kernel : 0;

        /// <summary>Chooses the layout with the fewest operations of the micro-kernel.</summary>
        /// <param name="columns">Columns of the micro-kernel.</param>
        public static ProductLayout Choose(Direction direction, int columns)
        {
            int unit = direction.Backward ? direction.Shape.Stride : 1;
            var best = new ProductLayout(direction, unit);
            for (int pixels = 2 * unit; pixels <= direction.TargetWidth && pixels <= 16; pixels += unit)
            {
                var next = new ProductLayout(direction, pixels);
                if (next.Cost(columns) < best.Cost(columns)) best = next;
            }

            var scatter = new ProductLayout(direction, 0);
            return direction.Shape.Stride == 1 && scatter.Cost(columns) < best.Cost(columns) ? scatter : best;
        }

        /// <summary>The tap's column from a row's source column to its target pixel; not in [0, K) if none.</summary>
        public int TapColumn(int column, int pixel) =>
            Scatters ? (Direction.Backward ? pixel : Kernel - 1 - pixel)
            : Direction.Backward ? pixel + ((Direction.Reach - 1 - column) * Stride)
            : column - (pixel * Stride);

        /// <summary>The source columns, from First to before End, that the target pixels of a panel see.</summary>
        public (int First, int End) Seen(int panel, int columns)
        {
            int channels = Direction.TargetChannels;
            int firstPixel = panel * columns / channels;
            int lastPixel = (Math.Min(Columns, (panel + 1) * columns) - 1) / channels;
            (int first, int end) = (Window, 0);
            for (int column = 0; column < Window; column++)
            {
                for (int pixel = firstPixel; pixel <= lastPixel; pixel++)
                {
                    if ((uint)TapColumn(column, pixel) >= (uint)Kernel) continue;
                    (first, end) = (Math.Min(first, column), column + 1);
                }
            }

            return (Math.Min(first, end), end);
        }

        /// <summary>The micro-kernel's steps for a target pixel and a row of taps, with those to load sums.</summary>
        private double Cost(int columns)
        {
            const double LoadAndStore = 3, Collect = 3;
            double steps = Scatters ? Collect : 0;
            for (int panel = 0; panel * columns < Columns; panel++)
            {
                (int first, int end) = Seen(panel, columns);
                steps += ((end - first) * Direction.SourceChannels) + LoadAndStore;
            }

            return steps / Math.Max(1, Pixels);
        }
    }

    private sealed class Job(
        Direction direction, float* source, float* w, float* bias, float* target, float beta) : IVectorJob
    {
        private readonly ConvolutionShape _shape = direction.Shape;

        public void Run<T>(CpuDevice cpu) where T : unmanaged, ILanes<T>
        {
            int columns = MicroKernel<T>.Columns, channels = direction.SourceChannels;
            ProductLayout layout = ProductLayout.Choose(direction, columns);
            int panels = MicroKernel<T>.Panels(layout.Columns), kernel = _shape.Kernel;
            long panelLength = (long)layout.Window * channels * columns;
            using DeviceBuffer<float> packed = cpu.Allocate<float>(kernel * panels * panelLength);
            using DeviceBuffer<float> repeated = cpu.Allocate<float>(
                layout.Columns + direction.TargetChannels + T.Count);
            float* weights = packed.View.Pointer, biases = repeated.View.Pointer;
            int biasLength = (int)repeated.Length;
            (int First, int End)[] seen = [.. Enumerable.Range(0, panels).Select(p => layout.Seen(p, columns))];
            cpu.Parallel((kernel * panels) + 1, part =>
            {
                if (part < kernel * panels)
                {
                    (int panel, int tapRow) = Math.DivRem(part, kernel);
                    (int first, int end) = seen[panel];
                    float* to = weights + (panel * kernel * panelLength);
                    to += (long)direction.Position(tapRow) * (end - first) * channels * columns;
                    Pack(layout, tapRow, panel * columns, columns, seen[panel], to);
                    return;
                }

                for (int i = 0; i < biasLength; i++) biases[i] = bias == null ? 0f : bias[i % direction.TargetChannels];
            });

            // A band also loads the rows that its first row sees: bands should be tall, but enough for all threads.
            int height = direction.TargetHeight, band = Math.Clamp(height / (4 * cpu.Threads), 4, 32);
            int rows = MicroKernel<T>.RoundUpRows(layout.Rows), reach = direction.Reach;
            int rowColumns = ((rows - 1) * layout.Step) + layout.Window;
            // Rows and sums start at cache lines.
            long rowLength = (((long)rowColumns * channels) + 15) & ~15L;
            // Scatter reads a vector before and after each row of sums.
            int sumStride = (panels * columns) + (2 * T.Count);
            cpu.Parallel((height + band - 1) / band, (reach * rowLength) + ((long)rows * sumStride), (part, ring) =>
            {
                float* sums = ring + (reach * rowLength);
                new Span<float>(sums, rows * sumStride).Clear();
                int end = Math.Min(height, (part + 1) * band), next = 0;
                for (int row = part * band; row < end; row++)
                {
                    int last = Math.Min(direction.LastSourceRow(row), direction.SourceHeight - 1);
                    int first = Math.Max(direction.LastSourceRow(row) - reach + 1, 0);
                    for (next = Math.Max(next, first); next <= last; next++)
                        Load(layout, next, rowColumns, ring + (next % reach * rowLength));
                    for (int start = 0; start < rows; start += Chunk)
                        for (int panel = 0; panel < panels; panel++) Multiply(row, first, last, start, panel);
                    if (layout.Scatters) Collect<T>(layout, sums + T.Count, sumStride, biases, row);
                    else Store<T>(layout, sums + T.Count, sumStride, biases, row);
                }

                void Multiply(int row, int first, int last, int start, int panel)
                {
                    (int column, int endColumn) = seen[panel];
                    int count = Math.Min(Chunk, rows - start), depth = (endColumn - column) * channels;
                    float* a = ring + ((((long)start * layout.Step) + column) * channels);
                    float* c = sums + ((long)start * sumStride) + T.Count + (panel * columns);
                    while (first <= last && direction.TapRow(row, first) >= kernel) first++;
                    // A stride may leave rows of x that no window sees: their sums are empty.
                    bool any = false;
                    do
                    {
                        // The ring's rows follow each other up to its end.
                        int runs = Math.Max(0, Math.Min(last + 1 - first, reach - (first % reach)));
                        int position = first <= last ? direction.Position(direction.TapRow(row, first)) : 0;
                        float* b = weights + (panel * kernel * panelLength) + ((long)position * depth * columns);
                        MicroKernel<T>.Run(
                            count, runs, (nint)rowLength, depth, a + (first % reach * rowLength),
                            layout.Step * channels, 1, b, columns, c, sumStride, any);
                        (first, any) = (first + runs, true);
                    }
                    while (first <= last);
                }
            });
        }

        /// <summary>Packs the weights of a row of taps for a panel: [source column][source channel][lane].</summary>
        private void Pack(
            ProductLayout layout, int tapRow, int firstColumn, int columns, (int First, int End) seen, float* to)
        {
            (int inC, int outC, int kernel) = (_shape.InChannels, _shape.OutChannels, _shape.Kernel);
            int targetChannels = direction.TargetChannels, channels = direction.SourceChannels;
            (int targetStep, int sourceStep) = direction.Backward ? (outC, 1) : (1, outC);
            long* from = stackalloc long[columns];
            for (int column = seen.First; column < seen.End; column++)
            {
                for (int lane = 0; lane < columns; lane++)
                {
                    (int pixel, int c) = Math.DivRem(firstColumn + lane, targetChannels);
                    int tapColumn = layout.TapColumn(column, pixel);
                    bool exists = pixel < layout.TargetPixels && (uint)tapColumn < (uint)kernel;
                    from[lane] = exists
                        ? ((((long)tapRow * kernel) + tapColumn) * inC * outC) + ((long)c * targetStep)
                        : -1;
                }

                for (int c = 0; c < channels; c++, to += columns)
                    for (int lane = 0; lane < columns; lane++)
                        to[lane] = from[lane] < 0 ? 0f : w[from[lane] + ((long)c * sourceStep)];
            }
        }

        /// <summary>Copies a row of the source, with zeros where the product sees what is not there.</summary>
        private void Load(ProductLayout layout, int row, int columns, float* to)
        {
            int channels = direction.SourceChannels, width = direction.SourceWidth;
            int copied = Math.Min(width, columns - layout.Margin) * channels, margin = layout.Margin * channels;
            new Span<float>(to, margin).Clear();
            new ReadOnlySpan<float>(source + ((long)row * width * channels), copied)
                .CopyTo(new Span<float>(to + margin, copied));
            new Span<float>(to + margin + copied, (columns * channels) - margin - copied).Clear();
        }

        /// <summary>Writes a row of the target that gather has computed.</summary>
        private void Store<T>(ProductLayout layout, float* sums, int sumStride, float* biases, int row)
            where T : unmanaged, ILanes<T>
        {
            int length = direction.TargetWidth * direction.TargetChannels;
            float* to = target + ((long)row * length);
            for (int start = 0; start < length; start += layout.Columns, sums += sumStride)
            {
                int end = Math.Min(layout.Columns, length - start);
                for (int i = 0; i < end; i += T.Count)
                    Write(T.Load(sums + i) + T.Load(biases + i), to + start + i, end - i);
            }
        }

        /// <summary>
        /// Writes a row of the target that scatter has computed. A vector of the target is the sum of the rows of the
        /// product that overlap it.
        /// </summary>
        private void Collect<T>(ProductLayout layout, float* sums, int sumStride, float* biases, int row)
            where T : unmanaged, ILanes<T>
        {
            int channels = direction.TargetChannels, length = direction.TargetWidth * channels;
            int offset = layout.FirstPixel * channels, columns = layout.Columns, rows = layout.Rows;
            float* to = target + ((long)row * length);
            int first = 0, end = 0;
            for (int i = 0; i < length; i += T.Count)
            {
                // Row r lies from offset + r channels on.
                while (offset + (first * channels) + columns <= i) first++;
                while (end < rows && offset + (end * channels) < i + T.Count) end++;
                T sum = T.Load(biases + (i % channels));
                float* from = sums + ((long)first * sumStride) + i - offset - (first * channels);
                for (int r = first; r < end; r++, from += sumStride - channels) sum += T.Load(from);
                Write(sum, to + i, length - i);
            }
        }

        /// <summary>y = beta y + values, for as many elements as there is room for.</summary>
        private void Write<T>(T values, float* y, int room) where T : unmanaged, ILanes<T>
        {
            if (room < T.Count)
            {
                WriteEnd(values, y, room);
                return;
            }

            if (beta != 0f) values = T.MultiplyAdd(T.Broadcast(beta), T.Load(y), values);
            values.Store(y);
        }

        private void WriteEnd<T>(T values, float* y, int room) where T : unmanaged, ILanes<T>
        {
            float* elements = stackalloc float[T.Count];
            values.Store(elements);
            for (int i = 0; i < room; i++) Accumulate.Into(ref y[i], elements[i], beta);
        }
    }
}
