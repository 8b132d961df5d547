using System.Runtime.Intrinsics;

namespace NativeStyle.Kernels;

/// <summary>
/// Winograd's minimal filtering F(4x4, 3x3) for channels-last pictures (Lavin and Gray 2016, "Fast algorithms for
/// convolutional neural networks", section 4.3): 4x4 outputs of a tile from 36 products instead of 144.
/// <code>
///   Y = Aᵀ [ (G g Gᵀ) ∘ (Bᵀ d B) ] A        g 3x3 kernel, d 6x6 patch of the input, Y 4x4 outputs
/// </code>
/// The products of all tiles and channels are 36 matrix products (tiles x in) (in x out). A part of the work is a
/// block of tiles by a range of output channels; it does its own three steps, so that threads never wait for each
/// other, and no sum is split, so that the bytes do not depend on how the work was divided. Rounding: F(4x4) costs
/// about one decimal digit against the direct sum, as <c>nativestyle gradcheck</c> shows beside cpu-kernels.
/// </summary>
internal static unsafe class Winograd
{
    private const int Points = 36;
    private const int Lanes = 8;

    /// <summary>Whether this path pays: below eight channels the transforms cost more than they save.</summary>
    public static bool Fits(int inChannels, int outChannels, Padding padding) =>
        padding == Padding.Zero && inChannels >= Lanes && outChannels >= Lanes;

    /// <summary>G g Gᵀ of every kernel, as 36 matrices in panels: [point][out / 16][in][16], zero beyond out.</summary>
    /// <param name="cpu">The device.</param>
    /// <param name="kernel">(3, 3, in, out) of the forward convolution.</param>
    /// <param name="inChannels">Its input channels.</param>
    /// <param name="outChannels">Its output channels.</param>
    /// <param name="transposed">For backward to data: kernels rotated by 180 degrees, in and out exchanged.</param>
    public static MemoryBuffer<float> Pack(
        CpuAccelerator cpu, ArrayView<float> kernel, int inChannels, int outChannels, bool transposed)
    {
        (int depth, int columns) = transposed ? (outChannels, inChannels) : (inChannels, outChannels);
        int panels = Panels(columns);
        MemoryBuffer<float> packed = cpu.Allocate<float>((long)Points * panels * depth * MicroKernel.Columns);
        float* w = kernel.Pointer, u = packed.View.Pointer;
        long tapStride = (long)inChannels * outChannels;
        long pointStride = (long)panels * depth * MicroKernel.Columns;
        cpu.Parallel(panels, (panel, _) =>
        {
            float* g = stackalloc float[9];
            float* half = stackalloc float[18];
            for (int k = 0; k < depth; k++)
            {
                for (int lane = 0; lane < MicroKernel.Columns; lane++)
                {
                    int column = (panel * MicroKernel.Columns) + lane;
                    float* target = u + (((long)panel * depth) + k) * MicroKernel.Columns + lane;
                    if (column >= columns)
                    {
                        for (int p = 0; p < Points; p++) target[p * pointStride] = 0f;
                        continue;
                    }

                    long at = transposed ? ((long)column * outChannels) + k : ((long)k * outChannels) + column;
                    for (int tap = 0; tap < 9; tap++) g[tap] = w[((transposed ? 8 - tap : tap) * tapStride) + at];
                    for (int j = 0; j < 3; j++) KernelTransform(g + j, 3, half + j, 3);
                    for (int i = 0; i < 6; i++) KernelTransform(half + (3 * i), 1, target + (6 * i * pointStride), pointStride);
                }
            }
        });
        return packed;
    }

    /// <summary>
    /// output = beta output + act(conv(masked input) + bias), all views channels-last with the sizes of
    /// <paramref name="shape"/>.
    /// </summary>
    /// <param name="cpu">The device.</param>
    /// <param name="input">(height, width, in).</param>
    /// <param name="mask">Like input: where it is not positive, input counts as zero; or default for no mask.</param>
    /// <param name="packed">Of <see cref="Pack"/>.</param>
    /// <param name="bias">(out), or default for none.</param>
    /// <param name="output">(height, width, out).</param>
    /// <param name="shape">The sizes.</param>
    /// <param name="relu">Whether act is max(0, .).</param>
    /// <param name="beta">0: output is not read.</param>
    public static void Convolve(
        CpuAccelerator cpu, ArrayView<float> input, ArrayView<float> mask, ArrayView<float> packed,
        ArrayView<float> bias, ArrayView<float> output, Conv3x3Shape shape, bool relu, float beta)
    {
        int tilesAcross = (shape.Width + 3) / 4, tiles = tilesAcross * ((shape.Height + 3) / 4);
        int panels = Panels(shape.OutChannels);
        int block = Math.Min(BlockTiles(shape.InChannels, shape.OutChannels), RoundUp(tiles, MicroKernel.Rows));
        int tileBlocks = (tiles + block - 1) / block;

        // Few tiles (the deep layers): split the output channels too, so that every thread has work.
        int splits = tileBlocks >= 2 * cpu.Threads ? 1 : Math.Min(panels, (2 * cpu.Threads + tileBlocks - 1) / tileBlocks);
        var job = new Job(
            input.Pointer, mask.IsValid ? mask.Pointer : null, packed.Pointer, bias.IsValid ? bias.Pointer : null,
            output.Pointer, shape, tilesAcross, relu, beta);
        cpu.Parallel(tileBlocks * splits, (part, worker) =>
        {
            int first = part / splits * block, count = Math.Min(block, tiles - first);
            int firstPanel = part % splits * panels / splits, lastPanel = ((part % splits) + 1) * panels / splits;
            job.Run(cpu, worker, first, count, firstPanel, lastPanel - firstPanel);
        });
    }

    /// <summary>Tiles of a block: their transformed inputs and outputs should stay in a core's second-level cache.</summary>
    private static int BlockTiles(int inChannels, int outChannels)
    {
        long perTile = sizeof(float) * (long)Points * (inChannels + outChannels);
        return (int)Math.Clamp((1 << 20) / perTile, 8, 20) * MicroKernel.Rows;
    }

    private static int Panels(int columns) => (columns + MicroKernel.Columns - 1) / MicroKernel.Columns;

    private static int RoundUp(int value, int unit) => (value + unit - 1) / unit * unit;

    /// <summary>G g: six points of a polynomial of degree two, at 0, 1, -1, 2, -2 and infinity.</summary>
    private static void KernelTransform(float* g, long gStride, float* u, long uStride)
    {
        float g0 = g[0], g1 = g[gStride], g2 = g[2 * gStride];
        u[0] = g0 / 4f;
        u[uStride] = -(g0 + g1 + g2) / 6f;
        u[2 * uStride] = -(g0 - g1 + g2) / 6f;
        u[3 * uStride] = (g0 / 24f) + (g1 / 12f) + (g2 / 6f);
        u[4 * uStride] = (g0 / 24f) - (g1 / 12f) + (g2 / 6f);
        u[5 * uStride] = g2;
    }

    /// <summary>One convolution's pointers and sizes, and the three steps of a part.</summary>
    private sealed class Job(
        float* input, float* mask, float* packed, float* bias, float* output, Conv3x3Shape shape, int tilesAcross,
        bool relu, float beta)
    {
        private readonly int _inC = shape.InChannels;
        private readonly int _outC = shape.OutChannels;
        private readonly int _height = shape.Height;
        private readonly int _width = shape.Width;

        public void Run(CpuAccelerator cpu, int worker, int firstTile, int tileCount, int firstPanel, int panelCount)
        {
            int rows = RoundUp(tileCount, MicroKernel.Rows);
            int columns = panelCount * MicroKernel.Columns;

            // 16 floats more than needed keep the 36 matrices from falling on the same cache sets.
            long vStride = RoundUp(rows * _inC, 16) + 16, mStride = ((long)rows * columns) + 16;
            float* v = cpu.Scratch(worker, (Points * (vStride + mStride)) + (Points * Lanes));
            float* m = v + (Points * vStride), patch = m + (Points * mStride);

            for (int t = 0; t < tileCount; t++) TransformInput(firstTile + t, v + ((long)t * _inC), vStride, patch);
            // Rows that only fill the last micro-kernel up: their products are never read, but must not be slow.
            for (int p = 0; p < Points; p++)
                new Span<float>(v + (p * vStride) + ((long)tileCount * _inC), (rows - tileCount) * _inC).Clear();

            long pointPanels = Panels(_outC);
            for (int p = 0; p < Points; p++)
            {
                for (int panel = 0; panel < panelCount; panel++)
                {
                    float* u = packed + (((p * pointPanels) + firstPanel + panel) * _inC * MicroKernel.Columns);
                    for (int row = 0; row < rows; row += MicroKernel.Rows)
                    {
                        MicroKernel.Run(
                            _inC, v + (p * vStride) + ((long)row * _inC), _inC, 1, u, MicroKernel.Columns,
                            m + (p * mStride) + ((long)row * columns) + (panel * MicroKernel.Columns), columns, false);
                    }
                }
            }

            int firstChannel = firstPanel * MicroKernel.Columns;
            int channels = Math.Min(columns, _outC - firstChannel);
            for (int t = 0; t < tileCount; t++)
                TransformOutput(firstTile + t, m + ((long)t * columns), mStride, firstChannel, channels, patch);
        }

        /// <summary>Bᵀ d B of one tile, all channels, eight at a time, to v[point vStride + channel].</summary>
        private void TransformInput(int tile, float* v, long vStride, float* patch)
        {
            int top = (tile / tilesAcross * 4) - 1, left = (tile % tilesAcross * 4) - 1;
            bool inside = top >= 0 && left >= 0 && top + 6 <= _height && left + 6 <= _width;
            for (int c = 0; c < _inC; c += Lanes)
            {
                long at = ((((long)top * _width) + left) * _inC) + c;
                if (inside && c + Lanes <= _inC)
                {
                    Transform6x6(
                        input + at, mask == null ? null : mask + at, (nint)_width * _inC, _inC, v + c, vStride);
                }
                else
                {
                    GatherPatch(top, left, c, patch);
                    // The lanes beyond the last channel run into the next tile's row, which is written after.
                    Transform6x6(patch, null, 6 * Lanes, Lanes, v + c, vStride);
                }
            }
        }

        /// <summary>A patch over the picture's edge, or with less than eight channels left, padded with zeros.</summary>
        private void GatherPatch(int top, int left, int channel, float* patch)
        {
            new Span<float>(patch, Points * Lanes).Clear();
            int channels = Math.Min(Lanes, _inC - channel);
            for (int i = Math.Max(0, -top); i < 6 && top + i < _height; i++)
            {
                for (int j = Math.Max(0, -left); j < 6 && left + j < _width; j++)
                {
                    long at = (((((long)top + i) * _width) + left + j) * _inC) + channel;
                    float* target = patch + (((i * 6) + j) * Lanes);
                    for (int lane = 0; lane < channels; lane++)
                        target[lane] = mask == null || mask[at + lane] > 0f ? input[at + lane] : 0f;
                }
            }
        }

        /// <summary>Aᵀ m A of one tile, with bias, activation and beta, to the output's pixels that exist.</summary>
        private void TransformOutput(
            int tile, float* m, long mStride, int firstChannel, int channels, float* scratch)
        {
            int top = tile / tilesAcross * 4, left = tile % tilesAcross * 4;
            int height = Math.Min(4, _height - top), width = Math.Min(4, _width - left);
            Vector256<float>* half = stackalloc Vector256<float>[24];
            Vector256<float>* y = stackalloc Vector256<float>[4];
            for (int c = 0; c < channels; c += Lanes)
            {
                int lanes = Math.Min(Lanes, channels - c);
                Vector256<float> offset = default;
                if (bias != null)
                {
                    offset = lanes == Lanes ? Vector256.Load(bias + firstChannel + c)
                        : LoadPart(bias + firstChannel + c, lanes, scratch);
                }

                for (int j = 0; j < 6; j++)
                {
                    float* from = m + (j * mStride) + c;
                    Inverse(
                        Vector256.Load(from), Vector256.Load(from + (6 * mStride)), Vector256.Load(from + (12 * mStride)),
                        Vector256.Load(from + (18 * mStride)), Vector256.Load(from + (24 * mStride)),
                        Vector256.Load(from + (30 * mStride)), half + j, 6);
                }

                for (int i = 0; i < height; i++)
                {
                    Vector256<float>* h = half + (6 * i);
                    Inverse(h[0], h[1], h[2], h[3], h[4], h[5], y, 1);
                    float* target = output + (((((long)top + i) * _width) + left) * _outC) + firstChannel + c;
                    for (int j = 0; j < width; j++, target += _outC)
                    {
                        Vector256<float> value = y[j] + offset;
                        if (relu) value = Vector256.Max(value, Vector256<float>.Zero);
                        if (lanes == Lanes)
                        {
                            if (beta != 0f)
                                value = Vector256.FusedMultiplyAdd(Vector256.Create(beta), Vector256.Load(target), value);
                            value.Store(target);
                        }
                        else
                        {
                            for (int lane = 0; lane < lanes; lane++)
                                target[lane] = beta == 0f ? value[lane] : (beta * target[lane]) + value[lane];
                        }
                    }
                }
            }
        }

        private static Vector256<float> LoadPart(float* from, int lanes, float* scratch)
        {
            new Span<float>(scratch, Lanes).Clear();
            new ReadOnlySpan<float>(from, lanes).CopyTo(new Span<float>(scratch, Lanes));
            return Vector256.Load(scratch);
        }

        private static void Transform6x6(
            float* d, float* mask, nint rowStride, nint columnStride, float* v, long vStride)
        {
            Vector256<float>* half = stackalloc Vector256<float>[36];
            for (int j = 0; j < 6; j++)
            {
                float* from = d + (j * columnStride);
                Vector256<float> d0 = Vector256.Load(from), d1 = Vector256.Load(from + rowStride);
                Vector256<float> d2 = Vector256.Load(from + (2 * rowStride)), d3 = Vector256.Load(from + (3 * rowStride));
                Vector256<float> d4 = Vector256.Load(from + (4 * rowStride)), d5 = Vector256.Load(from + (5 * rowStride));
                if (mask != null)
                {
                    float* keep = mask + (j * columnStride);
                    d0 &= Vector256.GreaterThan(Vector256.Load(keep), Vector256<float>.Zero);
                    d1 &= Vector256.GreaterThan(Vector256.Load(keep + rowStride), Vector256<float>.Zero);
                    d2 &= Vector256.GreaterThan(Vector256.Load(keep + (2 * rowStride)), Vector256<float>.Zero);
                    d3 &= Vector256.GreaterThan(Vector256.Load(keep + (3 * rowStride)), Vector256<float>.Zero);
                    d4 &= Vector256.GreaterThan(Vector256.Load(keep + (4 * rowStride)), Vector256<float>.Zero);
                    d5 &= Vector256.GreaterThan(Vector256.Load(keep + (5 * rowStride)), Vector256<float>.Zero);
                }

                Forward(d0, d1, d2, d3, d4, d5, (float*)(half + j), 6 * Lanes);
            }

            for (int i = 0; i < 6; i++)
            {
                Vector256<float>* h = half + (6 * i);
                Forward(h[0], h[1], h[2], h[3], h[4], h[5], v + (6 * i * vStride), vStride);
            }
        }

        /// <summary>Bᵀ d in one dimension.</summary>
        private static void Forward(
            Vector256<float> d0, Vector256<float> d1, Vector256<float> d2, Vector256<float> d3, Vector256<float> d4,
            Vector256<float> d5, float* to, long stride)
        {
            var two = Vector256.Create(2f);
            var four = Vector256.Create(4f);
            var minusFour = Vector256.Create(-4f);
            var minusFive = Vector256.Create(-5f);
            Vector256<float> even = Vector256.FusedMultiplyAdd(minusFour, d2, d4);
            Vector256<float> odd = Vector256.FusedMultiplyAdd(minusFour, d1, d3);
            Vector256<float> difference = d4 - d2;
            Vector256<float> twice = two * (d3 - d1);
            Vector256.FusedMultiplyAdd(four, d0, Vector256.FusedMultiplyAdd(minusFive, d2, d4)).Store(to);
            (even + odd).Store(to + stride);
            (even - odd).Store(to + (2 * stride));
            (difference + twice).Store(to + (3 * stride));
            (difference - twice).Store(to + (4 * stride));
            Vector256.FusedMultiplyAdd(four, d1, Vector256.FusedMultiplyAdd(minusFive, d3, d5)).Store(to + (5 * stride));
        }

        /// <summary>Aᵀ m in one dimension.</summary>
        private static void Inverse(
            Vector256<float> m0, Vector256<float> m1, Vector256<float> m2, Vector256<float> m3, Vector256<float> m4,
            Vector256<float> m5, Vector256<float>* to, int stride)
        {
            Vector256<float> sum = m1 + m2, difference = m1 - m2, outerSum = m3 + m4, outerDifference = m3 - m4;
            to[0] = m0 + sum + outerSum;
            to[stride] = Vector256.FusedMultiplyAdd(Vector256.Create(2f), outerDifference, difference);
            to[2 * stride] = Vector256.FusedMultiplyAdd(Vector256.Create(4f), outerSum, sum);
            to[3 * stride] = Vector256.FusedMultiplyAdd(Vector256.Create(8f), outerDifference, difference) + m5;
        }
    }
}
