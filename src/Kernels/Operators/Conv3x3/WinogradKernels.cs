namespace NativeStyle.Kernels;

/// <summary>
/// Winograd's F(4x4, 3x3) for devices whose groups are fast: the mathematics of <see cref="Winograd"/> as four kernels.
/// <code>
///   U = G g Gᵀ  (36, in, out)     V = Bᵀ d B  (36, tiles, in)     M = V U  (36, tiles, out)     Y = Aᵀ M A
/// </code>
/// U is made anew in each pass (a thousandth of the time of the products); V and M take 2.25 times the maps, so tiles
/// come in portions that keep both below <see cref="PortionBytes"/>. Bias, ReLU, gate bits and pooling are done while
/// the outputs are written, gate and pooling's backward while the inputs are read.
/// </summary>
internal static class WinogradKernels
{
    private const int Points = 36;

    /// <summary>Channels of a group of <see cref="OutputsKernel"/>: the bits of a gate word.</summary>
    private const int GroupChannels = 32;

    /// <summary>Tiles of a group of <see cref="OutputsKernel"/>.</summary>
    private const int GroupTiles = 4;

    /// <summary>V and M of a portion of tiles.</summary>
    private const long PortionBytes = 512L << 20;

    /// <summary>U of one pair of channels. Backward reads the kernel rotated by 180 degrees, in and out exchanged.</summary>
    [Kernel]
    public static void KernelsKernel(
        Index1D index, ArrayView<float> kernel, ArrayView<float> u, int depth, int columns, int backward)
    {
        int k = index / columns;
        int n = index % columns;
        int pairs = depth * columns;
        int from = backward != 0 ? (n * depth) + k : index;
        ArrayView<float> half = LocalMemory.Allocate<float>(18);
        for (int j = 0; j < 3; j++)
        {
            float g0 = kernel[((backward != 0 ? 8 - j : j) * pairs) + from];
            float g1 = kernel[((backward != 0 ? 5 - j : 3 + j) * pairs) + from];
            float g2 = kernel[((backward != 0 ? 2 - j : 6 + j) * pairs) + from];
            TransformKernel(half, j, 3, g0, g1, g2);
        }

        for (int i = 0; i < 6; i++)
            TransformKernel(u, (6 * i * pairs) + index, pairs, half[3 * i], half[(3 * i) + 1], half[(3 * i) + 2]);
    }

    /// <summary>
    /// V of one tile and channel. With <paramref name="gated"/> the input is a gradient that passes where the gate's bit is
    /// set, and with pooling it is the pooled one.
    /// </summary>
    [Kernel]
    public static void InputsKernel(
        Index1D index, ArrayView<float> input, ArrayView<uint> gate, ArrayView<float> v, int firstTile, int tiles,
        int tilesAcross, int height, int width, int channels, int outHeight, int outWidth, int gated, int pooling)
    {
        int c = index % channels;
        int tile = index / channels;
        int top = ((firstTile + tile) / tilesAcross * 4) - 1;
        int left = ((firstTile + tile) % tilesAcross * 4) - 1;
        int words = (channels + 31) / 32;
        ArrayView<float> half = LocalMemory.Allocate<float>(36);
        for (int j = 0; j < 6; j++)
        {
            float d0 = Fetch(input, gate, top, left + j, c, height, width, channels, words, outHeight, outWidth, gated, pooling);
            float d1 = Fetch(input, gate, top + 1, left + j, c, height, width, channels, words, outHeight, outWidth, gated, pooling);
            float d2 = Fetch(input, gate, top + 2, left + j, c, height, width, channels, words, outHeight, outWidth, gated, pooling);
            float d3 = Fetch(input, gate, top + 3, left + j, c, height, width, channels, words, outHeight, outWidth, gated, pooling);
            float d4 = Fetch(input, gate, top + 4, left + j, c, height, width, channels, words, outHeight, outWidth, gated, pooling);
            float d5 = Fetch(input, gate, top + 5, left + j, c, height, width, channels, words, outHeight, outWidth, gated, pooling);
            TransformInput(half, j, 6, d0, d1, d2, d3, d4, d5);
        }

        int point = tiles * channels;
        for (int i = 0; i < 6; i++)
        {
            TransformInput(
                v, (6 * i * point) + index, point, half[6 * i], half[(6 * i) + 1], half[(6 * i) + 2], half[(6 * i) + 3],
                half[(6 * i) + 4], half[(6 * i) + 5]);
        }
    }

    /// <summary>
    /// Y of <see cref="GroupTiles"/> tiles and 32 channels by one group, with bias, ReLU and pooling. A work item computes
    /// the 16 pixels of its tile and channel; the 32 channels' gate bits meet in shared memory, and 16 of the work items
    /// write a word each.
    /// </summary>
    [Kernel]
    public static void OutputsKernel(
        ArrayView<float> m, ArrayView<float> bias, ArrayView<float> output, ArrayView<uint> gate, int firstTile, int tiles,
        int tilesAcross, int height, int width, int channels, int outHeight, int outWidth, int mode, int pooling, float beta)
    {
        ArrayView<uint> bits = SharedMemory.Allocate<uint>(GroupChannels * GroupTiles);
        ArrayView<float> half = LocalMemory.Allocate<float>(24);
        ArrayView<float> y = LocalMemory.Allocate<float>(16);
        bool hasBias = (mode & 1) != 0;
        bool relu = (mode & 2) != 0;
        bool writeGate = (mode & 4) != 0;
        int lane = Group.IdxX;
        int c = (Grid.IdxX * GroupChannels) + lane;
        int tile = (Grid.IdxY * GroupTiles) + Group.IdxY;
        int top = (firstTile + tile) / tilesAcross * 4;
        int left = (firstTile + tile) % tilesAcross * 4;
        uint open = 0u;
        if (tile < tiles && c < channels)
        {
            int point = tiles * channels;
            for (int j = 0; j < 6; j++)
            {
                int from = (j * point) + (tile * channels) + c;
                TransformOutput(
                    half, j, 6, m[from], m[from + (6 * point)], m[from + (12 * point)], m[from + (18 * point)], m[from + (24 * point)],
                    m[from + (30 * point)]);
            }

            for (int i = 0; i < 4; i++)
            {
                TransformOutput(
                    y, 4 * i, 1, half[6 * i], half[(6 * i) + 1], half[(6 * i) + 2], half[(6 * i) + 3], half[(6 * i) + 4],
                    half[(6 * i) + 5]);
            }

            float offset = hasBias ? bias[c] : 0f;
            for (int pixel = 0; pixel < 16; pixel++) y[pixel] = relu ? MathF.Max(y[pixel] + offset, 0f) : y[pixel] + offset;

            if (pooling == 0)
            {
                for (int pixel = 0; pixel < 16; pixel++)
                {
                    int row = top + (pixel / 4);
                    int column = left + (pixel % 4);
                    if (row < height && column < width)
                    {
                        int to = (((row * width) + column) * channels) + c;
                        output[to] = beta == 0f ? y[pixel] : (beta * output[to]) + y[pixel];
                    }

                    if (y[pixel] > 0f) open |= 1u << pixel;
                }
            }
            else
            {
                for (int window = 0; window < 4; window++)
                {
                    int corner = ((window / 2) * 8) + ((window % 2) * 2);
                    int row = top + ((window / 2) * 2);
                    int column = left + ((window % 2) * 2);
                    if (row / 2 < outHeight && column / 2 < outWidth)
                    {
                        float sum = 0f;
                        float largest = 0f;
                        uint first = 0u;
                        uint positive = 0u;
                        int count = 0;
                        for (int k = 0; k < 4; k++)
                        {
                            int place = corner + ((k / 2) * 4) + (k % 2);
                            if (row + (k / 2) < height && column + (k % 2) < width)
                            {
                                float value = y[place];
                                sum += value;
                                count++;
                                if (value > 0f) positive |= 1u << place;
                                if (value > largest)
                                {
                                    largest = value;
                                    first = 1u << place;
                                }
                            }
                        }

                        open |= pooling == 2 ? first : positive;
                        output[((((row / 2) * outWidth) + (column / 2)) * channels) + c] = pooling == 2 ? largest : sum / count;
                    }
                }
            }
        }

        bits[(Group.IdxY * GroupChannels) + lane] = open;
        Group.Barrier();
        int gateRow = top + (lane / 4);
        int gateColumn = left + (lane % 4);
        if (writeGate && lane < 16 && tile < tiles && gateRow < height && gateColumn < width)
        {
            uint word = 0u;
            for (int other = 0; other < GroupChannels; other++)
                word |= (bits[(Group.IdxY * GroupChannels) + other] >> lane & 1u) << other;
            int words = (channels + 31) / 32;
            gate[(((gateRow * width) + gateColumn) * words) + Grid.IdxX] = word;
        }
    }

    /// <summary>Whether a convolution goes this way.</summary>
    public static bool Fits(Accelerator accelerator, Conv3x3Shape shape) =>
        accelerator.HasFastGroups && shape.Padding == Padding.Zero && Math.Min(shape.InChannels, shape.OutChannels) >= 8;

    /// <inheritdoc cref="Conv3x3.Forward"/>
    public static void Forward(
        Accelerator accelerator, ArrayView<float> input, Conv3x3Weights weights, ArrayView<float> output, ArrayView<uint> gate,
        Conv3x3Shape shape) =>
        Convolve(accelerator, input, weights, output, gate, shape, false, 0f);

    /// <inheritdoc cref="Conv3x3.BackwardData"/>
    public static void BackwardData(
        Accelerator accelerator, ArrayView<float> gradOutput, ArrayView<uint> gate, Conv3x3Weights weights, ArrayView<float> gradInput,
        Conv3x3Shape shape, float beta) =>
        Convolve(accelerator, gradOutput, weights, gradInput, gate, shape, true, beta);

    /// <summary>Bytes of U, and of V and M of a portion.</summary>
    public static long[] Workspace(Conv3x3Shape shape, bool backward)
    {
        (int depth, int columns) = backward ? (shape.OutChannels, shape.InChannels) : (shape.InChannels, shape.OutChannels);
        long portion = Portion((shape.Width + 3) / 4 * ((shape.Height + 3) / 4), depth + columns), point = sizeof(float) * Points;
        return [point * depth * columns, point * portion * depth, point * portion * columns];
    }

    private static int Portion(int tiles, int channels)
    {
        int portion = (int)Math.Clamp(PortionBytes / (sizeof(float) * Points * channels), 64, tiles + 63);
        return Math.Min(portion / 64 * 64, tiles);
    }

    private static void Convolve(
        Accelerator accelerator, ArrayView<float> input, Conv3x3Weights weights, ArrayView<float> output, ArrayView<uint> gate,
        Conv3x3Shape shape, bool backward, float beta)
    {
        (int depth, int columns) = backward ? (shape.OutChannels, shape.InChannels) : (shape.InChannels, shape.OutChannels);
        int tilesAcross = (shape.Width + 3) / 4, tiles = tilesAcross * ((shape.Height + 3) / 4);
        int portion = Portion(tiles, depth + columns);
        // The inputs' pooling is the outputs' of the forward pass, and the other way round.
        PoolShape pool = shape.PoolShape;
        int pooling = (int)shape.Pooling;
        int mode = backward ? 0 : 1 + (shape.Relu ? 2 : 0) + (gate.IsValid ? 4 : 0);
        using MemoryBuffer<float> u = accelerator.Allocate<float>((long)Points * depth * columns);
        using MemoryBuffer<float> v = accelerator.Allocate<float>((long)Points * portion * depth);
        using MemoryBuffer<float> m = accelerator.Allocate<float>((long)Points * portion * columns);
        accelerator.Launch(KernelsKernel, (Index1D)(depth * columns), weights.Kernel, u.View, depth, columns, backward ? 1 : 0);
        for (int first = 0; first < tiles; first += portion)
        {
            int count = Math.Min(portion, tiles - first);
            accelerator.Launch(
                InputsKernel, (Index1D)(count * depth), input, backward ? gate : default, v.View, first, count, tilesAcross, shape.Height,
                shape.Width, depth, pool.OutHeight, pool.OutWidth, backward && gate.IsValid ? 1 : 0, backward ? pooling : 0);
            var product = new MultiplyShape(
                count, columns, depth, Points, Points * depth, count * depth, depth, 1, depth * columns, columns, count * columns);
            MatrixMultiply.Run(accelerator, v.View, u.View, m.View, product, 1f, 0f);
            var config = new KernelConfig(
                new Index3D((columns + GroupChannels - 1) / GroupChannels, (count + GroupTiles - 1) / GroupTiles, 1),
                new Index3D(GroupChannels, GroupTiles, 1));
            accelerator.LaunchGrouped(
                OutputsKernel, config, m.View, weights.Bias, output, backward ? default : gate, first, count, tilesAcross, shape.Height,
                shape.Width, columns, pool.OutHeight, pool.OutWidth, mode, backward ? 0 : pooling, beta);
        }
    }

    /// <summary>G g in one dimension, to six places <paramref name="stride"/> apart.</summary>
    private static void TransformKernel(ArrayView<float> to, int at, int stride, float g0, float g1, float g2)
    {
        to[at] = 0.25f * g0;
        to[at + stride] = (g0 + g1 + g2) * (-1f / 6f);
        to[at + (2 * stride)] = (g0 - g1 + g2) * (-1f / 6f);
        to[at + (3 * stride)] = (g0 * (1f / 24f)) + (g1 * (1f / 12f)) + (g2 * (1f / 6f));
        to[at + (4 * stride)] = (g0 * (1f / 24f)) - (g1 * (1f / 12f)) + (g2 * (1f / 6f));
        to[at + (5 * stride)] = g2;
    }

    /// <summary>Bᵀ d in one dimension, to six places <paramref name="stride"/> apart.</summary>
    private static void TransformInput(
        ArrayView<float> to, int at, int stride, float d0, float d1, float d2, float d3, float d4, float d5)
    {
        to[at] = (4f * d0) - (5f * d2) + d4;
        to[at + stride] = (d4 - (4f * d2)) + (d3 - (4f * d1));
        to[at + (2 * stride)] = (d4 - (4f * d2)) - (d3 - (4f * d1));
        to[at + (3 * stride)] = (d4 - d2) + (2f * (d3 - d1));
        to[at + (4 * stride)] = (d4 - d2) - (2f * (d3 - d1));
        to[at + (5 * stride)] = (4f * d1) - (5f * d3) + d5;
    }

    /// <summary>Aᵀ m in one dimension, to four places <paramref name="stride"/> apart.</summary>
    private static void TransformOutput(
        ArrayView<float> to, int at, int stride, float m0, float m1, float m2, float m3, float m4, float m5)
    {
        to[at] = m0 + (m1 + m2) + (m3 + m4);
        to[at + stride] = (m1 - m2) + (2f * (m3 - m4));
        to[at + (2 * stride)] = (m1 + m2) + (4f * (m3 + m4));
        to[at + (3 * stride)] = (m1 - m2) + (8f * (m3 - m4)) + m5;
    }

    /// <summary>An element of the patch: 0 outside the picture or where the gate is shut.</summary>
    private static float Fetch(
        ArrayView<float> input, ArrayView<uint> gate, int row, int column, int c, int height, int width, int channels, int words,
        int outHeight, int outWidth, int gated, int pooling)
    {
        float value = 0f;
        if (row >= 0 && row < height && column >= 0 && column < width)
        {
            int pixel = (row * width) + column;
            if (gated == 0 || (gate[(pixel * words) + (c / 32)] >> (c % 32) & 1u) != 0u)
            {
                int from = pooling == 0 ? pixel : ((row / 2) * outWidth) + (column / 2);
                value = input[(from * channels) + c];
                if (pooling == 1)
                {
                    int rows = (row | 1) < height ? 2 : 1;
                    int columns = (column | 1) < width ? 2 : 1;
                    value /= rows * columns;
                }
            }
        }

        return value;
    }
}
