namespace NativeStyle.Imaging;

/// <summary>
/// Compresses light of any range to 0..1 (Reinhard, Stark, Shirley and Ferwerda 2002, "Photographic tone reproduction
/// for digital images", equations 1, 2 and 4), and encodes it as sRGB (IEC 61966-2-1).
/// </summary>
internal static class ToneMapping
{
    public const string Notice = "its light was brought to the range of a screen (Reinhard 2002)";

    /// <summary>The luminance that the average is mapped to: middle grey.</summary>
    private const double Key = 0.18;

    /// <summary>Keeps the logarithm of black finite.</summary>
    private const double Delta = 1e-6;

    /// <param name="light">(pixels, RGB), linear, with sRGB's primaries. Values that are not finite count as 0.</param>
    /// <returns>(pixels, RGB); 65535 is white.</returns>
    public static ushort[] Apply(float[] light)
    {
        double logarithms = 0, brightest = 0;
        for (int at = 0; at < light.Length; at += 3)
        {
            double luminance = Luminance(light, at);
            logarithms += Math.Log(Delta + luminance);
            brightest = Math.Max(brightest, luminance);
        }

        // Equation 1 with the average luminance of all pixels. A black picture stays black.
        double average = Math.Max(Math.Exp(logarithms / (light.Length / 3)) - Delta, Delta);
        double white = Math.Max(brightest * Key / average, 1);
        ushort[] mapped = new ushort[light.Length];
        for (int at = 0; at < light.Length; at += 3)
        {
            double scaled = Luminance(light, at) * Key / average;
            // Equation 4: the brightest pixel becomes white. A colour's channels keep their proportions.
            double factor = Key / average * (1 + (scaled / (white * white))) / (1 + scaled);
            for (int c = 0; c < 3; c++)
            {
                double linear = Math.Clamp(Number(light[at + c]) * factor, 0, 1);
                mapped[at + c] = (ushort)Math.Round(65535 * Encode(linear));
            }
        }

        return mapped;
    }

    private static double Luminance(float[] light, int at) =>
        (0.2126 * Number(light[at])) + (0.7152 * Number(light[at + 1])) + (0.0722 * Number(light[at + 2]));

    private static double Number(float value) => float.IsFinite(value) ? Math.Max(value, 0) : 0;

    private static double Encode(double linear) =>
        linear <= 0.0031308 ? 12.92 * linear : (1.055 * Math.Pow(linear, 1 / 2.4)) - 0.055;
}
