namespace NativeStyle.Imaging;

/// <summary>
/// Resizes by separable convolution with a cubic filter (Catmull-Rom; Keys 1981). When it shrinks, the filter is
/// widened by the scale so that nothing aliases. At borders the weights are normalised again over the pixels that
/// exist.
/// </summary>
public static class Resampler
{
    /// <summary>
    /// Returns the picture at another size. Values may overshoot [0, 1] a little at edges, and are clamped.
    /// </summary>
    public static Picture Resize(Picture picture, int height, int width)
    {
        if ((height, width) == (picture.Height, picture.Width)) return picture;
        float[] resized = Resize(picture.Pixels, picture.Height, picture.Width, 3, height, width);
        for (int i = 0; i < resized.Length; i++) resized[i] = Math.Clamp(resized[i], 0f, 1f);
        return new Picture(height, width, resized) { Notices = picture.Notices };
    }

    /// <summary>Returns a map (height, width, channels) at another size, without clamping.</summary>
    public static float[] Resize(float[] values, int height, int width, int channels, int newHeight, int newWidth)
    {
        float[] wide = Pass(values, height, width, channels, newWidth, alongRows: true);
        return Pass(wide, height, newWidth, channels, newHeight, alongRows: false);
    }

    /// <summary>
    /// Returns height and width with the longest side <paramref name="size"/>. The aspect ratio is kept, and each side
    /// has at least one pixel.
    /// </summary>
    public static (int Height, int Width) FitInto(int height, int width, int size)
    {
        double scale = (double)size / Math.Max(height, width);
        return (Math.Max(1, (int)Math.Round(height * scale)), Math.Max(1, (int)Math.Round(width * scale)));
    }

    private static float[] Pass(float[] from, int height, int width, int channels, int newSize, bool alongRows)
    {
        int size = alongRows ? width : height;
        if (newSize == size) return from;
        (int First, float[] Weights)[] taps = Taps(size, newSize);
        (int newHeight, int newWidth) = alongRows ? (height, newSize) : (newSize, width);
        float[] to = new float[checked(newHeight * newWidth * channels)];
        int step = alongRows ? channels : width * channels;
        Parallel.For(0, newHeight, row =>
        {
            for (int column = 0; column < newWidth; column++)
            {
                (int first, float[] weights) = taps[alongRows ? column : row];
                int source = alongRows ? ((row * width) + first) * channels : ((first * width) + column) * channels;
                int target = ((row * newWidth) + column) * channels;
                for (int c = 0; c < channels; c++)
                {
                    float sum = 0;
                    for (int k = 0; k < weights.Length; k++) sum += weights[k] * from[source + (k * step) + c];
                    to[target + c] = sum;
                }
            }
        });
        return to;
    }

    /// <summary>
    /// Returns for each new position the first old position and the weights from there on, which sum to one. Both the
    /// first and the last old position grow with the new position.
    /// </summary>
    internal static (int First, float[] Weights)[] Taps(int size, int newSize)
    {
        double scale = (double)size / newSize;
        double stretch = Math.Max(1, scale);
        var taps = new (int, float[])[newSize];
        for (int i = 0; i < newSize; i++)
        {
            double center = ((i + 0.5) * scale) - 0.5;
            int first = Math.Max(0, (int)Math.Ceiling(center - (2 * stretch)));
            int last = Math.Min(size - 1, (int)Math.Floor(center + (2 * stretch)));
            double[] weights = new double[last - first + 1];
            for (int k = 0; k < weights.Length; k++) weights[k] = CatmullRom((first + k - center) / stretch);
            double sum = weights.Sum();
            taps[i] = (first, Array.ConvertAll(weights, weight => (float)(weight / sum)));
        }

        return taps;
    }

    private static double CatmullRom(double x)
    {
        x = Math.Abs(x);
        return x < 1 ? (((1.5 * x) - 2.5) * x * x) + 1 : x < 2 ? ((((-0.5 * x) + 2.5) * x) - 4) * x + 2 : 0;
    }
}
