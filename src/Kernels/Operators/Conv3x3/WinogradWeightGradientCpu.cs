using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Memory;
using NativeStyle.Kernels.Simd;

namespace NativeStyle.Kernels.Operators.Conv3x3;

/// <summary>
/// The gradient to weights of <see cref="WinogradCpu"/>. Its output is linear in g, so the gradient is the transposed
/// map, with the same products:
/// <code>
///   dg = Gᵀ [ sum over tiles of (Bᵀ d B) ∘ (A dY Aᵀ) ] G        dY 4x4 gradients of a tile's outputs
/// </code>
/// For all channels, the sums are 36 matrix products Vᵀ Z, (in x tiles) (tiles x out). A part of the work is a piece of
/// the tiles by some or all panels of output channels. It goes by blocks of tiles, so that their V and Z stay in the
/// core's cache. The sums of pieces are added in their order. Pieces and blocks depend on the shape alone.
/// </summary>
/// <param name="inputs">The convolution's input.</param>
/// <param name="outChannels">Channels of the output; whole vectors.</param>
/// <param name="dy">The gradient of the output, (out height, out width, out).</param>
/// <param name="dw">(3, 3, in, out).</param>
/// <param name="beta">0 to overwrite dw, 1 to add to it.</param>
internal sealed unsafe class WinogradWeightGradientCpu(
    WinogradGeometry geometry, WinogradInputs inputs, int outChannels, float* dy, float* dw, float beta) : IVectorJob
{
    private const int Points = WinogradTransforms.Points;
    private const int Skew = WinogradTransforms.Skew;

    /// <summary>
    /// Tiles whose products are summed before they are added to the sums of the tiles before. With 64 channels their V
    /// and Z take half a megabyte.
    /// </summary>
    private const int Block = 24;

    /// <summary>Tiles of a piece at least, so that its sums are worth their memory.</summary>
    private const int PieceTiles = 3 * Block;

    /// <summary>Output channels of all pieces together, at most: it bounds the memory of their sums.</summary>
    private const int PieceColumns = 512;

    private readonly int _tilesAcross = geometry.TilesAcross;

    /// <inheritdoc cref="Conv3x3Op.BackwardWeights"/>
    public static void BackwardWeights(CpuDevice cpu, Conv3x3Op.BackwardWeightsArguments a)
    {
        var geometry = WinogradGeometry.ZeroPadded(a.Shape.Height, a.Shape.Width);
        var inputs = new WinogradInputs(geometry, a.Shape.InChannels, a.Input.Pointer);
        cpu.Vectorize(new WinogradWeightGradientCpu(
            geometry, inputs, a.Shape.OutChannels, a.GradPreactivation.Pointer, a.GradFilter.Pointer, a.Beta));
    }

    public void Run<T>(CpuDevice cpu) where T : unmanaged, ILanes<T>
    {
        int tiles = geometry.Tiles, depth = inputs.Channels;
        int width = MicroKernel<T>.Columns, panels = MicroKernel<T>.Panels(outChannels);
        int rows = MicroKernel<T>.RoundUpRows(depth);
        int pieces = Math.Clamp(PieceColumns / outChannels, 1, (tiles + PieceTiles - 1) / PieceTiles);
        // All panels of a piece share its V, unless that leaves too few parts for the threads.
        int group = Math.Clamp(panels * pieces / (2 * cpu.Threads), 1, panels), groups = (panels + group - 1) / group;
        long sumsPanel = (long)rows * width, sumsPoint = panels * sumsPanel, sumsPiece = Points * sumsPoint;
        using DeviceBuffer<float> partials = cpu.Allocate<float>(pieces * sumsPiece);
        float* sums = partials.View.Pointer;

        long vRow = depth + Skew, vPoint = (Block * vRow) + Skew;
        long zPanel = (long)Block * width, zPoint = (group * zPanel) + Skew;
        cpu.Parallel(pieces * groups, (Points * (vPoint + zPoint)) + depth, (part, v) =>
        {
            (int piece, int firstPanel) = (part / groups, part % groups * group);
            int first = (int)((long)tiles * piece / pieces), end = (int)((long)tiles * (piece + 1) / pieces);
            int lastPanel = Math.Min(panels, firstPanel + group);
            float* z = v + (Points * vPoint), zeros = z + (Points * zPoint);
            // Rows of the product after the last input read the space between the rows of V.
            for (int point = 0; point < Points; point++)
                for (int t = 0; t < Block; t++) default(T).Store(v + (point * vPoint) + (t * vRow) + depth);
            for (int start = first; start < end; start += Block)
            {
                int count = Math.Min(Block, end - start);
                inputs.Transform<T>(start, count, v, vRow, vPoint, zeros);
                for (int panel = firstPanel; panel < lastPanel; panel++)
                {
                    int columns = Math.Min(width, outChannels - (panel * width));
                    TransformGradients<T>(
                        start, count, panel * width, columns, z + ((panel - firstPanel) * zPanel), width, zPoint);
                }

                for (int point = 0; point < Points; point++)
                {
                    for (int panel = firstPanel; panel < lastPanel; panel++)
                    {
                        MicroKernel<T>.Run(
                            rows, Math.Min(width, outChannels - (panel * width)), count,
                            v + (point * vPoint), 1, (nint)vRow,
                            z + (point * zPoint) + ((panel - firstPanel) * zPanel), width,
                            sums + (piece * sumsPiece) + (point * sumsPoint) + (panel * sumsPanel), width,
                            start > first);
                    }
                }
            }
        });

        cpu.Parallel(Points, point =>
        {
            float* to = sums + (point * sumsPoint);
            for (int piece = 1; piece < pieces; piece++) Add<T>(to + (piece * sumsPiece), to, sumsPoint);
        });
        cpu.Parallel(depth, input =>
        {
            for (int column = 0; column < outChannels; column += T.Count)
            {
                float* s = sums + (column / width * sumsPanel) + (input * (long)width) + (column % width);
                TransformSums<T>(s, sumsPoint, input, column);
            }
        });
    }

    /// <summary>Computes Z = A dY Aᵀ of tiles for a panel of output channels; zero outside the output.</summary>
    private void TransformGradients<T>(
        int first, int count, int firstChannel, int channels, float* z, long zRow, long zPoint)
        where T : unmanaged, ILanes<T>
    {
        T* half = stackalloc T[24];
        T* y = stackalloc T[16];
        for (int t = 0; t < count; t++)
        {
            int top = (first + t) / _tilesAcross * 4, left = (first + t) % _tilesAcross * 4;
            int height = Math.Min(4, geometry.OutHeight - top), width = Math.Min(4, geometry.OutWidth - left);
            float* tile = dy + (((((long)top * geometry.OutWidth) + left) * outChannels) + firstChannel);
            for (int c = 0; c < channels; c += T.Count)
            {
                for (int i = 0; i < 4; i++)
                {
                    for (int j = 0; j < 4; j++)
                    {
                        y[(4 * i) + j] = i < height && j < width
                            ? T.Load(tile + ((((long)i * geometry.OutWidth) + j) * outChannels) + c) : default;
                    }
                }

                for (int j = 0; j < 4; j++)
                    WinogradTransforms.Gradient(y[j], y[4 + j], y[8 + j], y[12 + j], (float*)(half + j), 4 * T.Count);
                float* to = z + (t * zRow) + c;
                for (int i = 0; i < 6; i++)
                {
                    T* h = half + (4 * i);
                    WinogradTransforms.Gradient(h[0], h[1], h[2], h[3], to + (6 * i * zPoint), zPoint);
                }
            }
        }
    }

    private static void Add<T>(float* from, float* to, long length) where T : unmanaged, ILanes<T>
    {
        for (long i = 0; i < length; i += T.Count) (T.Load(to + i) + T.Load(from + i)).Store(to + i);
    }

    /// <summary>Computes Gᵀ S G of the sums S of an input and a vector of outputs.</summary>
    private void TransformSums<T>(float* s, long point, int input, int column) where T : unmanaged, ILanes<T>
    {
        T* half = stackalloc T[18];
        T* g = stackalloc T[9];
        for (int j = 0; j < 6; j++)
        {
            float* from = s + (j * point);
            WinogradTransforms.FilterGradient(
                T.Load(from), T.Load(from + (6 * point)), T.Load(from + (12 * point)), T.Load(from + (18 * point)),
                T.Load(from + (24 * point)), T.Load(from + (30 * point)), half + j, 6);
        }

        for (int i = 0; i < 3; i++)
        {
            T* h = half + (6 * i);
            WinogradTransforms.FilterGradient(h[0], h[1], h[2], h[3], h[4], h[5], g + (3 * i), 1);
        }

        float* to = dw + ((long)input * outChannels) + column;
        for (int tap = 0; tap < 9; tap++, to += (long)inputs.Channels * outChannels)
        {
            if (beta == 0f) g[tap].Store(to);
            else T.MultiplyAdd(T.Broadcast(beta), T.Load(to), g[tap]).Store(to);
        }
    }
}
