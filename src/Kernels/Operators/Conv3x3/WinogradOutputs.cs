using NativeStyle.Kernels.Operators.Pool2x2;
using NativeStyle.Kernels.Simd;

namespace NativeStyle.Kernels.Operators.Conv3x3;

/// <summary>
/// Writes the outputs of tiles, Y = Aᵀ M A, and what follows the convolution with them: bias, ReLU, its gate bits and
/// pooling.
/// </summary>
/// <param name="channels">Channels of the output; whole vectors.</param>
/// <param name="output">(out height, out width, channels), or pooled.</param>
/// <param name="bias">(channels); null if nothing follows the convolution.</param>
/// <param name="gate">Receives the gate bits, unless it is null.</param>
/// <param name="end">The activation and the pooling; default without both.</param>
/// <param name="beta">0 to overwrite the output, 1 to add to it; 0 with a bias.</param>
internal sealed unsafe class WinogradOutputs(
    WinogradGeometry geometry, int channels, float* output, float* bias, byte* gate = null,
    Conv3x3Shape end = default, float beta = 0f)
{
    private readonly int _tilesAcross = geometry.TilesAcross;
    private readonly long _gateBytes = end.GateWordsPerPixel * sizeof(uint);
    private readonly PoolShape _pool = end.PoolShape;

    public int Channels => channels;

    /// <summary>
    /// Computes Y = Aᵀ m A of tiles and a range of channels, with all that follows, for the pixels that exist.
    /// </summary>
    public void Transform<T>(
        int first, int count, int firstChannel, int channelCount, float* m, long mRow, long mPoint)
        where T : unmanaged, ILanes<T>
    {
        T* half = stackalloc T[24];
        T* y = stackalloc T[16];
        for (int t = 0; t < count; t++)
        {
            int top = (first + t) / _tilesAcross * 4, left = (first + t) % _tilesAcross * 4;
            int height = Math.Min(4, geometry.OutHeight - top), width = Math.Min(4, geometry.OutWidth - left);
            for (int c = 0; c < channelCount; c += T.Count)
            {
                for (int j = 0; j < 6; j++)
                {
                    float* from = m + (t * mRow) + (j * mPoint) + c;
                    WinogradTransforms.Output(
                        T.Load(from), T.Load(from + (6 * mPoint)), T.Load(from + (12 * mPoint)),
                        T.Load(from + (18 * mPoint)), T.Load(from + (24 * mPoint)), T.Load(from + (30 * mPoint)),
                        half + j, 6);
                }

                for (int i = 0; i < 4; i++)
                {
                    T* h = half + (6 * i);
                    WinogradTransforms.Output(h[0], h[1], h[2], h[3], h[4], h[5], y + (4 * i), 1);
                }

                int channel = firstChannel + c;
                if (bias == null)
                {
                    Store(y, top, left, height, width, channel);
                    continue;
                }

                T offset = T.Load(bias + channel);
                for (int i = 0; i < 16; i++)
                {
                    y[i] += offset;
                    if (end.Relu) y[i] = T.Max(default, y[i]);
                }

                if (end.Pooling == Pooling.None)
                {
                    Store(y, top, left, height, width, channel);
                    if (gate != null) StoreGates(y, top, left, height, width, channel);
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
            float* to = output + (((((long)top + i) * geometry.OutWidth) + left) * channels) + channel;
            for (int j = 0; j < width; j++, to += channels)
            {
                if (beta == 0f) y[(4 * i) + j].Store(to);
                else T.MultiplyAdd(T.Broadcast(beta), T.Load(to), y[(4 * i) + j]).Store(to);
            }
        }
    }

    private void StoreGates<T>(T* y, int top, int left, int height, int width, int channel)
        where T : unmanaged, ILanes<T>
    {
        for (int i = 0; i < height; i++)
        {
            byte* to = gate + (((((long)top + i) * geometry.OutWidth) + left) * _gateBytes) + (channel >> 3);
            for (int j = 0; j < width; j++, to += _gateBytes) T.NotEqual(y[(4 * i) + j], default).StoreBits(to);
        }
    }

    /// <summary>
    /// Pools one window, y[0], y[1] above y[4], y[5], whose upper left pixel is (row, column). Writes its gate bits.
    /// </summary>
    private void Pool<T>(T* y, int row, int column, int channel) where T : unmanaged, ILanes<T>
    {
        (int windowRow, int windowColumn) = (row / 2, column / 2);
        bool pooled = windowRow < _pool.OutHeight && windowColumn < _pool.OutWidth;
        int rows = Math.Min(2, geometry.OutHeight - row), columns = Math.Min(2, geometry.OutWidth - column);
        bool average = end.Pooling == Pooling.Average;
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
            T mean = sum * T.Broadcast(1f / (rows * columns));
            (average ? mean : largest).Store(
                output + ((((long)windowRow * _pool.OutWidth) + windowColumn) * channels) + channel);
        }

        if (gate == null) return;
        // Only the first of equal maxima lets the gradient through, or the first that is not a number. ReLU's other
        // outputs are positive or zero.
        T earlier = default;
        for (int i = 0; i < rows; i++)
        {
            for (int j = 0; j < columns; j++)
            {
                T value = y[(4 * i) + j], open = pooled ? T.NotEqual(value, default) : default;
                if (!average)
                {
                    T holds = T.Equal(value, largest) | T.NotEqual(value, value);
                    open = (open & holds).Without(earlier);
                    earlier |= holds;
                }

                long pixel = (((long)row + i) * geometry.OutWidth) + column + j;
                open.StoreBits(gate + (pixel * _gateBytes) + (channel >> 3));
            }
        }
    }
}
