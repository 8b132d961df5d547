using System.Numerics;
using NativeStyle.Imaging;

namespace NativeStyle.Style;

/// <summary>Gives one picture the colours of another. This keeps the content's colours or brings the style's.</summary>
public static class ColorTransfer
{
    /// <summary>
    /// It is added to variances, so that a picture of a single colour has an inverse too. It is (1/255)² for pixels of
    /// 0..1.
    /// </summary>
    private const float LeastVariance = 1f / (255 * 255);

    /// <summary>The luminance of each pixel (ITU-R BT.601), (height, width).</summary>
    public static float[] Luminance(Picture picture)
    {
        float[] luminance = new float[picture.Pixels.Length / 3];
        for (int i = 0; i < luminance.Length; i++)
        {
            ReadOnlySpan<float> rgb = picture.Pixels.AsSpan(3 * i, 3);
            luminance[i] = (0.299f * rgb[0]) + (0.587f * rgb[1]) + (0.114f * rgb[2]);
        }

        return luminance;
    }

    /// <summary>
    /// Combines the picture's luminance with another picture's chroma. Only Y is replaced in YUV, which in RGB adds the
    /// difference of Y to each channel. Both pictures must have the same size.
    /// </summary>
    public static Picture WithChromaOf(Picture picture, Picture colors)
    {
        float[] from = Luminance(colors), to = Luminance(picture);
        var result = new Picture(picture.Height, picture.Width);
        for (int i = 0; i < result.Pixels.Length; i++)
            result.Pixels[i] = Math.Clamp(colors.Pixels[i] + to[i / 3] - from[i / 3], 0f, 1f);
        return result;
    }

    /// <summary>Replaces each channel's values by the reference's values of the same rank.</summary>
    public static Picture MatchHistogram(Picture picture, Picture reference)
    {
        var result = new Picture(picture.Height, picture.Width);
        int count = picture.Pixels.Length / 3, referenceCount = reference.Pixels.Length / 3;
        for (int channel = 0; channel < 3; channel++)
        {
            float[] values = new float[count], target = new float[referenceCount];
            for (int i = 0; i < count; i++) values[i] = picture.Pixels[(3 * i) + channel];
            for (int i = 0; i < referenceCount; i++) target[i] = reference.Pixels[(3 * i) + channel];
            Array.Sort(target);
            int[] order = [.. Enumerable.Range(0, count).OrderBy(i => values[i])];
            for (int first = 0; first < count;)
            {
                // Equal values stay equal: all of them get the value at the middle of their ranks.
                int last = first;
                while (last + 1 < count && values[order[last + 1]] == values[order[first]]) last++;
                double rank = ((first + last + 1) / 2.0) / count;
                float value = target[Math.Min(referenceCount - 1, (int)(rank * referenceCount))];
                for (; first <= last; first++) result.Pixels[(3 * order[first]) + channel] = value;
            }
        }

        return result;
    }

    /// <summary>
    /// Gives the picture the mean and covariance of another picture's colours. It uses the linear map that moves
    /// colours least, which is the optimal transport between the two normal distributions (Pitié and Kokaram 2007,
    /// "The linear Monge-Kantorovitch linear colour mapping for example-based colour transfer"): x → T (x - mean) +
    /// mean', clamped, with T = C^-½ (C^½ C' C^½)^½ C^-½.
    /// </summary>
    public static PictureSource MatchStatistics(PictureSource picture, PictureSource reference)
    {
        (Vector3 mean, Matrix4x4 covariance) = Statistics(picture);
        (Vector3 targetMean, Matrix4x4 targetCovariance) = Statistics(reference);
        (Matrix4x4 root, Matrix4x4 inverseRoot) = SquareRoot(covariance);
        Matrix4x4 map = inverseRoot * SquareRoot(root * targetCovariance * root).Root * inverseRoot;
        return picture.Mapped(row =>
        {
            for (int i = 0; i < row.Length; i += 3)
            {
                Vector3 color = new(row.Slice(i, 3));
                color = Vector3.Clamp(Vector3.Transform(color - mean, map) + targetMean, Vector3.Zero, Vector3.One);
                color.CopyTo(row[i..]);
            }
        });
    }

    internal static (Vector3 Mean, Matrix4x4 Covariance) Statistics(PictureSource picture)
    {
        long count = (long)picture.Height * picture.Width;
        double[] sum = new double[3], square = new double[9];
        picture.ForEachRow((_, row) =>
        {
            for (int i = 0; i < row.Length; i += 3)
            {
                for (int a = 0; a < 3; a++)
                {
                    sum[a] += row[i + a];
                    for (int b = 0; b < 3; b++) square[(3 * a) + b] += (double)row[i + a] * row[i + b];
                }
            }
        });

        Matrix4x4 covariance = Matrix4x4.Identity;
        for (int a = 0; a < 3; a++)
        for (int b = 0; b < 3; b++)
        {
            double value = (square[(3 * a) + b] / count) - (sum[a] / count * (sum[b] / count));
            covariance[a, b] = (float)value + (a == b ? LeastVariance : 0);
        }

        return (new Vector3((float)(sum[0] / count), (float)(sum[1] / count), (float)(sum[2] / count)), covariance);
    }

    /// <summary>
    /// Computes the square root of a symmetric positive matrix and its inverse, by the iteration of Denman and Beavers
    /// (1976). The number of correct digits doubles in each step.
    /// </summary>
    private static (Matrix4x4 Root, Matrix4x4 Inverse) SquareRoot(Matrix4x4 matrix)
    {
        (Matrix4x4 y, Matrix4x4 z) = (matrix, Matrix4x4.Identity);
        for (int i = 0; i < 20; i++)
        {
            Matrix4x4.Invert(y, out Matrix4x4 inverseY);
            Matrix4x4.Invert(z, out Matrix4x4 inverseZ);
            (y, z) = ((y + inverseZ) * 0.5f, (z + inverseY) * 0.5f);
        }

        return (y, z);
    }
}
