namespace NativeStyle.Kernels;

// The Gram matrix of a feature map (Gatys, Ecker and Bethge 2016, eq. 3): which channels are active together,
// wherever that is. F is the feature map as a (pixels x channels) matrix, just as it lies in memory.
//
//   forward   G = s Fᵀ F                     G[i, j] = s sum over p of F[p, i] F[p, j]
//   backward  dF = s F (dG + dGᵀ)            dF[p, i] = s sum over j of F[p, j] (dG[i, j] + dG[j, i])

/// <summary>The Gram matrix of a feature map, forward and backward.</summary>
public static unsafe class Gram
{
    /// <summary>Pixels that a partial sum of the CPU path spans.</summary>
    private const int ChunkPixels = 128;

    /// <summary>One element of G.</summary>
    [Kernel]
    public static void ForwardKernel(
        Index1D index, ArrayView<float> features, ArrayView<float> gram, int pixels, int channels, float scale)
    {
        int i = index / channels;
        int j = index % channels;
        float sum = 0f;
        for (int start = 0; start < pixels; start += 256)
        {
            // Sums of 256, then a sum of sums: the rounding error grows with the root of their number.
            float partial = 0f;
            int end = start + 256 < pixels ? start + 256 : pixels;
            for (int p = start; p < end; p++) partial += features[(p * channels) + i] * features[(p * channels) + j];
            sum += partial;
        }

        gram[index] = scale * sum;
    }

    /// <summary>G from the partial products of the pieces that the pixels were cut into, added in their order.</summary>
    [Kernel]
    public static void SumPiecesKernel(Index1D index, ArrayView<float> pieces, ArrayView<float> gram, int count, int length, float scale)
    {
        float sum = 0f;
        for (int piece = 0; piece < count; piece++) sum += pieces[(piece * length) + index];
        gram[index] = scale * sum;
    }

    /// <summary>dG + dGᵀ.</summary>
    [Kernel]
    public static void SymmetricKernel(Index1D index, ArrayView<float> gradGram, ArrayView<float> symmetric, int channels) =>
        symmetric[index] = gradGram[index] + gradGram[((index % channels) * channels) + (index / channels)];

    /// <summary>One element of dF.</summary>
    [Kernel]
    public static void BackwardKernel(
        Index1D index, ArrayView<float> features, ArrayView<float> gradGram, ArrayView<float> gradFeatures,
        int channels, float scale, float beta)
    {
        int i = index % channels;
        int row = index - i;
        float sum = 0f;
        for (int j = 0; j < channels; j++)
            sum += features[row + j] * (gradGram[(i * channels) + j] + gradGram[(j * channels) + i]);
        gradFeatures[index] = beta == 0f ? scale * sum : (beta * gradFeatures[index]) + (scale * sum);
    }

    /// <summary>G = scale Fᵀ F.</summary>
    /// <param name="features">F, (pixels, channels).</param>
    /// <param name="gram">G, (channels, channels).</param>
    public static void Forward(
        Accelerator accelerator, ArrayView<float> features, ArrayView<float> gram, int pixels, int channels,
        float scale)
    {
        Require.Length(features, (long)pixels * channels, nameof(features));
        Require.Length(gram, (long)channels * channels, nameof(gram));
        using Profiler.Scope scope = accelerator.Measure(
            "Gram.Forward", $"{pixels}, {channels}", new Work(2.0 * pixels * channels * channels, 4.0 * pixels * channels, 2));
        if (accelerator is CpuAccelerator { Path: CpuPath.Vectorized } cpu)
            cpu.Vectorize(new ForwardJob(features.Pointer, gram.Pointer, pixels, channels, scale));
        else if (accelerator.HasFastGroups)
            TiledForward(accelerator, features, gram, pixels, channels, scale);
        else
            accelerator.Launch(ForwardKernel, (Index1D)gram.IntLength, features, gram, pixels, channels, scale);
    }

    /// <summary>
    /// G = scale Fᵀ F by <see cref="MatrixMultiply.TiledKernel"/>. The matrix is small and its sums are long: the pixels are
    /// cut into pieces whose partial matrices keep all of a GPU busy, and are then added.
    /// </summary>
    /// <inheritdoc cref="Forward"/>
    public static void TiledForward(
        Accelerator accelerator, ArrayView<float> features, ArrayView<float> gram, int pixels, int channels, float scale)
    {
        Require.Length(features, (long)pixels * channels, nameof(features));
        Require.Length(gram, (long)channels * channels, nameof(gram));
        int pieces = Pieces(pixels, channels);
        int depth = (pixels + pieces - 1) / pieces;
        pieces = (pixels + depth - 1) / depth;
        using MemoryBuffer<float> partials = accelerator.Allocate<float>(pieces * gram.Length);
        var product = new MultiplyShape(
            channels, channels, depth, pieces, pixels, depth * channels, 1, channels, depth * channels, channels, channels * channels);
        MatrixMultiply.Run(accelerator, features, features, partials.View, product, 1f, 0f);
        accelerator.Launch(SumPiecesKernel, (Index1D)gram.IntLength, partials.View, gram, pieces, gram.IntLength, scale);
    }

    /// <summary>Bytes of device memory that a forward pass takes beside its input and output.</summary>
    public static long WorkspaceBytes(Accelerator accelerator, int pixels, int channels)
    {
        long square = sizeof(float) * (long)channels * channels;
        if (accelerator is CpuAccelerator { Path: CpuPath.Vectorized }) return Ranges(pixels, channels) * square;
        return accelerator.HasFastGroups ? Pieces(pixels, channels) * square : 0;
    }

    /// <summary>Pieces of the tiled kernel: a function of the sizes alone, because they decide the order of the additions.</summary>
    private static int Pieces(int pixels, int channels) =>
        (int)Math.Clamp((long)pixels * 256 / ((long)channels * channels * 4), 1, Math.Max(1, pixels / 256));

    /// <summary>Ranges of pixels of the CPU's path, for the same reason.</summary>
    private static int Ranges(int pixels, int channels) => (int)Math.Clamp((long)pixels * channels / (1 << 18), 1, 16);

    /// <summary>dF = beta dF + scale F (dG + dGᵀ).</summary>
    public static void Backward(
        Accelerator accelerator, ArrayView<float> features, ArrayView<float> gradGram,
        ArrayView<float> gradFeatures, int pixels, int channels, float scale, float beta)
    {
        Require.Length(features, (long)pixels * channels, nameof(features));
        Require.Length(gradFeatures, features.Length, nameof(gradFeatures));
        Require.Length(gradGram, (long)channels * channels, nameof(gradGram));
        using Profiler.Scope scope = accelerator.Measure(
            "Gram.Backward", $"{pixels}, {channels}", new Work(2.0 * pixels * channels * channels, 12.0 * pixels * channels));
        if (accelerator is CpuAccelerator { Path: CpuPath.Kernels })
        {
            accelerator.Launch(
                BackwardKernel, (Index1D)features.IntLength, features, gradGram, gradFeatures, channels, scale, beta);
            return;
        }

        using MemoryBuffer<float> symmetric = accelerator.Allocate<float>(gradGram.Length);
        if (accelerator is CpuAccelerator { Path: CpuPath.Vectorized } cpu) Symmetrize(cpu, gradGram.Pointer, symmetric.View.Pointer, channels);
        else accelerator.Launch(SymmetricKernel, (Index1D)gradGram.IntLength, gradGram, symmetric.View, channels);
        var product = new MultiplyShape(pixels, channels, channels, 1, channels, 0, channels, 1, 0, channels, 0);
        MatrixMultiply.Run(accelerator, features, symmetric.View, gradFeatures, product, scale, beta);
    }

    /// <summary>dG + dGᵀ by square blocks, so that the columns are read from few cache lines at a time.</summary>
    private static void Symmetrize(CpuAccelerator cpu, float* gradGram, float* symmetric, int channels)
    {
        const int Block = 16;
        cpu.Parallel((channels + Block - 1) / Block, (blockRow, _) =>
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

    /// <summary>
    /// The upper triangle only, in micro-kernel blocks. The pixels are split into a number of ranges that depends on
    /// the shape alone; each gives a partial G, and these are added in their order.
    /// </summary>
    private sealed class ForwardJob(float* features, float* gram, int pixels, int channels, float scale) : IVectorJob
    {
        public void Run<T>(CpuAccelerator cpu) where T : unmanaged, ILanes<T>
        {
            // Rows of a packed chunk: padded so that the last block of rows or columns reads zeros.
            int columns = MicroKernel<T>.Columns, width = (MicroKernel<T>.Panels(channels) + 1) * columns;
            int ranges = Ranges(pixels, channels);
            int panels = MicroKernel<T>.Panels(channels);
            // Few ranges: also split the columns of G.
            int bands = Math.Min(panels, Math.Max(1, 16 / ranges));
            long rangeLength = (long)MicroKernel<T>.RoundUpRows(channels + columns) * width;
            using MemoryBuffer<float> partials = cpu.Allocate<float>(ranges * rangeLength);
            float* sums = partials.View.Pointer;
            cpu.Parallel(ranges * bands, (part, worker) =>
            {
                (int range, int band) = (part / bands, part % bands);
                float* chunk = cpu.Scratch(worker, (long)ChunkPixels * width);
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

                    // Panels of columns dealt out like cards: each has the rows above its diagonal.
                    for (int panel = band; panel < panels; panel += bands)
                    {
                        int j = panel * columns;
                        MicroKernel<T>.Run(
                            MicroKernel<T>.RoundUpRows(Math.Min(channels, j + columns)), depth, chunk, 1, width,
                            chunk + j, width, g + j, width, from != start);
                    }
                }
            });
            // By square blocks, so that the mirrored half is written to few cache lines at a time.
            const int Block = 16;
            int blocks = (channels + Block - 1) / Block;
            cpu.Parallel(blocks, (blockRow, _) =>
            {
                for (int block = blockRow * Block; block < channels; block += Block)
                {
                    for (int i = blockRow * Block; i < Math.Min(channels, (blockRow + 1) * Block); i++)
                    {
                        for (int j = Math.Max(i, block); j < Math.Min(channels, block + Block); j++)
                        {
                            float sum = 0f;
                            for (int range = 0; range < ranges; range++) sum += sums[(range * rangeLength) + ((long)i * width) + j];
                            gram[((long)i * channels) + j] = gram[((long)j * channels) + i] = scale * sum;
                        }
                    }
                }
            });
        }
    }
}
