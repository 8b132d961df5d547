using ILGPU.Runtime;
using ILGPU;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Memory;
using NativeStyle.Kernels.Operators.MatrixProduct;
using NativeStyle.Kernels.Operators.Pool2x2;
using NativeStyle.Kernels.Translation;

namespace NativeStyle.Kernels.Operators.Conv3x3;

/// <summary>
/// Winograd's F(4x4, 3x3) for GPUs: the mathematics of <see cref="WinogradCpu"/> as four kernels.
/// <code>
///   U = G g Gᵀ  (36, in, out)     V = Bᵀ d B  (36, tiles, in)     M = V U  (36, tiles, out)     Y = Aᵀ M A
/// </code>
/// U is made anew in each pass (a thousandth of the time of the products); V and M take 2.25 times the maps, so tiles
/// come in portions that keep both below <see cref="PortionBytes"/>. Bias, ReLU, gate bits and pooling are done while
/// the outputs are written, gate and pooling's backward while the inputs are read.
/// </summary>
internal static class WinogradGpu
{
    private const int Points = 36;

    /// <summary>Channels of a group of <see cref="OutputsKernel"/>: the bits of a gate word.</summary>
    private const int GroupChannels = 32;

    /// <summary>Tiles of a group of <see cref="OutputsKernel"/>.</summary>
    private const int GroupTiles = 4;

    /// <summary>V and M of a portion of tiles.</summary>
    private const long PortionBytes = 512L << 20;

    /// <summary>Which way a pass goes: the rotated kernels of backward, with in and out exchanged, are read in place.</summary>
    internal enum Direction
    {
        Forward,
        Backward,
    }

    /// <summary>A portion of a picture's tiles.</summary>
    /// <param name="First">The first tile, counted over the whole picture.</param>
    /// <param name="Count">How many.</param>
    /// <param name="Across">Tiles of a row of the picture.</param>
    internal readonly record struct Tiles(int First, int Count, int Across)
    {
        /// <summary>The first row of a tile of the portion.</summary>
        public int Top(int tile) => (First + tile) / Across * 4;

        /// <summary>The first column of a tile of the portion.</summary>
        public int Left(int tile) => (First + tile) % Across * 4;
    }

    /// <summary>Six numbers in registers: ILGPU puts arrays that are indexed at run time into memory.</summary>
    private readonly record struct Six(float A, float B, float C, float D, float E, float F);

    /// <summary>U of one pair of channels. Backward reads the kernel rotated by 180 degrees, in and out exchanged.</summary>
    internal static void KernelsKernel(
        Index1D index, ArrayView<float> kernel, ArrayView<float> u, int depth, int columns, Direction direction)
    {
        int pairs = depth * columns;
        int from = direction == Direction.Backward ? ((index % columns) * depth) + (index / columns) : index;
        int tap = direction == Direction.Backward ? -pairs : pairs;
        from += direction == Direction.Backward ? 8 * pairs : 0;
        Six c0 = TransformKernel(kernel[from], kernel[from + (3 * tap)], kernel[from + (6 * tap)]);
        Six c1 = TransformKernel(kernel[from + tap], kernel[from + (4 * tap)], kernel[from + (7 * tap)]);
        Six c2 = TransformKernel(kernel[from + (2 * tap)], kernel[from + (5 * tap)], kernel[from + (8 * tap)]);
        Store(u, index, pairs, TransformKernel(c0.A, c1.A, c2.A));
        Store(u, index + (6 * pairs), pairs, TransformKernel(c0.B, c1.B, c2.B));
        Store(u, index + (12 * pairs), pairs, TransformKernel(c0.C, c1.C, c2.C));
        Store(u, index + (18 * pairs), pairs, TransformKernel(c0.D, c1.D, c2.D));
        Store(u, index + (24 * pairs), pairs, TransformKernel(c0.E, c1.E, c2.E));
        Store(u, index + (30 * pairs), pairs, TransformKernel(c0.F, c1.F, c2.F));
    }

    /// <summary>V of one tile and channel of a picture.</summary>
    internal static void InputsKernel(Index1D index, ArrayView<float> input, ArrayView<float> v, Tiles tiles, ConvSizes sizes)
    {
        int channels = sizes.InChannels;
        int c = index % channels;
        int top = tiles.Top(index / channels) - 1;
        int left = tiles.Left(index / channels) - 1;
        Six c0 = Column(input, top, left, c, sizes);
        Six c1 = Column(input, top, left + 1, c, sizes);
        Six c2 = Column(input, top, left + 2, c, sizes);
        Six c3 = Column(input, top, left + 3, c, sizes);
        Six c4 = Column(input, top, left + 4, c, sizes);
        Six c5 = Column(input, top, left + 5, c, sizes);
        StoreRows(v, index, tiles.Count * channels, c0, c1, c2, c3, c4, c5);
    }

    /// <summary>V of one tile and channel of a gradient, which passes where the gate's bit is set; with pooling it is the pooled one.</summary>
    internal static void GradientsKernel(
        Index1D index, ArrayView<float> gradOutput, ArrayView<uint> gate, ArrayView<float> v, Tiles tiles, ConvSizes sizes, ConvEnd end)
    {
        int channels = sizes.OutChannels;
        int c = index % channels;
        int top = tiles.Top(index / channels) - 1;
        int left = tiles.Left(index / channels) - 1;
        Six c0 = GradientColumn(gradOutput, gate, top, left, c, sizes, end);
        Six c1 = GradientColumn(gradOutput, gate, top, left + 1, c, sizes, end);
        Six c2 = GradientColumn(gradOutput, gate, top, left + 2, c, sizes, end);
        Six c3 = GradientColumn(gradOutput, gate, top, left + 3, c, sizes, end);
        Six c4 = GradientColumn(gradOutput, gate, top, left + 4, c, sizes, end);
        Six c5 = GradientColumn(gradOutput, gate, top, left + 5, c, sizes, end);
        StoreRows(v, index, tiles.Count * channels, c0, c1, c2, c3, c4, c5);
    }

    /// <summary>dx of one tile and channel.</summary>
    internal static void GradientOutputsKernel(
        Index1D index, ArrayView<float> m, ArrayView<float> gradInput, Tiles tiles, ConvSizes sizes, float beta)
    {
        int channels = sizes.InChannels;
        int c = index % channels;
        int top = tiles.Top(index / channels);
        int left = tiles.Left(index / channels);
        int point = tiles.Count * channels;
        Float4 h0 = OutputColumn(m, index, point);
        Float4 h1 = OutputColumn(m, index + point, point);
        Float4 h2 = OutputColumn(m, index + (2 * point), point);
        Float4 h3 = OutputColumn(m, index + (3 * point), point);
        Float4 h4 = OutputColumn(m, index + (4 * point), point);
        Float4 h5 = OutputColumn(m, index + (5 * point), point);
        StoreRow(gradInput, TransformOutput(h0.X, h1.X, h2.X, h3.X, h4.X, h5.X), top, left, c, channels, sizes, beta);
        StoreRow(gradInput, TransformOutput(h0.Y, h1.Y, h2.Y, h3.Y, h4.Y, h5.Y), top + 1, left, c, channels, sizes, beta);
        StoreRow(gradInput, TransformOutput(h0.Z, h1.Z, h2.Z, h3.Z, h4.Z, h5.Z), top + 2, left, c, channels, sizes, beta);
        StoreRow(gradInput, TransformOutput(h0.W, h1.W, h2.W, h3.W, h4.W, h5.W), top + 3, left, c, channels, sizes, beta);
    }

    /// <summary>
    /// y of <see cref="GroupTiles"/> tiles and 32 channels by one group, with bias, ReLU and pooling. A work item computes
    /// the 16 pixels of its tile and channel; the 32 channels' gate bits meet in shared memory, and 16 of the work items
    /// write a word each.
    /// </summary>
    [GroupItems(GroupChannels * GroupTiles)]
    internal static void OutputsKernel(
        ArrayView<float> m, ArrayView<float> bias, ArrayView<float> output, ArrayView<uint> gate, Tiles tiles, ConvSizes sizes, ConvEnd end)
    {
        ArrayView<uint> bits = SharedMemory.Allocate<uint>(GroupChannels * GroupTiles);
        int channels = sizes.OutChannels;
        int lane = Group.IdxX;
        int c = (Grid.IdxY * GroupChannels) + lane;
        int tile = (Grid.IdxX * GroupTiles) + Group.IdxY;
        int top = tiles.Top(tile);
        int left = tiles.Left(tile);
        uint open = 0u;
        if (tile < tiles.Count && c < channels)
        {
            int point = tiles.Count * channels;
            int from = (tile * channels) + c;
            Float4 h0 = OutputColumn(m, from, point);
            Float4 h1 = OutputColumn(m, from + point, point);
            Float4 h2 = OutputColumn(m, from + (2 * point), point);
            Float4 h3 = OutputColumn(m, from + (3 * point), point);
            Float4 h4 = OutputColumn(m, from + (4 * point), point);
            Float4 h5 = OutputColumn(m, from + (5 * point), point);
            Float4 offset = Float4.Broadcast(bias[c]);
            Float4 y0 = WindowEnd.Activate(TransformOutput(h0.X, h1.X, h2.X, h3.X, h4.X, h5.X) + offset, end);
            Float4 y1 = WindowEnd.Activate(TransformOutput(h0.Y, h1.Y, h2.Y, h3.Y, h4.Y, h5.Y) + offset, end);
            Float4 y2 = WindowEnd.Activate(TransformOutput(h0.Z, h1.Z, h2.Z, h3.Z, h4.Z, h5.Z) + offset, end);
            Float4 y3 = WindowEnd.Activate(TransformOutput(h0.W, h1.W, h2.W, h3.W, h4.W, h5.W) + offset, end);
            if (end.Pooling == Pooling.None)
            {
                StoreRow(output, y0, top, left, c, channels, sizes, 0f);
                StoreRow(output, y1, top + 1, left, c, channels, sizes, 0f);
                StoreRow(output, y2, top + 2, left, c, channels, sizes, 0f);
                StoreRow(output, y3, top + 3, left, c, channels, sizes, 0f);
                open = Bits(y0) | (Bits(y1) << 4) | (Bits(y2) << 8) | (Bits(y3) << 12);
            }
            else
            {
                open = StoreWindow(output, y0.X, y0.Y, y1.X, y1.Y, top, left, c, channels, sizes, end)
                    | (StoreWindow(output, y0.Z, y0.W, y1.Z, y1.W, top, left + 2, c, channels, sizes, end) << 2)
                    | (StoreWindow(output, y2.X, y2.Y, y3.X, y3.Y, top + 2, left, c, channels, sizes, end) << 8)
                    | (StoreWindow(output, y2.Z, y2.W, y3.Z, y3.W, top + 2, left + 2, c, channels, sizes, end) << 10);
            }
        }

        bits[(Group.IdxY * GroupChannels) + lane] = open;
        Group.Barrier();
        int row = top + (lane / 4);
        int column = left + (lane % 4);
        if (end.Gate == GateUse.Used && lane < 16 && tile < tiles.Count && row < sizes.Height && column < sizes.Width)
        {
            uint word = 0u;
            for (int other = 0; other < GroupChannels; other++)
                word |= ((bits[(Group.IdxY * GroupChannels) + other] >> lane) & 1u) << other;
            gate[(((row * sizes.Width) + column) * ((channels + 31) / 32)) + Grid.IdxY] = word;
        }
    }

    /// <summary>Whether a convolution goes this way.</summary>
    public static bool Fits(Conv3x3Shape shape) => shape.Padding == Padding.Zero && Math.Min(shape.InChannels, shape.OutChannels) >= 8;

    /// <inheritdoc cref="Conv3x3Op.Forward"/>
    public static void Forward(ComputeDevice device, Conv3x3Op.ForwardArguments a)
    {
        (Conv3x3Shape shape, int columns) = (a.Shape, a.Shape.OutChannels);
        ConvEnd end = shape.End(a.Gate.IsValid);
        Convolve(
            device, a.Weights, shape, Direction.Forward,
            (v, tiles) => device.Launch(InputsKernel, (long)tiles.Count * shape.InChannels, a.Input, v, tiles, shape.Sizes),
            (m, tiles) => device.LaunchGrouped(OutputsKernel, OutputsGrid(tiles, columns), m, a.Weights.Bias, a.Output, a.Gate, tiles, shape.Sizes, end));
    }

    /// <inheritdoc cref="Conv3x3Op.BackwardData"/>
    public static void BackwardData(ComputeDevice device, Conv3x3Op.BackwardDataArguments a)
    {
        Conv3x3Shape shape = a.Shape;
        ConvEnd end = shape.End(a.Gate.IsValid);
        Convolve(
            device, a.Weights, shape, Direction.Backward,
            (v, tiles) => device.Launch(GradientsKernel, (long)tiles.Count * shape.OutChannels, a.GradOutput, a.Gate, v, tiles, shape.Sizes, end),
            (m, tiles) => device.Launch(
                GradientOutputsKernel, (long)tiles.Count * shape.InChannels, m, a.GradInput, tiles, shape.Sizes, a.Beta));
    }

    /// <summary>Bytes of U, and of V and M of a portion.</summary>
    public static long[] Workspace(Conv3x3Shape shape, bool backward)
    {
        (int depth, int columns) = backward ? (shape.OutChannels, shape.InChannels) : (shape.InChannels, shape.OutChannels);
        long portion = Portion((shape.Width + 3) / 4 * ((shape.Height + 3) / 4), depth + columns), point = sizeof(float) * Points;
        return [point * depth * columns, point * portion * depth, point * portion * columns];
    }

    /// <summary>Groups of <see cref="OutputsKernel"/>: tiles along X, which are many.</summary>
    internal static KernelConfig OutputsGrid(Tiles tiles, int channels) => new(
        new Index3D((tiles.Count + GroupTiles - 1) / GroupTiles, (channels + GroupChannels - 1) / GroupChannels, 1),
        new Index3D(GroupChannels, GroupTiles, 1));

    private static int Portion(int tiles, int channels)
    {
        int portion = (int)Math.Clamp(PortionBytes / (sizeof(float) * Points * channels), 64, tiles + 63);
        return Math.Min(portion / 64 * 64, tiles);
    }

    private static void Convolve(
        ComputeDevice device, Conv3x3Weights weights, Conv3x3Shape shape, Direction direction, Action<ArrayView<float>, Tiles> transformInputs,
        Action<ArrayView<float>, Tiles> transformOutputs)
    {
        (int depth, int columns) = direction == Direction.Backward
            ? (shape.OutChannels, shape.InChannels) : (shape.InChannels, shape.OutChannels);
        int across = (shape.Width + 3) / 4, all = across * ((shape.Height + 3) / 4);
        int portion = Portion(all, depth + columns);
        using DeviceBuffer<float> u = device.Allocate<float>((long)Points * depth * columns);
        using DeviceBuffer<float> v = device.Allocate<float>((long)Points * portion * depth);
        using DeviceBuffer<float> m = device.Allocate<float>((long)Points * portion * columns);
        device.Launch(KernelsKernel, (long)depth * columns, weights.Kernel, u.View, depth, columns, direction);
        for (int first = 0; first < all; first += portion)
        {
            var tiles = new Tiles(first, Math.Min(portion, all - first), across);
            transformInputs(v.View, tiles);
            MatrixProductOp.Run(device, v.View, u.View, m.View, ProductShape(tiles.Count, depth, columns), 1f, 0f);
            transformOutputs(m.View, tiles);
        }
    }

    /// <summary>The 36 products of so many tiles.</summary>
    internal static MultiplyShape ProductShape(int tiles, int depth, int columns) => new(
        tiles, columns, depth, Points, Points * depth, tiles * depth, depth, 1, depth * columns, columns, tiles * columns);

    /// <summary>G g in one dimension.</summary>
    private static Six TransformKernel(float g0, float g1, float g2) => new(
        0.25f * g0,
        (g0 + g1 + g2) * (-1f / 6f),
        (g0 - g1 + g2) * (-1f / 6f),
        (g0 * (1f / 24f)) + (g1 * (1f / 12f)) + (g2 * (1f / 6f)),
        (g0 * (1f / 24f)) - (g1 * (1f / 12f)) + (g2 * (1f / 6f)),
        g2);

    /// <summary>Bᵀ d in one dimension.</summary>
    private static Six TransformInput(float d0, float d1, float d2, float d3, float d4, float d5) => new(
        (4f * d0) - (5f * d2) + d4,
        (d4 - (4f * d2)) + (d3 - (4f * d1)),
        (d4 - (4f * d2)) - (d3 - (4f * d1)),
        (d4 - d2) + (2f * (d3 - d1)),
        (d4 - d2) - (2f * (d3 - d1)),
        (4f * d1) - (5f * d3) + d5);

    /// <summary>Aᵀ m in one dimension.</summary>
    private static Float4 TransformOutput(float m0, float m1, float m2, float m3, float m4, float m5) => new(
        m0 + (m1 + m2) + (m3 + m4),
        (m1 - m2) + (2f * (m3 - m4)),
        (m1 + m2) + (4f * (m3 + m4)),
        (m1 - m2) + (8f * (m3 - m4)) + m5);

    private static void Store(ArrayView<float> to, int at, int stride, Six values)
    {
        to[at] = values.A;
        to[at + stride] = values.B;
        to[at + (2 * stride)] = values.C;
        to[at + (3 * stride)] = values.D;
        to[at + (4 * stride)] = values.E;
        to[at + (5 * stride)] = values.F;
    }

    /// <summary>V from its columns.</summary>
    private static void StoreRows(ArrayView<float> v, int at, int point, Six c0, Six c1, Six c2, Six c3, Six c4, Six c5)
    {
        Store(v, at, point, TransformInput(c0.A, c1.A, c2.A, c3.A, c4.A, c5.A));
        Store(v, at + (6 * point), point, TransformInput(c0.B, c1.B, c2.B, c3.B, c4.B, c5.B));
        Store(v, at + (12 * point), point, TransformInput(c0.C, c1.C, c2.C, c3.C, c4.C, c5.C));
        Store(v, at + (18 * point), point, TransformInput(c0.D, c1.D, c2.D, c3.D, c4.D, c5.D));
        Store(v, at + (24 * point), point, TransformInput(c0.E, c1.E, c2.E, c3.E, c4.E, c5.E));
        Store(v, at + (30 * point), point, TransformInput(c0.F, c1.F, c2.F, c3.F, c4.F, c5.F));
    }

    private static Six Column(ArrayView<float> input, int top, int column, int c, ConvSizes sizes) => TransformInput(
        Fetch(input, top, column, c, sizes), Fetch(input, top + 1, column, c, sizes), Fetch(input, top + 2, column, c, sizes),
        Fetch(input, top + 3, column, c, sizes), Fetch(input, top + 4, column, c, sizes), Fetch(input, top + 5, column, c, sizes));

    private static Six GradientColumn(
        ArrayView<float> gradOutput, ArrayView<uint> gate, int top, int column, int c, ConvSizes sizes, ConvEnd end) => TransformInput(
        FetchGradient(gradOutput, gate, top, column, c, sizes, end), FetchGradient(gradOutput, gate, top + 1, column, c, sizes, end),
        FetchGradient(gradOutput, gate, top + 2, column, c, sizes, end), FetchGradient(gradOutput, gate, top + 3, column, c, sizes, end),
        FetchGradient(gradOutput, gate, top + 4, column, c, sizes, end), FetchGradient(gradOutput, gate, top + 5, column, c, sizes, end));

    private static Float4 OutputColumn(ArrayView<float> m, int from, int point) => TransformOutput(
        m[from], m[from + (6 * point)], m[from + (12 * point)], m[from + (18 * point)], m[from + (24 * point)], m[from + (30 * point)]);

    /// <summary>An element of a picture, 0 outside.</summary>
    private static float Fetch(ArrayView<float> input, int row, int column, int c, ConvSizes sizes)
    {
        float value = 0f;
        if (row >= 0 && row < sizes.Height && column >= 0 && column < sizes.Width)
            value = input[(((row * sizes.Width) + column) * sizes.InChannels) + c];
        return value;
    }

    /// <summary>An element of dz: 0 outside the picture or where the gate is shut.</summary>
    private static float FetchGradient(
        ArrayView<float> gradOutput, ArrayView<uint> gate, int row, int column, int c, ConvSizes sizes, ConvEnd end)
    {
        float value = 0f;
        if (row >= 0 && row < sizes.Height && column >= 0 && column < sizes.Width)
        {
            int pixel = (row * sizes.Width) + column;
            bool open = true;
            if (end.Gate == GateUse.Used) open = ((gate[(pixel * ((sizes.OutChannels + 31) / 32)) + (c / 32)] >> (c % 32)) & 1u) != 0u;
            if (open)
            {
                int from = end.Pooling == Pooling.None ? pixel : ((row / 2) * end.OutWidth) + (column / 2);
                value = gradOutput[(from * sizes.OutChannels) + c];
                if (end.Pooling == Pooling.Average)
                    value /= ((row | 1) < sizes.Height ? 2 : 1) * ((column | 1) < sizes.Width ? 2 : 1);
            }
        }

        return value;
    }

    /// <summary>A gate bit for each of four pixels.</summary>
    private static uint Bits(Float4 y) => WindowEnd.Positive(y.X, y.Y, y.Z, y.W);

    /// <summary>Four pixels of a row, those that exist.</summary>
    private static void StoreRow(
        ArrayView<float> output, Float4 y, int row, int column, int c, int channels, ConvSizes sizes, float beta)
    {
        if (row < sizes.Height)
        {
            int at = (((row * sizes.Width) + column) * channels) + c;
            Accumulate.Into(ref output[at], y.X, beta);
            if (column + 1 < sizes.Width) Accumulate.Into(ref output[at + channels], y.Y, beta);
            if (column + 2 < sizes.Width) Accumulate.Into(ref output[at + (2 * channels)], y.Z, beta);
            if (column + 3 < sizes.Width) Accumulate.Into(ref output[at + (3 * channels)], y.W, beta);
        }
    }

    /// <summary>Pools the window whose upper left pixel is (row, column); its gate bits, 0 and 1 above 4 and 5.</summary>
    private static uint StoreWindow(
        ArrayView<float> output, float y0, float y1, float y2, float y3, int row, int column, int c, int channels, ConvSizes sizes, ConvEnd end)
    {
        uint open = 0u;
        if (row / 2 < end.OutHeight && column / 2 < end.OutWidth)
        {
            bool right = column + 1 < sizes.Width;
            bool lower = row + 1 < sizes.Height;
            WindowEnd.Pooled pooled = WindowEnd.Pool(y0, y1, y2, y3, right, lower, end.Pooling);
            output[((((row / 2) * end.OutWidth) + (column / 2)) * channels) + c] = pooled.Value;
            open = (pooled.Open & 3u) | ((pooled.Open & 12u) << 2);
        }

        return open;
    }
}
