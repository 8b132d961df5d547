using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Memory;
using NativeStyle.Kernels.Simd;

namespace NativeStyle.Kernels.Operators.Conv3x3;

/// <summary>
/// Winograd's minimal filtering F(4x4, 3x3) for channels-last pictures (Lavin and Gray 2016, "Fast algorithms for
/// convolutional neural networks", section 4.3): 4x4 outputs of a tile from 36 products instead of 144.
/// <code>
///   Y = Aᵀ [ (G g Gᵀ) ∘ (Bᵀ d B) ] A        g 3x3 filter, d 6x6 patch of the input, Y 4x4 outputs
/// </code>
/// The products of all tiles and channels are 36 matrix products V U, (tiles x in) (in x out). Transformed filters U
/// are four times as large as the filters, so they are never kept: computing them again costs less than reading them
/// from memory. Each U and each V is computed once a pass. The smaller of the two is computed first, for all threads.
/// Then each part of the work computes its own piece of the other in its core's cache, multiplies, and transforms back:
/// <list type="bullet">
///   <item>early layers, many tiles and small filters: U first, a part is a block of tiles;</item>
///   <item>deep layers, few tiles and large filters: V first, a part is a range of output channels.</item>
/// </list>
/// The steps around the convolution are fused into it, so that no pass only moves memory: bias, ReLU, its gate bits and
/// 2x2 pooling while writing the outputs, the gate bits and the pooling's backward while reading the inputs. The places
/// where sums are split depend on the shape alone, so the bytes do not depend on how the work was divided. Rounding:
/// F(4x4) costs about one decimal digit compared with the direct sum, as <c>nativestyle gradcheck</c> shows next to
/// cpu-kernels.
/// </summary>
/// <param name="filter">g, (3, 3, in, out).</param>
internal sealed unsafe class WinogradCpu(
    WinogradGeometry geometry, WinogradInputs inputs, float* filter, WinogradOutputs outputs) : IVectorJob
{
    private const int Points = WinogradTransforms.Points;
    private const int Skew = WinogradTransforms.Skew;

    /// <summary>
    /// Input channels that are multiplied at a time: a panel of U (128 x 32 floats, 16 KiB) then stays in the
    /// first-level cache while all rows stream past. It is a constant because the sum of a slice is added to the sum of
    /// the slices before it.
    /// </summary>
    private const int DepthSlice = 128;

    private readonly int _tiles = geometry.Tiles;
    private readonly int _depth = inputs.Channels;
    private readonly int _columns = outputs.Channels;

    /// <summary>Whether this form takes the numbers of channels: it needs whole vectors.</summary>
    public static bool Fits(CpuDevice cpu, int inChannels, int outChannels)
    {
        int lanes = cpu.VectorBits == 512 ? 16 : 8;
        return inChannels % lanes == 0 && outChannels % lanes == 0;
    }

    /// <summary>
    /// Whether this form takes a shape: it needs whole vectors of channels, and zeros outside the picture.
    /// </summary>
    public static bool Fits(CpuDevice cpu, Conv3x3Shape shape) =>
        shape.Padding == Padding.Zero && Fits(cpu, shape.InChannels, shape.OutChannels);

    /// <inheritdoc cref="Conv3x3Op.Forward"/>
    public static void Forward(CpuDevice cpu, Conv3x3Op.ForwardArguments a)
    {
        var geometry = WinogradGeometry.ZeroPadded(a.Shape.Height, a.Shape.Width);
        var inputs = new WinogradInputs(geometry, a.Shape.InChannels, a.Input.Pointer);
        var outputs = new WinogradOutputs(
            geometry, a.Shape.OutChannels, a.Output.Pointer, a.Weights.Bias.Pointer, (byte*)a.Gate.Pointer, a.Shape);
        cpu.Vectorize(new WinogradCpu(geometry, inputs, a.Weights.Filter.Pointer, outputs));
    }

    /// <summary>
    /// Runs backward to data as the same convolution, with filters rotated by 180 degrees and in and out exchanged.
    /// </summary>
    /// <inheritdoc cref="Conv3x3Op.BackwardData"/>
    public static void BackwardData(CpuDevice cpu, Conv3x3Op.BackwardDataArguments a)
    {
        var geometry = WinogradGeometry.ZeroPadded(a.Shape.Height, a.Shape.Width);
        var inputs = new WinogradInputs(
            geometry, a.Shape.OutChannels, a.GradOutput.Pointer, (byte*)a.Gate.Pointer, a.Shape);
        var outputs = new WinogradOutputs(
            geometry, a.Shape.InChannels, a.GradInput.Pointer, bias: null, beta: a.Beta);
        cpu.Vectorize(new WinogradCpu(geometry, inputs, a.Weights.Transposed(cpu).Pointer, outputs));
    }

    public void Run<T>(CpuDevice cpu) where T : unmanaged, ILanes<T>
    {
        if (_tiles >= _columns) RunByTiles<T>(cpu);
        else RunByChannels<T>(cpu);
    }

    /// <summary>Computes U for all threads, then works on blocks of tiles.</summary>
    private void RunByTiles<T>(CpuDevice cpu) where T : unmanaged, ILanes<T>
    {
        int width = MicroKernel<T>.Columns, panels = MicroKernel<T>.Panels(_columns);
        long uPanel = (long)_depth * width, uPoint = (panels * uPanel) + Skew;
        using DeviceBuffer<float> shared = cpu.Allocate<float>(Points * uPoint);
        float* u = shared.View.Pointer;
        int slices = Math.Max(1, Math.Min(_depth / 8, 8 * cpu.Threads / panels));
        cpu.Parallel(panels * slices, part =>
        {
            (int panel, int slice) = (part / slices, part % slices);
            int first = _depth * slice / slices, last = _depth * (slice + 1) / slices;
            TransformFilters<T>(first, last, panel, u + (panel * uPanel) + ((long)first * width), uPoint);
        });

        // Large blocks seldom read U. If U is small, V should stay in the second-level cache instead. M is written and
        // read for a group of panels at a time.
        long cache = CpuCache.SecondLevelBytes / sizeof(float);
        int block = (int)Math.Clamp(cache / 2 / (Points * (_depth + Skew)) / 12 * 12, 96, 120);
        // With few blocks, each thread gets the same number; otherwise one would work while the others wait.
        int turns = (_tiles + (block * cpu.Threads) - 1) / (block * cpu.Threads);
        if (turns < 16)
        {
            int share = (_tiles + (turns * cpu.Threads) - 1) / (turns * cpu.Threads);
            block = Math.Min(block, MicroKernel<T>.RoundUpRows(share));
        }
        int group = (int)Math.Clamp(2 * cache / (Points * block * width), 1, panels);
        long vRow = _depth + Skew, vPoint = (block * vRow) + Skew;
        long mRow = group * width, mPoint = (block * mRow) + Skew;
        cpu.Parallel((_tiles + block - 1) / block, _depth + (Points * (vPoint + mPoint)), (part, zeros) =>
        {
            int first = part * block, count = Math.Min(block, _tiles - first);
            float* v = zeros + _depth, m = v + (Points * vPoint);
            inputs.Transform<T>(first, count, v, vRow, vPoint, zeros);
            for (int start = 0; start < panels; start += group)
            {
                int groupPanels = Math.Min(group, panels - start);
                for (int point = 0; point < Points; point++)
                {
                    for (int panel = 0; panel < groupPanels; panel++)
                    {
                        for (int k = 0; k < _depth; k += DepthSlice)
                        {
                            MicroKernel<T>.Run(
                                MicroKernel<T>.RoundUpRows(count), ColumnsOf<T>(start + panel),
                                Math.Min(DepthSlice, _depth - k),
                                v + (point * vPoint) + k, (nint)vRow, 1,
                                u + (point * uPoint) + ((start + panel) * uPanel) + ((long)k * width), width,
                                m + (point * mPoint) + (panel * width), (nint)mRow, k > 0);
                        }
                    }
                }

                int channels = Math.Min(groupPanels * width, _columns - (start * width));
                outputs.Transform<T>(first, count, start * width, channels, m, mRow, mPoint);
            }
        });
    }

    /// <summary>Computes V for all threads, then works on ranges of output channels.</summary>
    private void RunByChannels<T>(CpuDevice cpu) where T : unmanaged, ILanes<T>
    {
        int width = MicroKernel<T>.Columns, panels = MicroKernel<T>.Panels(_columns);
        long vRow = _depth + Skew, vPoint = (MicroKernel<T>.RoundUpRows(_tiles) * vRow) + Skew;
        using DeviceBuffer<float> shared = cpu.Allocate<float>(Points * vPoint);
        float* v = shared.View.Pointer;
        const int Chunk = 6;
        cpu.Parallel((_tiles + Chunk - 1) / Chunk, _depth, (part, zeros) =>
        {
            int first = part * Chunk;
            inputs.Transform<T>(first, Math.Min(Chunk, _tiles - first), v + (first * vRow), vRow, vPoint, zeros);
        });

        // U comes in slices of the depth, small enough for the second-level cache. Many cores share a panel's tiles.
        int slice = Math.Min(_depth, DepthSlice);
        int splits = Math.Clamp(2 * cpu.Threads / panels, 1, (_tiles + 47) / 48);
        int tilesOfPart = MicroKernel<T>.RoundUpRows((_tiles + splits - 1) / splits);
        long uPoint = (slice * (long)width) + Skew, mPoint = (tilesOfPart * (long)width) + Skew;
        cpu.Parallel(panels * splits, Points * (uPoint + mPoint), (part, u) =>
        {
            (int panel, int split) = (part / splits, part % splits);
            int first = split * tilesOfPart, count = Math.Min(tilesOfPart, _tiles - first);
            if (count <= 0) return;
            float* m = u + (Points * uPoint);
            for (int start = 0; start < _depth; start += slice)
            {
                int sliceDepth = Math.Min(slice, _depth - start);
                TransformFilters<T>(start, start + sliceDepth, panel, u, uPoint);
                for (int point = 0; point < Points; point++)
                {
                    MicroKernel<T>.Run(
                        MicroKernel<T>.RoundUpRows(count), ColumnsOf<T>(panel), sliceDepth,
                        v + (point * vPoint) + (first * vRow) + start, (nint)vRow, 1,
                        u + (point * uPoint), width, m + (point * mPoint), width, start > 0);
                }
            }

            outputs.Transform<T>(first, count, panel * width, ColumnsOf<T>(panel), m, width, mPoint);
        });
    }

    /// <summary>The output channels of a panel: the last one may be half full.</summary>
    private int ColumnsOf<T>(int panel) where T : unmanaged, ILanes<T> =>
        Math.Min(MicroKernel<T>.Columns, _columns - (panel * MicroKernel<T>.Columns));

    /// <summary>Computes U = G g Gᵀ of inputs [first, last) and the output channels of a panel.</summary>
    private void TransformFilters<T>(int first, int last, int panel, float* u, long uPoint)
        where T : unmanaged, ILanes<T>
    {
        int width = MicroKernel<T>.Columns, columns = ColumnsOf<T>(panel);
        long tap = (long)_depth * _columns;
        T* g = stackalloc T[18];
        for (int k = first; k < last; k++, u += width)
        {
            for (int lane = 0; lane < columns; lane += T.Count)
            {
                float* w = filter + ((long)k * _columns) + (panel * width) + lane;
                for (int j = 0; j < 3; j++)
                {
                    float* at = w + (j * tap);
                    WinogradTransforms.Filter(
                        T.Load(at), T.Load(at + (3 * tap)), T.Load(at + (6 * tap)), (float*)(g + j), 3 * T.Count);
                }

                for (int i = 0; i < 6; i++)
                {
                    T* row = g + (3 * i);
                    WinogradTransforms.Filter(row[0], row[1], row[2], u + (6 * i * uPoint) + lane, uPoint);
                }
            }
        }
    }
}
