using System.Runtime.CompilerServices;
using NativeStyle.Kernels.Operators.Pool2x2;
using NativeStyle.Kernels.Simd;

namespace NativeStyle.Kernels.Operators.Conv3x3;

/// <summary>
/// Reads the input's patches of tiles as Winograd's V = Bᵀ d B. The gate bits and the pooling's backward are applied
/// while reading.
/// </summary>
/// <param name="channels">Channels of the input; whole vectors.</param>
/// <param name="input">(in height, in width, channels), or as small as the pooling made it.</param>
/// <param name="gate">The gate bits of the input's elements, or null if all of them pass.</param>
/// <param name="end">The pooling that the input is the gradient of; default without pooling.</param>
internal sealed unsafe class WinogradInputs(
    WinogradGeometry geometry, int channels, float* input, byte* gate = null, Conv3x3Shape end = default)
{
    private const int Points = WinogradTransforms.Points;

    private readonly int _tilesAcross = geometry.TilesAcross;
    private readonly long _gateBytes = end.GateWordsPerPixel * sizeof(uint);
    private readonly PoolShape _pool = end.PoolShape;

    public int Channels => channels;

    /// <summary>
    /// Computes V = Bᵀ d B of tiles, all channels. Rows that only fill up the last micro-kernel become zeros.
    /// </summary>
    /// <param name="zeros">Scratch for as many floats as there are channels.</param>
    public void Transform<T>(int first, int count, float* v, long vRow, long vPoint, float* zeros)
        where T : unmanaged, ILanes<T>
    {
        new Span<float>(zeros, channels).Clear();
        Patch* patch = stackalloc Patch[1];
        patch->Gated = gate != null;
        patch->Shared = end.Pooling == Pooling.Average;
        T* half = stackalloc T[Points];
        for (int t = 0; t < count; t++)
        {
            Locate(first + t, patch, zeros);
            for (int c = 0; c < channels; c += T.Count)
            {
                for (int j = 0; j < 6; j++)
                {
                    WinogradTransforms.Input(
                        Fetch<T>(patch, j, c), Fetch<T>(patch, 6 + j, c), Fetch<T>(patch, 12 + j, c),
                        Fetch<T>(patch, 18 + j, c), Fetch<T>(patch, 24 + j, c), Fetch<T>(patch, 30 + j, c),
                        (float*)(half + j), 6 * T.Count);
                }

                float* to = v + (t * vRow) + c;
                for (int i = 0; i < 6; i++)
                {
                    T* h = half + (6 * i);
                    WinogradTransforms.Input(h[0], h[1], h[2], h[3], h[4], h[5], to + (6 * i * vPoint), vPoint);
                }
            }
        }

        for (int row = count; row < MicroKernel<T>.RoundUpRows(count); row++)
        {
            for (int point = 0; point < Points; point++)
                new Span<float>(v + (row * vRow) + (point * vPoint), channels).Clear();
        }
    }

    /// <summary>
    /// Finds where the 36 pixels of a tile's patch lie: in zeros outside the input, and in the pooled window when going
    /// backward through pooling.
    /// </summary>
    private void Locate(int tile, Patch* patch, float* zeros)
    {
        int top = (tile / _tilesAcross * 4) - geometry.Offset, left = (tile % _tilesAcross * 4) - geometry.Offset;
        int at = 0;
        for (int y = top; y < top + 6; y++)
        {
            for (int x = left; x < left + 6; x++, at++)
            {
                patch->SetData(at, zeros);
                if (patch->Gated) patch->SetGate(at, (byte*)zeros);
                if (patch->Shared) patch->Shares[at] = 0f;
                if ((uint)y >= (uint)geometry.InHeight || (uint)x >= (uint)geometry.InWidth) continue;
                long pixel = ((long)y * geometry.InWidth) + x;
                if (patch->Gated) patch->SetGate(at, gate + (pixel * _gateBytes));
                if (end.Pooling == Pooling.None) patch->SetData(at, input + (pixel * channels));
                else LocatePooled(at, y / 2, x / 2, patch);
            }
        }
    }

    private void LocatePooled(int at, int row, int column, Patch* patch)
    {
        if (row >= _pool.OutHeight || column >= _pool.OutWidth) return;
        patch->SetData(at, input + ((((long)row * _pool.OutWidth) + column) * channels));
        if (patch->Shared) patch->Shares[at] = 1f / _pool.WindowPixels(row, column);
    }

    /// <summary>Reads a vector of one pixel of the patch, from channel <paramref name="c"/> on.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static T Fetch<T>(Patch* patch, int at, int c) where T : unmanaged, ILanes<T>
    {
        T value = T.Load(patch->Data(at) + c);
        if (patch->Gated) value = value.MaskedBy(patch->Gate(at) + (c >> 3));
        return patch->Shared ? value * T.Broadcast(patch->Shares[at]) : value;
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
