using ILGPU;
using ILGPU.Runtime;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Memory;
using NativeStyle.Kernels.Operators.MatrixProduct;
using NativeStyle.Kernels.Translation;

namespace NativeStyle.Kernels.Operators.Conv3x3;

/// <summary>
/// Winograd's F(4x4, 3x3) for GPUs: the mathematics of <see cref="WinogradCpu"/> as four kernels.
/// <code>
///   U = G g Gᵀ  (36, in, out)     V = Bᵀ d B  (36, tiles, in)     M = V U  (36, tiles, out)     Y = Aᵀ M A
/// </code>
/// U is computed again in each pass (a thousandth of the time of the products). V and M take 2.25 times the maps'
/// memory, so tiles come in portions that keep both below <see cref="PortionBytes"/>. A work item transforms four
/// channels, which it reads and writes together if they are aligned to 16 bytes. Bias, ReLU, gate bits and pooling are
/// done while the outputs are written, gate and pooling's backward while the inputs are read.
/// </summary>
internal static class WinogradGpu
{
    private const int Points = 36;

    /// <summary>Quads of channels of a group of <see cref="OutputsKernel"/>: the bits of a gate word.</summary>
    private const int GroupQuads = 8;

    /// <summary>Tiles of a group of <see cref="OutputsKernel"/>.</summary>
    private const int GroupTiles = 16;

    /// <summary>The most bytes of V and M of a portion of tiles.</summary>
    private const long PortionBytes = 512L << 20;

    /// <summary>A portion of a picture's tiles.</summary>
    /// <param name="First">The first tile, counted over the whole picture.</param>
    /// <param name="Count">The number of tiles.</param>
    /// <param name="Across">Tiles of a row of the picture.</param>
    /// <param name="Width">How a kernel reads and writes its channels.</param>
    internal readonly record struct Tiles(int First, int Count, int Across, LoadWidth Width = LoadWidth.Scalar)
    {
        /// <summary>The first row of a tile of the portion.</summary>
        public int Top(int tile) => (First + tile) / Across * 4;

        /// <summary>The first column of a tile of the portion.</summary>
        public int Left(int tile) => (First + tile) % Across * 4;
    }

    /// <summary>
    /// Six numbers for each of four channels, in registers: ILGPU puts arrays that are indexed at run time into memory.
    /// </summary>
    private readonly record struct Six(Float4 A, Float4 B, Float4 C, Float4 D, Float4 E, Float4 F);

    /// <summary>Four numbers for each of four channels.</summary>
    private readonly record struct Four(Float4 A, Float4 B, Float4 C, Float4 D);

    /// <summary>
    /// Computes U of four pairs of channels. Backward reads the filter rotated by 180 degrees, with in and out
    /// exchanged.
    /// </summary>
    internal static void FiltersKernel(
        Index1D index,
        ArrayView<float> filter,
        ArrayView<float> u,
        int depth,
        int columns,
        Direction direction,
        LoadWidth width)
    {
        int row = index / QuadsOf(columns);
        int column = index % QuadsOf(columns) * 4;
        int room = columns - column;
        int pairs = depth * columns;
        bool backward = direction == Direction.Backward;
        // The offset of the first tap, the stride from tap to tap, and the stride from column to column.
        int from = backward ? (8 * pairs) + (column * depth) + row : (row * columns) + column;
        int tap = backward ? -pairs : pairs;
        int step = backward ? depth : 1;
        Six c0 = FilterColumn(filter, from, tap, step, room, width);
        Six c1 = FilterColumn(filter, from + tap, tap, step, room, width);
        Six c2 = FilterColumn(filter, from + (2 * tap), tap, step, room, width);
        int at = (row * columns) + column;
        Store(u, at, pairs, room, width, TransformFilter(c0.A, c1.A, c2.A));
        Store(u, at + (6 * pairs), pairs, room, width, TransformFilter(c0.B, c1.B, c2.B));
        Store(u, at + (12 * pairs), pairs, room, width, TransformFilter(c0.C, c1.C, c2.C));
        Store(u, at + (18 * pairs), pairs, room, width, TransformFilter(c0.D, c1.D, c2.D));
        Store(u, at + (24 * pairs), pairs, room, width, TransformFilter(c0.E, c1.E, c2.E));
        Store(u, at + (30 * pairs), pairs, room, width, TransformFilter(c0.F, c1.F, c2.F));
    }

    /// <summary>Computes V of one tile and four channels of a picture.</summary>
    internal static void InputsKernel(
        Index1D index, ArrayView<float> input, ArrayView<float> v, Tiles tiles, ConvSizes sizes)
    {
        int channels = sizes.InChannels;
        int tile = index / QuadsOf(channels);
        int c = index % QuadsOf(channels) * 4;
        int top = tiles.Top(tile) - 1;
        int left = tiles.Left(tile) - 1;
        Six c0 = Column(input, top, left, c, sizes, tiles.Width);
        Six c1 = Column(input, top, left + 1, c, sizes, tiles.Width);
        Six c2 = Column(input, top, left + 2, c, sizes, tiles.Width);
        Six c3 = Column(input, top, left + 3, c, sizes, tiles.Width);
        Six c4 = Column(input, top, left + 4, c, sizes, tiles.Width);
        Six c5 = Column(input, top, left + 5, c, sizes, tiles.Width);
        StoreRows(v, (tile * channels) + c, tiles.Count * channels, channels - c, tiles.Width, c0, c1, c2, c3, c4, c5);
    }

    /// <summary>
    /// Computes V of one tile and four channels of a gradient, which passes where the gate's bit is set. With pooling
    /// the gradient is the pooled one.
    /// </summary>
    internal static void GradientsKernel(
        Index1D index,
        ArrayView<float> gradOutput,
        ArrayView<uint> gate,
        ArrayView<float> v,
        Tiles tiles,
        ConvSizes sizes,
        ConvEnd end)
    {
        int channels = sizes.OutChannels;
        int tile = index / QuadsOf(channels);
        int c = index % QuadsOf(channels) * 4;
        int top = tiles.Top(tile) - 1;
        int left = tiles.Left(tile) - 1;
        var gradient = new GradientQuads(gradOutput, gate, sizes, end, tiles.Width);
        Six c0 = GradientColumn(gradient, top, left, c);
        Six c1 = GradientColumn(gradient, top, left + 1, c);
        Six c2 = GradientColumn(gradient, top, left + 2, c);
        Six c3 = GradientColumn(gradient, top, left + 3, c);
        Six c4 = GradientColumn(gradient, top, left + 4, c);
        Six c5 = GradientColumn(gradient, top, left + 5, c);
        StoreRows(v, (tile * channels) + c, tiles.Count * channels, channels - c, tiles.Width, c0, c1, c2, c3, c4, c5);
    }

    /// <summary>Computes dx of one tile and four channels.</summary>
    internal static void GradientOutputsKernel(
        Index1D index, ArrayView<float> m, ArrayView<float> gradInput, Tiles tiles, ConvSizes sizes, float beta)
    {
        int channels = sizes.InChannels;
        int tile = index / QuadsOf(channels);
        int c = index % QuadsOf(channels) * 4;
        int top = tiles.Top(tile);
        int left = tiles.Left(tile);
        int from = (tile * channels) + c;
        int point = tiles.Count * channels;
        int room = channels - c;
        Four h0 = OutputColumn(m, from, point, room, tiles.Width);
        Four h1 = OutputColumn(m, from + point, point, room, tiles.Width);
        Four h2 = OutputColumn(m, from + (2 * point), point, room, tiles.Width);
        Four h3 = OutputColumn(m, from + (3 * point), point, room, tiles.Width);
        Four h4 = OutputColumn(m, from + (4 * point), point, room, tiles.Width);
        Four h5 = OutputColumn(m, from + (5 * point), point, room, tiles.Width);
        Four y0 = TransformOutput(h0.A, h1.A, h2.A, h3.A, h4.A, h5.A);
        StoreRow(gradInput, y0, top, left, c, channels, sizes, tiles.Width, beta);
        Four y1 = TransformOutput(h0.B, h1.B, h2.B, h3.B, h4.B, h5.B);
        StoreRow(gradInput, y1, top + 1, left, c, channels, sizes, tiles.Width, beta);
        Four y2 = TransformOutput(h0.C, h1.C, h2.C, h3.C, h4.C, h5.C);
        StoreRow(gradInput, y2, top + 2, left, c, channels, sizes, tiles.Width, beta);
        Four y3 = TransformOutput(h0.D, h1.D, h2.D, h3.D, h4.D, h5.D);
        StoreRow(gradInput, y3, top + 3, left, c, channels, sizes, tiles.Width, beta);
    }

    /// <summary>
    /// Computes y of <see cref="GroupTiles"/> tiles and 32 channels by one group, with bias, ReLU and pooling. A work
    /// item computes the four windows of its tile and four channels. The 32 channels' gate bits meet in shared memory,
    /// where each work item then makes two words of them.
    /// </summary>
    [GroupItems(GroupQuads * GroupTiles)]
    internal static void OutputsKernel(
        ArrayView<float> m,
        ArrayView<float> bias,
        ArrayView<float> output,
        ArrayView<uint> gate,
        Tiles tiles,
        ConvSizes sizes,
        ConvEnd end)
    {
        // Holds for each window of a tile and quad of channels a bit for each pixel of each channel.
        ArrayView<uint> opens = SharedMemory.Allocate<uint>(4 * GroupTiles * GroupQuads);
        int channels = sizes.OutChannels;
        int c = ((Grid.IdxY * GroupQuads) + Group.IdxX) * 4;
        int tile = (Grid.IdxX * GroupTiles) + Group.IdxY;
        int top = tiles.Top(tile);
        int left = tiles.Left(tile);
        int room = channels - c;
        int ofTile = Group.IdxY * 4 * GroupQuads;
        if (tile < tiles.Count && room > 0)
        {
            int point = tiles.Count * channels;
            int from = (tile * channels) + c;
            Four h0 = OutputColumn(m, from, point, room, tiles.Width);
            Four h1 = OutputColumn(m, from + point, point, room, tiles.Width);
            Four h2 = OutputColumn(m, from + (2 * point), point, room, tiles.Width);
            Four h3 = OutputColumn(m, from + (3 * point), point, room, tiles.Width);
            Four h4 = OutputColumn(m, from + (4 * point), point, room, tiles.Width);
            Four h5 = OutputColumn(m, from + (5 * point), point, room, tiles.Width);
            var target = new WindowOutput(bias, output, gate, sizes, end, tiles.Width);
            Four y0 = TransformOutput(h0.A, h1.A, h2.A, h3.A, h4.A, h5.A);
            Four y1 = TransformOutput(h0.B, h1.B, h2.B, h3.B, h4.B, h5.B);
            int at = ofTile + Group.IdxX;
            opens[at] = target.Store(top, left, c, y0.A, y0.B, y1.A, y1.B);
            opens[at + GroupQuads] = target.Store(top, left + 2, c, y0.C, y0.D, y1.C, y1.D);
            Four y2 = TransformOutput(h0.C, h1.C, h2.C, h3.C, h4.C, h5.C);
            Four y3 = TransformOutput(h0.D, h1.D, h2.D, h3.D, h4.D, h5.D);
            opens[at + (2 * GroupQuads)] = target.Store(top + 2, left, c, y2.A, y2.B, y3.A, y3.B);
            opens[at + (3 * GroupQuads)] = target.Store(top + 2, left + 2, c, y2.C, y2.D, y3.C, y3.D);
        }
        else
        {
            for (int window = 0; window < 4; window++) opens[ofTile + (window * GroupQuads) + Group.IdxX] = 0u;
        }

        Group.Barrier();
        if (end.Gate == GateUse.Used && tile < tiles.Count)
        {
            for (int pixel = Group.IdxX; pixel < 16; pixel += GroupQuads)
            {
                int window = pixel / 4;
                int row = top + (window / 2 * 2) + (pixel % 4 / 2);
                int column = left + (window % 2 * 2) + (pixel % 2);
                if (row < sizes.Height && column < sizes.Width)
                {
                    gate[(((row * sizes.Width) + column) * ((channels + 31) / 32)) + Grid.IdxY] =
                        WindowOutput.GateWord(opens, ofTile + (window * GroupQuads), pixel % 4);
                }
            }
        }
    }

    /// <summary>Whether this form takes a convolution.</summary>
    public static bool Fits(Conv3x3Shape shape) =>
        shape.Padding == Padding.Zero && Math.Min(shape.InChannels, shape.OutChannels) >= 8;

    /// <inheritdoc cref="Conv3x3Op.Forward"/>
    public static void Forward(ComputeDevice device, Conv3x3Op.ForwardArguments a)
    {
        (Conv3x3Shape shape, int columns) = (a.Shape, a.Shape.OutChannels);
        ConvEnd end = shape.End(a.Gate.IsValid);
        Convolve(
            device, a.Weights, shape, Direction.Forward,
            (v, tiles) => device.Launch(
                InputsKernel, (long)tiles.Count * QuadsOf(shape.InChannels), a.Input, v,
                tiles with { Width = WidthOf(a.Input, shape.InChannels) }, shape.Sizes),
            (m, tiles) => device.LaunchGrouped(
                OutputsKernel, OutputsGrid(tiles, columns), m, a.Weights.Bias, a.Output, a.Gate,
                tiles with { Width = WidthOf(a.Output, columns) }, shape.Sizes, end));
    }

    /// <inheritdoc cref="Conv3x3Op.BackwardData"/>
    public static void BackwardData(ComputeDevice device, Conv3x3Op.BackwardDataArguments a)
    {
        Conv3x3Shape shape = a.Shape;
        ConvEnd end = shape.End(a.Gate.IsValid);
        Convolve(
            device, a.Weights, shape, Direction.Backward,
            (v, tiles) => device.Launch(
                GradientsKernel, (long)tiles.Count * QuadsOf(shape.OutChannels), a.GradOutput, a.Gate, v,
                tiles with { Width = WidthOf(a.GradOutput, shape.OutChannels) }, shape.Sizes, end),
            (m, tiles) => device.Launch(
                GradientOutputsKernel, (long)tiles.Count * QuadsOf(shape.InChannels), m, a.GradInput,
                tiles with { Width = WidthOf(a.GradInput, shape.InChannels) }, shape.Sizes, a.Beta));
    }

    /// <summary>The groups of <see cref="OutputsKernel"/>; the tiles, which are many, lie along X.</summary>
    internal static KernelConfig OutputsGrid(Tiles tiles, int channels) => new(
        new Index3D((tiles.Count + GroupTiles - 1) / GroupTiles, (QuadsOf(channels) + GroupQuads - 1) / GroupQuads, 1),
        new Index3D(GroupQuads, GroupTiles, 1));

    /// <summary>Quads of channels; the last may have fewer than four.</summary>
    private static int QuadsOf(int channels) => (channels + 3) / 4;

    private static LoadWidth WidthOf(ArrayView<float> view, int channels) =>
        MatrixOperand.WidthOf(view.StartsAt16Bytes, channels, 0, 0);

    private static int Portion(int tiles, int channels)
    {
        int portion = (int)Math.Clamp(PortionBytes / (sizeof(float) * Points * channels), 64, tiles + 63);
        return Math.Min(portion / 64 * 64, tiles);
    }

    private static void Convolve(
        ComputeDevice device, Conv3x3Weights weights, Conv3x3Shape shape, Direction direction,
        Action<ArrayView<float>, Tiles> transformInputs,
        Action<ArrayView<float>, Tiles> transformOutputs)
    {
        (int depth, int columns) = direction == Direction.Backward
            ? (shape.OutChannels, shape.InChannels) : (shape.InChannels, shape.OutChannels);
        int across = (shape.Width + 3) / 4, all = across * ((shape.Height + 3) / 4);
        int portion = Portion(all, depth + columns);
        using DeviceBuffer<float> u = device.Allocate<float>((long)Points * depth * columns);
        using DeviceBuffer<float> v = device.Allocate<float>((long)Points * portion * depth);
        using DeviceBuffer<float> m = device.Allocate<float>((long)Points * portion * columns);
        device.Launch(
            FiltersKernel, (long)depth * QuadsOf(columns), weights.Filter, u.View, depth, columns, direction,
            WidthOf(weights.Filter, columns));
        for (int first = 0; first < all; first += portion)
        {
            var tiles = new Tiles(first, Math.Min(portion, all - first), across);
            transformInputs(v.View, tiles);
            MatrixProductOp.Run(device, v.View, u.View, m.View, ProductShape(tiles.Count, depth, columns), 1f, 0f);
            transformOutputs(m.View, tiles);
        }
    }

    /// <summary>The 36 products of the given number of tiles.</summary>
    internal static MultiplyShape ProductShape(int tiles, int depth, int columns) => new(
        tiles, columns, depth, Points, Points * depth, tiles * depth, depth, 1, depth * columns, columns,
        tiles * columns);

    /// <summary>G g in one dimension.</summary>
    private static Six TransformFilter(Float4 g0, Float4 g1, Float4 g2) => new(
        0.25f * g0,
        (-1f / 6f) * (g0 + g1 + g2),
        (-1f / 6f) * (g0 - g1 + g2),
        ((1f / 24f) * g0) + ((1f / 12f) * g1) + ((1f / 6f) * g2),
        ((1f / 24f) * g0) - ((1f / 12f) * g1) + ((1f / 6f) * g2),
        g2);

    /// <summary>Bᵀ d in one dimension.</summary>
    private static Six TransformInput(Float4 d0, Float4 d1, Float4 d2, Float4 d3, Float4 d4, Float4 d5) => new(
        (4f * d0) - (5f * d2) + d4,
        (d4 - (4f * d2)) + (d3 - (4f * d1)),
        (d4 - (4f * d2)) - (d3 - (4f * d1)),
        (d4 - d2) + (2f * (d3 - d1)),
        (d4 - d2) - (2f * (d3 - d1)),
        (4f * d1) - (5f * d3) + d5);

    /// <summary>Aᵀ m in one dimension.</summary>
    private static Four TransformOutput(Float4 m0, Float4 m1, Float4 m2, Float4 m3, Float4 m4, Float4 m5) => new(
        m0 + (m1 + m2) + (m3 + m4),
        (m1 - m2) + (2f * (m3 - m4)),
        (m1 + m2) + (4f * (m3 + m4)),
        (m1 - m2) + (8f * (m3 - m4)) + m5);

    /// <summary>Transforms a column of three taps of the filter.</summary>
    private static Six FilterColumn(
        ArrayView<float> filter, int from, int tap, int step, int room, LoadWidth width) => TransformFilter(
        FilterQuad(filter, from, step, room, width),
        FilterQuad(filter, from + (3 * tap), step, room, width),
        FilterQuad(filter, from + (6 * tap), step, room, width));

    private static Float4 FilterQuad(ArrayView<float> filter, int at, int step, int room, LoadWidth width)
    {
        Float4 quad = Float4.Broadcast(0f);
        if (step == 1)
        {
            quad = Quads.Load(filter, at, room, width);
        }
        else
        {
            float second = room > 1 ? filter[at + step] : 0f;
            float third = room > 2 ? filter[at + (2 * step)] : 0f;
            float fourth = room > 3 ? filter[at + (3 * step)] : 0f;
            quad = new Float4(filter[at], second, third, fourth);
        }

        return quad;
    }

    private static void Store(ArrayView<float> to, int at, int stride, int room, LoadWidth width, Six values)
    {
        Quads.Accumulate(to, at, room, values.A, width, 0f);
        Quads.Accumulate(to, at + stride, room, values.B, width, 0f);
        Quads.Accumulate(to, at + (2 * stride), room, values.C, width, 0f);
        Quads.Accumulate(to, at + (3 * stride), room, values.D, width, 0f);
        Quads.Accumulate(to, at + (4 * stride), room, values.E, width, 0f);
        Quads.Accumulate(to, at + (5 * stride), room, values.F, width, 0f);
    }

    /// <summary>Computes V from its columns and stores it.</summary>
    private static void StoreRows(
        ArrayView<float> v, int at, int point, int room, LoadWidth width,
        Six c0, Six c1, Six c2, Six c3, Six c4, Six c5)
    {
        Store(v, at, point, room, width, TransformInput(c0.A, c1.A, c2.A, c3.A, c4.A, c5.A));
        Store(v, at + (6 * point), point, room, width, TransformInput(c0.B, c1.B, c2.B, c3.B, c4.B, c5.B));
        Store(v, at + (12 * point), point, room, width, TransformInput(c0.C, c1.C, c2.C, c3.C, c4.C, c5.C));
        Store(v, at + (18 * point), point, room, width, TransformInput(c0.D, c1.D, c2.D, c3.D, c4.D, c5.D));
        Store(v, at + (24 * point), point, room, width, TransformInput(c0.E, c1.E, c2.E, c3.E, c4.E, c5.E));
        Store(v, at + (30 * point), point, room, width, TransformInput(c0.F, c1.F, c2.F, c3.F, c4.F, c5.F));
    }

    private static Six Column(
        ArrayView<float> input, int top, int column, int c, ConvSizes sizes, LoadWidth width) => TransformInput(
        Fetch(input, top, column, c, sizes, width),
        Fetch(input, top + 1, column, c, sizes, width),
        Fetch(input, top + 2, column, c, sizes, width),
        Fetch(input, top + 3, column, c, sizes, width),
        Fetch(input, top + 4, column, c, sizes, width),
        Fetch(input, top + 5, column, c, sizes, width));

    private static Six GradientColumn(GradientQuads gradient, int top, int column, int c)
    {
        int room = gradient.Sizes.OutChannels - c;
        return TransformInput(
            gradient.At(top, column, c, room),
            gradient.At(top + 1, column, c, room),
            gradient.At(top + 2, column, c, room),
            gradient.At(top + 3, column, c, room),
            gradient.At(top + 4, column, c, room),
            gradient.At(top + 5, column, c, room));
    }

    private static Four OutputColumn(
        ArrayView<float> m, int from, int point, int room, LoadWidth width) => TransformOutput(
        Quads.Load(m, from, room, width),
        Quads.Load(m, from + (6 * point), room, width),
        Quads.Load(m, from + (12 * point), room, width),
        Quads.Load(m, from + (18 * point), room, width),
        Quads.Load(m, from + (24 * point), room, width),
        Quads.Load(m, from + (30 * point), room, width));

    /// <summary>Four channels of a pixel, 0 outside the picture.</summary>
    private static Float4 Fetch(ArrayView<float> input, int row, int column, int c, ConvSizes sizes, LoadWidth width)
    {
        bool exists = row >= 0 && row < sizes.Height && column >= 0 && column < sizes.Width;
        int at = (((row * sizes.Width) + column) * sizes.InChannels) + c;
        return Quads.Load(input, at, exists ? sizes.InChannels - c : 0, width);
    }

    /// <summary>Stores four pixels of a row, as far as they exist.</summary>
    private static void StoreRow(
        ArrayView<float> output, Four y, int row, int column, int c, int channels, ConvSizes sizes, LoadWidth width,
        float beta)
    {
        if (row < sizes.Height)
        {
            int room = channels - c;
            int at = (((row * sizes.Width) + column) * channels) + c;
            Quads.Accumulate(output, at, room, y.A, width, beta);
            Quads.Accumulate(output, at + channels, column + 1 < sizes.Width ? room : 0, y.B, width, beta);
            Quads.Accumulate(output, at + (2 * channels), column + 2 < sizes.Width ? room : 0, y.C, width, beta);
            Quads.Accumulate(output, at + (3 * channels), column + 3 < sizes.Width ? room : 0, y.D, width, beta);
        }
    }
}
