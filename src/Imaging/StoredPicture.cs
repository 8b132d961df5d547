using System.Numerics;
using System.Runtime.CompilerServices;

namespace NativeStyle.Imaging;

/// <summary>
/// A picture as its file stores it, with one or two bytes per sample instead of a float's four. It is decoded once and
/// kept.
/// </summary>
/// <param name="height">The number of rows.</param>
/// <param name="width">The number of columns.</param>
/// <param name="rgb">(height, width, RGB). The type's largest value is white.</param>
internal sealed class StoredPicture<T>(int height, int width, T[] rgb) : PictureSource
    where T : unmanaged, IBinaryInteger<T>, IMinMaxValue<T>
{
    public override int Height => height;

    public override int Width => width;

    public override long HeldBytes => rgb.LongLength * Unsafe.SizeOf<T>();

    public override void ForEachRow(RowReader row)
    {
        float largest = float.CreateChecked(T.MaxValue);
        float[] values = new float[3 * width];
        for (int y = 0; y < height; y++)
        {
            ReadOnlySpan<T> samples = rgb.AsSpan(y * values.Length, values.Length);
            for (int i = 0; i < values.Length; i++) values[i] = float.CreateTruncating(samples[i]) / largest;
            row(y, values);
        }
    }
}
