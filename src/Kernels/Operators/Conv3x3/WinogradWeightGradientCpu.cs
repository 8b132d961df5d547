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
/// the tiles by a panel of output channels. It goes by blocks of tiles, so that their V and Z, and the sums, stay in
/// the core's cache. The sums of pieces are added in their order.
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

    /// <summary>Tiles whose products are summed before they are added to the sums of the tiles before.</summary>
    private static readonly int Block = int.Parse(Environment.GetEnvironmentVariable("WG_BLOCK") ?? "48");

    /// <summary>Output channels of all pieces together: enough parts for many threads, within bounded memory.</summary>
    private static readonly int PieceColumns = int.Parse(Environment.GetEnvironmentVariable("WG_PC") ?? "1024");

    private readonly int _tilesAcross = geometry.TilesAcross;

    public void Run<T>(CpuDevice cpu) where T : unmanaged, ILanes<T>
    {
        int tiles = geometry.Tiles, depth = inputs.Channels;
        int width = MicroKernel<T>.Columns, panels = MicroKernel<T>.Panels(outChannels);
        int rows = MicroKernel<T>.RoundUpRows(depth);
        int pieces = Math.Clamp(PieceColumns / outChannels, 1, (tiles + Block - 1) / Block);
        long sumsPoint = (long)rows * width, sumsPart = Points * sumsPoint;
        using DeviceBuffer<float> partials = cpu.Allocate<float>(pieces * panels * sumsPart);
        float* sums = partials.View.Pointer;

        long vRow = depth + Skew, vPoint = (Block * vRow) + Skew, zPoint = ((long)Block * width) + Skew;
        cpu.Parallel(pieces * panels, (Points * (vPoint + zPoint)) + depth, (part, v) =>
        {
            (int piece, int panel) = (part / panels, part % panels);
            int first = (int)((long)tiles * piece / pieces), end = (int)((long)tiles * (piece + 1) / pieces);
            float* z = v + (Points * vPoint), zeros = z + (Points * zPoint), to = sums + (part * sumsPart);
            // Rows of the product after the last input read the space between the rows of V.
            new Span<float>(v, checked((int)(Points * vPoint))).Clear();
            for (int start = first; start < end; start += Block)
            {
                int count = Math.Min(Block, end - start);
                inputs.Transform<T>(start, count, v, vRow, vPoint, zeros);
                TransformGradients<T>(start, count, panel * width, z, width, zPoint, zeros);
                for (int point = 0; point < Points; point++)
                {
                    MicroKernel<T>.Run(
                        rows, count, v + (point * vPoint), 1, (nint)vRow, z + (point * zPoint), width,
                        to + (point * sumsPoint), width, start > first);
                }
            }
        });

        cpu.Parallel(depth, input =>
        {
            for (int column = 0; column < outChannels; column += T.Count)
            {
                float* from = sums + (column / width * sumsPart) + (input * (long)width) + (column % width);
                TransformSums<T>(from, sumsPoint, panels * sumsPart, pieces, input, column);
            }
        });
    }

    /// <summary>Computes Z = A dY Aᵀ of tiles for a panel of output channels; zero outside the output.</summary>
    private void TransformGradients<T>(
        int first, int count, int firstChannel, float* z, int zRow, long zPoint, float* zeros)
        where T : unmanaged, ILanes<T>
    {
        int channels = Math.Min(zRow, outChannels - firstChannel);
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
                float* to = z + (t * (long)zRow) + c;
                for (int i = 0; i < 6; i++)
                {
                    T* h = half + (4 * i);
                    WinogradTransforms.Gradient(h[0], h[1], h[2], h[3], to + (6 * i * zPoint), zPoint);
                }
            }
        }
    }

    /// <summary>Adds the pieces' sums S of an input and a vector of outputs, and computes Gᵀ S G.</summary>
    private void TransformSums<T>(float* from, long point, long piece, int pieces, int input, int column)
        where T : unmanaged, ILanes<T>
    {
        T* s = stackalloc T[Points];
        T* half = stackalloc T[18];
        T* g = stackalloc T[9];
        for (int at = 0; at < Points; at++)
        {
            s[at] = T.Load(from + (at * point));
            for (int p = 1; p < pieces; p++) s[at] += T.Load(from + (at * point) + (p * piece));
        }

        for (int j = 0; j < 6; j++)
            WinogradTransforms.FilterGradient(s[j], s[6 + j], s[12 + j], s[18 + j], s[24 + j], s[30 + j], half + j, 6);
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
