using System.Numerics;
using NativeStyle.Imaging;

namespace NativeStyle.Style;

/// <summary>
/// Gives a picture the mean and covariance of another's colours by the linear map that moves them least, i.e. the
/// optimal transport between the two normal distributions (Pitié and Kokaram 2007, "The linear Monge-Kantorovitch
/// linear colour mapping for example-based colour transfer").
/// </summary>
internal static class ColorMatch
{
    /// <summary>Added to variances, so that a picture of one colour has an inverse too; (1/255)² on pixels of 0..1.</summary>
    private const float LeastVariance = 1f / (255 * 255);

    /// <summary>x → T (x - mean) + mean', clamped, with T = C^-½ (C^½ C' C^½)^½ C^-½.</summary>
    public static Picture Apply(Picture picture, Picture reference)
    {
        (Vector3 mean, Matrix4x4 covariance) = Statistics(picture);
        (Vector3 targetMean, Matrix4x4 targetCovariance) = Statistics(reference);
        (Matrix4x4 root, Matrix4x4 inverseRoot) = SquareRoot(covariance);
        Matrix4x4 map = inverseRoot * SquareRoot(root * targetCovariance * root).Root * inverseRoot;
        var matched = new Picture(picture.Height, picture.Width);
        for (int i = 0; i < picture.Pixels.Length; i += 3)
        {
            Vector3 color = new(picture.Pixels.AsSpan(i, 3));
            color = Vector3.Clamp(Vector3.Transform(color - mean, map) + targetMean, Vector3.Zero, Vector3.One);
            color.CopyTo(matched.Pixels, i);
        }

        return matched;
    }

    private static (Vector3 Mean, Matrix4x4 Covariance) Statistics(Picture picture)
    {
        int count = picture.Pixels.Length / 3;
        Span<double> sum = stackalloc double[3], square = stackalloc double[9];
        for (int i = 0; i < picture.Pixels.Length; i += 3)
        {
            for (int a = 0; a < 3; a++)
            {
                sum[a] += picture.Pixels[i + a];
                for (int b = 0; b < 3; b++) square[(3 * a) + b] += (double)picture.Pixels[i + a] * picture.Pixels[i + b];
            }
        }

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
    /// The square root of a symmetric positive matrix and its inverse, by the iteration of Denman and Beavers (1976),
    /// which doubles the correct digits each time.
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
