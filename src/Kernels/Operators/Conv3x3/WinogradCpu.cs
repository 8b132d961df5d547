using System.Runtime.CompilerServices;
using ILGPU;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Memory;
using NativeStyle.Kernels.Operators.Pool2x2;
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
internal sealed unsafe class WinogradCpu : IVectorJob
{
    private const int Points = 36;

    /// <summary>
    /// Floats added to strides that are powers of two, so that rows and matrices fall on different cache sets.
    /// </summary>
    private const int Skew = 16;

    /// <summary>
    /// Input channels that are multiplied at a time: a panel of U (128 x 32 floats, 16 KiB) then stays in the
    /// first-level cache while all rows stream past. It is a constant because the sum of a slice is added to the sum of
    /// the slices before it.
    /// </summary>
    private const int DepthSlice = 128;

    private readonly Conv3x3Shape _shape;
    private readonly PoolShape _pool;
    private readonly int _depth;
    private readonly int _columns;
    private readonly int _tilesAcross;
    private readonly int _tiles;
    private readonly long _gateBytes;
    private readonly float* _filter;
    private readonly float* _input;
    private readonly float* _output;
    private readonly float* _bias;
    private readonly byte* _gate;
    private readonly float _beta;
    private readonly bool _backward;

    private WinogradCpu(
        Conv3x3Shape shape, bool backward, ArrayView<float> filter, ArrayView<float> input, ArrayView<float> output,
        ArrayView<float> bias, ArrayView<uint> gate, float beta)
    {
        (_shape, _backward, _beta) = (shape, backward, beta);
        (_depth, _columns) = backward ? (shape.OutChannels, shape.InChannels) : (shape.InChannels, shape.OutChannels);
        (_tilesAcross, _tiles) = ((shape.Width + 3) / 4, (shape.Width + 3) / 4 * ((shape.Height + 3) / 4));
        _filter = filter.Pointer;
        _input = input.Pointer;
        _output = output.Pointer;
        _bias = bias.Pointer;
        _gate = (byte*)gate.Pointer;
        _gateBytes = shape.GateWordsPerPixel * sizeof(uint);
        _pool = shape.PoolShape;
    }

    /// <summary>
    /// Whether this form takes a shape: it needs whole vectors of channels, and zeros outside the picture.
    /// </summary>
    public static bool Fits(CpuDevice cpu, Conv3x3Shape shape)
    {
        int lanes = cpu.VectorBits == 512 ? 16 : 8;
        return shape.Padding == Padding.Zero && shape.InChannels % lanes == 0 && shape.OutChannels % lanes == 0;
    }

    /// <inheritdoc cref="Conv3x3Op.Forward"/>
    public static void Forward(CpuDevice cpu, Conv3x3Op.ForwardArguments a) =>
        cpu.Vectorize(new WinogradCpu(a.Shape, false, a.Weights.Filter, a.Input, a.Output, a.Weights.Bias, a.Gate, 0f));

    /// <summary>
    /// Runs backward to data as the same convolution, with filters rotated by 180 degrees and in and out exchanged.
    /// </summary>
    /// <inheritdoc cref="Conv3x3Op.BackwardData"/>
    public static void BackwardData(CpuDevice cpu, Conv3x3Op.BackwardDataArguments a) =>
        cpu.Vectorize(new WinogradCpu(
            a.Shape, true, a.Weights.Transposed(cpu), a.GradOutput, a.GradInput, default, a.Gate, a.Beta));

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
            TransformInputs<T>(first, count, v, vRow, vPoint, zeros);
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
                                MicroKernel<T>.RoundUpRows(count), Math.Min(DepthSlice, _depth - k),
                                v + (point * vPoint) + k, (nint)vRow, 1,
                                u + (point * uPoint) + ((start + panel) * uPanel) + ((long)k * width), width,
                                m + (point * mPoint) + (panel * width), (nint)mRow, k > 0);
                        }
                    }
                }

                int channels = Math.Min(groupPanels * width, _columns - (start * width));
                TransformOutputs<T>(first, count, start * width, channels, m, mRow, mPoint);
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
            TransformInputs<T>(first, Math.Min(Chunk, _tiles - first), v + (first * vRow), vRow, vPoint, zeros);
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
                        MicroKernel<T>.RoundUpRows(count), sliceDepth,
                        v + (point * vPoint) + (first * vRow) + start, (nint)vRow, 1,
                        u + (point * uPoint), width, m + (point * mPoint), width, start > 0);
                }
            }

            int channels = Math.Min(width, _columns - (panel * width));
            TransformOutputs<T>(first, count, panel * width, channels, m, width, mPoint);
        });
    }

    /// <summary>
    /// Computes U = G g Gᵀ of inputs [first, last) and the output channels of a panel, zero after the last one.
    /// </summary>
    private void TransformFilters<T>(int first, int last, int panel, float* u, long uPoint)
        where T : unmanaged, ILanes<T>
    {
        int width = MicroKernel<T>.Columns;
        long tap = (long)_depth * _columns;
        T* g = stackalloc T[18];
        for (int k = first; k < last; k++, u += width)
        {
            for (int lane = 0; lane < width; lane += T.Count)
            {
                int column = (panel * width) + lane;
                float* w = _filter + ((long)k * _columns) + column;
                if (column >= _columns)
                {
                    for (int point = 0; point < Points; point++) default(T).Store(u + (point * uPoint) + lane);
                    continue;
                }

                for (int j = 0; j < 3; j++)
                {
                    float* at = w + (j * tap);
                    TransformFilter(
                        T.Load(at), T.Load(at + (3 * tap)), T.Load(at + (6 * tap)), (float*)(g + j), 3 * T.Count);
                }

                for (int i = 0; i < 6; i++)
                    TransformFilter(g[3 * i], g[(3 * i) + 1], g[(3 * i) + 2], u + (6 * i * uPoint) + lane, uPoint);
            }
        }
    }

    /// <summary>
    /// Computes V = Bᵀ d B of tiles, all channels. Rows that only fill up the last micro-kernel become zeros.
    /// </summary>
    /// <param name="zeros">Scratch for as many floats as there are channels.</param>
    private void TransformInputs<T>(int first, int count, float* v, long vRow, long vPoint, float* zeros)
        where T : unmanaged, ILanes<T>
    {
        new Span<float>(zeros, _depth).Clear();
        Patch* patch = stackalloc Patch[1];
        T* half = stackalloc T[Points];
        for (int t = 0; t < count; t++)
        {
            Locate(first + t, patch, zeros);
            for (int c = 0; c < _depth; c += T.Count)
            {
                for (int j = 0; j < 6; j++)
                {
                    TransformInput(
                        Fetch<T>(patch, j, c), Fetch<T>(patch, 6 + j, c), Fetch<T>(patch, 12 + j, c),
                        Fetch<T>(patch, 18 + j, c), Fetch<T>(patch, 24 + j, c), Fetch<T>(patch, 30 + j, c),
                        (float*)(half + j), 6 * T.Count);
                }

                float* to = v + (t * vRow) + c;
                for (int i = 0; i < 6; i++)
                {
                    T* h = half + (6 * i);
                    TransformInput(h[0], h[1], h[2], h[3], h[4], h[5], to + (6 * i * vPoint), vPoint);
                }
            }
        }

        for (int row = count; row < MicroKernel<T>.RoundUpRows(count); row++)
        {
            for (int point = 0; point < Points; point++)
                new Span<float>(v + (row * vRow) + (point * vPoint), _depth).Clear();
        }
    }

    /// <summary>
    /// Finds where the 36 pixels of a tile's patch lie: in zeros outside the picture, and in the pooled window when
    /// going backward through pooling.
    /// </summary>
    private void Locate(int tile, Patch* patch, float* zeros)
    {
        int top = (tile / _tilesAcross * 4) - 1, left = (tile % _tilesAcross * 4) - 1;
        patch->Gated = _backward && _gate != null;
        patch->Shared = _backward && _shape.Pooling == Pooling.Average;
        for (int at = 0; at < Points; at++)
        {
            (int y, int x) = (top + (at / 6), left + (at % 6));
            patch->SetData(at, zeros);
            patch->SetGate(at, (byte*)zeros);
            patch->Shares[at] = 0f;
            if ((uint)y >= (uint)_shape.Height || (uint)x >= (uint)_shape.Width) continue;
            long pixel = ((long)y * _shape.Width) + x;
            if (patch->Gated) patch->SetGate(at, _gate + (pixel * _gateBytes));
            if (!_backward || _shape.Pooling == Pooling.None)
            {
                patch->SetData(at, _input + (pixel * _depth));
            }
            else if (y / 2 < _pool.OutHeight && x / 2 < _pool.OutWidth)
            {
                patch->SetData(at, _input + ((((long)(y / 2) * _pool.OutWidth) + (x / 2)) * _depth));
                patch->Shares[at] = 1f / _pool.WindowPixels(y / 2, x / 2);
            }
        }
    }

    /// <summary>Reads a vector of one pixel of the patch, from channel <paramref name="c"/> on.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static T Fetch<T>(Patch* patch, int at, int c) where T : unmanaged, ILanes<T>
    {
        T value = T.Load(patch->Data(at) + c);
        if (patch->Gated) value = value.MaskedBy(patch->Gate(at) + (c >> 3));
        return patch->Shared ? value * T.Broadcast(patch->Shares[at]) : value;
    }

    /// <summary>
    /// Computes Y = Aᵀ m A of tiles and a range of channels, with all that follows, for the pixels that exist.
    /// </summary>
    private void TransformOutputs<T>(
        int first, int count, int firstChannel, int channels, float* m, long mRow, long mPoint)
        where T : unmanaged, ILanes<T>
    {
        T* half = stackalloc T[24];
        T* y = stackalloc T[16];
        for (int t = 0; t < count; t++)
        {
            int top = (first + t) / _tilesAcross * 4, left = (first + t) % _tilesAcross * 4;
            int height = Math.Min(4, _shape.Height - top), width = Math.Min(4, _shape.Width - left);
            for (int c = 0; c < channels; c += T.Count)
            {
                for (int j = 0; j < 6; j++)
                {
                    float* from = m + (t * mRow) + (j * mPoint) + c;
                    TransformOutput(
                        T.Load(from), T.Load(from + (6 * mPoint)), T.Load(from + (12 * mPoint)),
                        T.Load(from + (18 * mPoint)), T.Load(from + (24 * mPoint)), T.Load(from + (30 * mPoint)),
                        half + j, 6);
                }

                for (int i = 0; i < 4; i++)
                {
                    T* h = half + (6 * i);
                    TransformOutput(h[0], h[1], h[2], h[3], h[4], h[5], y + (4 * i), 1);
                }

                int channel = firstChannel + c;
                if (_backward)
                {
                    Store(y, top, left, height, width, channel);
                    continue;
                }

                T offset = T.Load(_bias + channel);
                for (int i = 0; i < 16; i++)
                {
                    y[i] += offset;
                    if (_shape.Relu) y[i] = T.Max(default, y[i]);
                }

                if (_shape.Pooling == Pooling.None)
                {
                    Store(y, top, left, height, width, channel);
                    if (_gate != null) StoreGates(y, top, left, height, width, channel);
                }
                else
                {
                    for (int i = 0; i < height; i += 2)
                        for (int j = 0; j < width; j += 2) Pool(y + (4 * i) + j, top + i, left + j, channel);
                }
            }
        }
    }

    private void Store<T>(T* y, int top, int left, int height, int width, int channel) where T : unmanaged, ILanes<T>
    {
        for (int i = 0; i < height; i++)
        {
            float* to = _output + (((((long)top + i) * _shape.Width) + left) * _columns) + channel;
            for (int j = 0; j < width; j++, to += _columns)
            {
                if (_beta == 0f) y[(4 * i) + j].Store(to);
                else T.MultiplyAdd(T.Broadcast(_beta), T.Load(to), y[(4 * i) + j]).Store(to);
            }
        }
    }

    private void StoreGates<T>(T* y, int top, int left, int height, int width, int channel)
        where T : unmanaged, ILanes<T>
    {
        for (int i = 0; i < height; i++)
        {
            byte* to = _gate + (((((long)top + i) * _shape.Width) + left) * _gateBytes) + (channel >> 3);
            for (int j = 0; j < width; j++, to += _gateBytes) T.GreaterThan(y[(4 * i) + j], default).StoreBits(to);
        }
    }

    /// <summary>
    /// Pools one window, y[0], y[1] above y[4], y[5], whose upper left pixel is (row, column). Writes its gate bits.
    /// </summary>
    private void Pool<T>(T* y, int row, int column, int channel) where T : unmanaged, ILanes<T>
    {
        (int windowRow, int windowColumn) = (row / 2, column / 2);
        bool pooled = windowRow < _pool.OutHeight && windowColumn < _pool.OutWidth;
        int rows = Math.Min(2, _shape.Height - row), columns = Math.Min(2, _shape.Width - column);
        bool average = _shape.Pooling == Pooling.Average;
        T sum = default, largest = y[0];
        for (int i = 0; i < rows; i++)
        {
            for (int j = 0; j < columns; j++)
            {
                if (average) sum += y[(4 * i) + j];
                else largest = T.MaxOrNaN(largest, y[(4 * i) + j]);
            }
        }

        if (pooled)
        {
            T value = average ? sum * T.Broadcast(1f / (rows * columns)) : largest;
            value.Store(_output + ((((long)windowRow * _pool.OutWidth) + windowColumn) * _columns) + channel);
        }

        if (_gate == null) return;
        // Only the first of equal maxima lets the gradient through.
        T earlier = default;
        for (int i = 0; i < rows; i++)
        {
            for (int j = 0; j < columns; j++)
            {
                T open = pooled ? T.GreaterThan(y[(4 * i) + j], default) : default;
                if (!average)
                {
                    T holds = T.Equal(y[(4 * i) + j], largest);
                    open = (open & holds).Without(earlier);
                    earlier |= holds;
                }

                open.StoreBits(_gate + (((((long)row + i) * _shape.Width) + column + j) * _gateBytes) + (channel >> 3));
            }
        }
    }

    /// <summary>
    /// G g in one dimension: six points of a polynomial of degree two, at 0, 1, -1, 2, -2 and infinity.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void TransformFilter<T>(T g0, T g1, T g2, float* to, long stride) where T : unmanaged, ILanes<T>
    {
        T sixth = T.Broadcast(1f / 6f);
        T outer = (g0 + g2) * T.Broadcast(-1f / 6f), inner = g1 * sixth;
        T even = T.MultiplyAdd(g0, T.Broadcast(1f / 24f), g2 * sixth), odd = g1 * T.Broadcast(1f / 12f);
        (g0 * T.Broadcast(0.25f)).Store(to);
        (outer - inner).Store(to + stride);
        (outer + inner).Store(to + (2 * stride));
        (even + odd).Store(to + (3 * stride));
        (even - odd).Store(to + (4 * stride));
        g2.Store(to + (5 * stride));
    }

    /// <summary>Bᵀ d in one dimension.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void TransformInput<T>(T d0, T d1, T d2, T d3, T d4, T d5, float* to, long stride)
        where T : unmanaged, ILanes<T>
    {
        T four = T.Broadcast(4f), minusFour = T.Broadcast(-4f), minusFive = T.Broadcast(-5f);
        T even = T.MultiplyAdd(minusFour, d2, d4), odd = T.MultiplyAdd(minusFour, d1, d3);
        T difference = d4 - d2, twice = T.Broadcast(2f) * (d3 - d1);
        T.MultiplyAdd(four, d0, T.MultiplyAdd(minusFive, d2, d4)).Store(to);
        (even + odd).Store(to + stride);
        (even - odd).Store(to + (2 * stride));
        (difference + twice).Store(to + (3 * stride));
        (difference - twice).Store(to + (4 * stride));
        T.MultiplyAdd(four, d1, T.MultiplyAdd(minusFive, d3, d5)).Store(to + (5 * stride));
    }

    /// <summary>Aᵀ m in one dimension.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void TransformOutput<T>(T m0, T m1, T m2, T m3, T m4, T m5, T* to, int stride)
        where T : unmanaged, ILanes<T>
    {
        T sum = m1 + m2, difference = m1 - m2, outerSum = m3 + m4, outerDifference = m3 - m4;
        to[0] = m0 + sum + outerSum;
        to[stride] = T.MultiplyAdd(T.Broadcast(2f), outerDifference, difference);
        to[2 * stride] = T.MultiplyAdd(T.Broadcast(4f), outerSum, sum);
        to[3 * stride] = T.MultiplyAdd(T.Broadcast(8f), outerDifference, difference) + m5;
    }

    /// <summary>For each pixel of a patch: its channels, its gate bits, and its share of a pooled gradient.</summary>
    private struct Patch
    {
        public bool Gated;
        public bool Shared;
        public fixed float Shares[Points];
        private fixed ulong _data[Points];
        private fixed ulong _gates[Points];

        public readonly float* Data(int at) => (float*)_data[at];

        public readonly byte* Gate(int at) => (byte*)_gates[at];

        public void SetData(int at, float* address) => _data[at] = (ulong)address;

        public void SetGate(int at, byte* address) => _gates[at] = (ulong)address;
    }
}
