using ILGPU;
using ILGPU.Runtime;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Memory;
using NativeStyle.Kernels.Operators.MatrixProduct;
using NativeStyle.Kernels.Operators.Reduction;
using NativeStyle.Kernels.Simd;

namespace NativeStyle.Kernels.Operators.Gram;

// The Gram matrix of a feature map (Gatys, Ecker and Bethge 2016, eq. 3): it says which channels are active together,
// wherever that happens. F is the feature map as a (pixels x channels) matrix, exactly as it lies in memory.
//
//   forward   G = s Fᵀ F                     G[i, j] = s sum over p of F[p, i] F[p, j]
//   backward  dF = s F (dG + dGᵀ)            dF[p, i] = s sum over j of F[p, j] (dG[i, j] + dG[j, i])

/// <summary>The Gram matrix of a feature map, forward and backward.</summary>
public static unsafe class GramOp
{
    /// <summary>Pixels that a partial sum of the CPU's form spans.</summary>
    private const int ChunkPixels = 128;

    /// <summary>
    /// Tiles of all pieces together, of 64 x 64 elements: some for each place that a large GPU has for a group.
    /// </summary>
    private const int WantedTiles = 2048;

    /// <summary>Pixels of a piece at least: with fewer, the pieces' sums take longer to add than to compute.</summary>
    private const int LeastPixels = 256;

    private static readonly Operator<ForwardArguments> s_forward = new Operator<ForwardArguments>(
            "Gram.Forward",
            a => (
                $"{a.Pixels}, {a.Channels}",
                new Work(2.0 * a.Pixels * a.Channels * a.Channels, 4.0 * a.Pixels * a.Channels)))
        .Vectorized(
            (cpu, a) => cpu.Vectorize(
                new ForwardJob(a.Features.Pointer, a.Gram.Pointer, a.Pixels, a.Channels, a.Scale)),
            saving: (cpu, a) => Saving(cpu, a.Channels))
        .Grouped(TiledForward)
        .Plain(PlainForward);

    private static readonly Operator<BackwardArguments> s_backward = new Operator<BackwardArguments>(
            "Gram.Backward",
            a => (
                $"{a.Pixels}, {a.Channels}",
                new Work(2.0 * a.Pixels * a.Channels * a.Channels, 12.0 * a.Pixels * a.Channels)))
        .Vectorized((cpu, a) => ByProduct(
            cpu, a, symmetric => Symmetrize(cpu, a.GradGram.Pointer, symmetric.Pointer, a.Channels)))
        .Grouped((device, a) => ByProduct(
            device, a,
            symmetric => device.Launch(SymmetricKernel, symmetric.Length, a.GradGram, symmetric, a.Channels)))
        .Plain((device, a) => device.Launch(
            BackwardKernel, a.Features.Length, a.Features, a.GradGram, a.GradFeatures, a.Channels, a.Scale, a.Beta));

    internal readonly record struct ForwardArguments(
        ArrayView<float> Features, ArrayView<float> Gram, int Pixels, int Channels, float Scale);

    private readonly record struct BackwardArguments(
        ArrayView<float> Features,
        ArrayView<float> GradGram,
        ArrayView<float> GradFeatures,
        int Pixels,
        int Channels,
        float Scale,
        float Beta);

    /// <summary>Computes one element of G.</summary>
    internal static void ForwardKernel(
        Index1D index, ArrayView<float> features, ArrayView<float> gram, int pixels, int channels, float scale)
    {
        int i = index / channels;
        int j = index % channels;
        float sum = 0f;
        for (int start = 0; start < pixels; start += 256)
        {
            // Sums 256 terms at a time, then the sums: the rounding error grows with the root of their number.
            float partial = 0f;
            int end = start + 256 < pixels ? start + 256 : pixels;
            for (int p = start; p < end; p++) partial += features[(p * channels) + i] * features[(p * channels) + j];
            sum += partial;
        }

        gram[index] = scale * sum;
    }

    /// <summary>Computes dG + dGᵀ.</summary>
    internal static void SymmetricKernel(
        Index1D index, ArrayView<float> gradGram, ArrayView<float> symmetric, int channels) =>
        symmetric[index] = gradGram[index] + gradGram[((index % channels) * channels) + (index / channels)];

    /// <summary>Computes one element of dF.</summary>
    internal static void BackwardKernel(
        Index1D index, ArrayView<float> features, ArrayView<float> gradGram, ArrayView<float> gradFeatures,
        int channels, float scale, float beta)
    {
        int i = index % channels;
        int row = index - i;
        float sum = 0f;
        for (int j = 0; j < channels; j++)
            sum += features[row + j] * (gradGram[(i * channels) + j] + gradGram[(j * channels) + i]);
        Accumulate.Into(ref gradFeatures[index], scale * sum, beta);
    }

    /// <summary>G = scale Fᵀ F.</summary>
    /// <param name="features">F, (pixels, channels).</param>
    /// <param name="gram">G, (channels, channels).</param>
    public static void Forward(
        ComputeDevice device, ArrayView<float> features, ArrayView<float> gram, int pixels, int channels, float scale)
    {
        Require.Length(features, (long)pixels * channels, nameof(features));
        Require.Length(gram, (long)channels * channels, nameof(gram));
        s_forward.Run(device, new ForwardArguments(features, gram, pixels, channels, scale));
    }

    /// <summary>dF = beta dF + scale F (dG + dGᵀ).</summary>
    public static void Backward(
        ComputeDevice device, ArrayView<float> features, ArrayView<float> gradGram,
        ArrayView<float> gradFeatures, int pixels, int channels, float scale, float beta)
    {
        Require.Length(features, (long)pixels * channels, nameof(features));
        Require.Length(gradFeatures, features.Length, nameof(gradFeatures));
        Require.Length(gradGram, (long)channels * channels, nameof(gradGram));
        s_backward.Run(device, new BackwardArguments(features, gradGram, gradFeatures, pixels, channels, scale, beta));
    }

    /// <summary>
    /// Computes G by the plain kernel on every device, for comparison with the form that <see cref="Forward"/> chooses.
    /// </summary>
    /// <inheritdoc cref="Forward"/>
    public static void PlainForward(
        ComputeDevice device, ArrayView<float> features, ArrayView<float> gram, int pixels, int channels,
        float scale) =>
        PlainForward(device, new ForwardArguments(features, gram, pixels, channels, scale));

    private static void PlainForward(ComputeDevice device, ForwardArguments a) =>
        device.Launch(ForwardKernel, a.Gram.Length, a.Features, a.Gram, a.Pixels, a.Channels, a.Scale);

    /// <summary>
    /// Computes G by the tiled matrix product. The matrix is small and its sums are long, so the pixels are cut into
    /// pieces. The pieces' partial matrices keep all of a GPU busy, and are then added.
    /// </summary>
    internal static void TiledForward(ComputeDevice device, ForwardArguments a) =>
        TiledForward(device, a, MatrixProductOp.Run);

    /// <summary>Does the same by a form of the product that the caller chooses.</summary>
    internal static void TiledForward(
        ComputeDevice device, ForwardArguments a, Action<ComputeDevice, MatrixProductOp.Arguments> product)
    {
        (int pixels, int channels) = (a.Pixels, a.Channels);
        int pieces = Pieces(pixels, channels);
        int depth = (pixels + pieces - 1) / pieces;
        pieces = (pixels + depth - 1) / depth;
        using DeviceBuffer<float> partials = device.Allocate<float>(pieces * a.Gram.Length);
        MultiplyShape shape = ProductShape(pixels, channels, depth, pieces);
        product(device, new(a.Features, a.Features, partials.View, shape, 1f, 0f));
        ReductionOp.SumPieces(device, partials.View, a.Gram, a.Scale);
    }

    /// <summary>The shape of the product of the tiled form.</summary>
    internal static MultiplyShape ProductShape(int pixels, int channels, int depth, int pieces) => new(
        channels, channels, depth, pieces, pixels, depth * channels, 1, channels, depth * channels, channels,
        channels * channels);

    /// <summary>
    /// The number of pieces of the tiled kernel. It depends on the sizes alone, because it decides the order of the
    /// additions.
    /// </summary>
    internal static int Pieces(int pixels, int channels)
    {
        int side = (channels + TileProduct.Small - 1) / TileProduct.Small;
        return Math.Clamp(WantedTiles / (side * side), 1, Math.Max(1, pixels / LeastPixels));
    }

    /// <summary>
    /// The number of ranges of pixels of the CPU's form. It depends on the sizes alone, for the same reason.
    /// </summary>
    private static int Ranges(int pixels, int channels) => (int)Math.Clamp((long)pixels * channels / (1 << 18), 1, 16);

    /// <summary>
    /// How many times fewer products the CPU's form makes than G has. It would be 2 if the micro-kernel's blocks were
    /// single elements. As they are, the blocks along the diagonal reach below it and past the last channel.
    /// </summary>
    internal static double Saving(CpuDevice cpu, int channels)
    {
        var count = new CountJob(channels);
        cpu.Vectorize(count);
        return (double)channels * channels / count.Elements;
    }

    /// <summary>Computes dF as one product of F and the symmetric matrix.</summary>
    private static void ByProduct(ComputeDevice device, BackwardArguments a, Action<ArrayView<float>> symmetrize)
    {
        using DeviceBuffer<float> symmetric = device.Allocate<float>(a.GradGram.Length);
        symmetrize(symmetric.View);
        var shape = new MultiplyShape(
            a.Pixels, a.Channels, a.Channels, 1, a.Channels, 0, a.Channels, 1, 0, a.Channels, 0);
        MatrixProductOp.Run(device, a.Features, symmetric.View, a.GradFeatures, shape, a.Scale, a.Beta);
    }

    /// <summary>
    /// Computes dG + dGᵀ by square blocks, so that the columns are read from few cache lines at a time.
    /// </summary>
    private static void Symmetrize(CpuDevice cpu, float* gradGram, float* symmetric, int channels)
    {
        const int Block = 16;
        cpu.Parallel((channels + Block - 1) / Block, blockRow =>
        {
            int first = blockRow * Block, last = Math.Min(channels, first + Block);
            for (int block = 0; block < channels; block += Block)
            {
                int end = Math.Min(channels, block + Block);
                for (int i = first; i < last; i++)
                {
                    float* row = gradGram + ((long)i * channels), to = symmetric + ((long)i * channels);
                    for (int j = block; j < end; j++) to[j] = row[j] + gradGram[((long)j * channels) + i];
                }
            }
        });
    }

    /// <summary>The rows of a panel of columns: down to the diagonal, in whole blocks.</summary>
    private static int RowsOfPanel<T>(int panel, int channels) where T : unmanaged, ILanes<T> =>
        MicroKernel<T>.RoundUpRows(Math.Min(channels, (panel + 1) * MicroKernel<T>.Columns));

    /// <summary>Counts the elements of G that <see cref="ForwardJob"/> computes.</summary>
    private sealed class CountJob(int channels) : IVectorJob
    {
        public long Elements { get; private set; }

        public void Run<T>(CpuDevice cpu) where T : unmanaged, ILanes<T>
        {
            for (int panel = 0; panel < MicroKernel<T>.Panels(channels); panel++)
                Elements += (long)RowsOfPanel<T>(panel, channels) * MicroKernel<T>.Columns;
        }
    }

    /// <summary>
    /// Computes only the upper triangle, in micro-kernel blocks. The pixels are split into a number of ranges that
    /// depends on the shape alone. Each range gives a partial G, and these are added in their order.
    /// </summary>
    private sealed class ForwardJob(float* features, float* gram, int pixels, int channels, float scale) : IVectorJob
    {
        public void Run<T>(CpuDevice cpu) where T : unmanaged, ILanes<T>
        {
            // Rows of a packed chunk are padded so that the last block of rows or columns reads zeros.
            int columns = MicroKernel<T>.Columns, width = (MicroKernel<T>.Panels(channels) + 1) * columns;
            int ranges = Ranges(pixels, channels);
            int panels = MicroKernel<T>.Panels(channels);
            // If there are few ranges, also splits the columns of G.
            int bands = Math.Min(panels, Math.Max(1, 16 / ranges));
            long rangeLength = (long)MicroKernel<T>.RoundUpRows(channels + columns) * width;
            using DeviceBuffer<float> partials = cpu.Allocate<float>(ranges * rangeLength);
            float* sums = partials.View.Pointer;
            cpu.Parallel(ranges * bands, (long)ChunkPixels * width, (part, chunk) =>
            {
                (int range, int band) = (part / bands, part % bands);
                float* g = sums + (range * rangeLength);
                int start = (int)((long)pixels * range / ranges), end = (int)((long)pixels * (range + 1) / ranges);
                for (int from = start; from < end || from == start; from += ChunkPixels)
                {
                    int depth = Math.Min(ChunkPixels, end - from);
                    for (int p = 0; p < depth; p++)
                    {
                        var row = new Span<float>(chunk + ((long)p * width), width);
                        new ReadOnlySpan<float>(features + ((long)(from + p) * channels), channels).CopyTo(row);
                        row[channels..].Clear();
                    }

                    // Deals the panels of columns out like cards: each has the rows above its diagonal.
                    for (int panel = band; panel < panels; panel += bands)
                    {
                        int j = panel * columns;
                        MicroKernel<T>.Run(
                            RowsOfPanel<T>(panel, channels), depth, chunk, 1, width, chunk + j, width, g + j, width,
                            from != start);
                    }
                }
            });
            // Goes by square blocks, so that the mirrored half is written to few cache lines at a time.
            const int Block = 16;
            int blocks = (channels + Block - 1) / Block;
            cpu.Parallel(blocks, blockRow =>
            {
                for (int block = blockRow * Block; block < channels; block += Block)
                {
                    for (int i = blockRow * Block; i < Math.Min(channels, (blockRow + 1) * Block); i++)
                    {
                        for (int j = Math.Max(i, block); j < Math.Min(channels, block + Block); j++)
                        {
                            float sum = 0f;
                            for (int range = 0; range < ranges; range++)
                                sum += sums[(range * rangeLength) + ((long)i * width) + j];
                            gram[((long)i * channels) + j] = gram[((long)j * channels) + i] = scale * sum;
                        }
                    }
                }
            });
        }
    }
}
