using StbImageWriteSharp;

namespace NativeStyle.Imaging.Stb;

/// <summary>
/// Writes baseline JPEG with StbImageWriteSharp. Chroma has full size above quality 90 and half size up to it.
/// </summary>
internal static class JpegEncoder
{
    private const int MaxSide = 65535;

    /// <param name="quality">1 to 100.</param>
    /// <exception cref="ArgumentException">The picture is too large for the format.</exception>
    public static void Write(Stream file, Picture picture, int quality)
    {
        if (quality is < 1 or > 100) throw new ArgumentOutOfRangeException(nameof(quality), quality, "1 to 100");
        if (picture.Width > MaxSide || picture.Height > MaxSide)
        {
            throw new ArgumentException(
                $"JPEG holds at most {MaxSide} pixels a side, not {picture.Width} x {picture.Height}; write a PNG");
        }

        byte[] rgb = new byte[picture.Pixels.Length];
        for (int i = 0; i < rgb.Length; i++)
            rgb[i] = (byte)MathF.Round(255f * Math.Clamp(picture.Pixels[i], 0f, 1f));
        new ImageWriter().WriteJpg(rgb, picture.Width, picture.Height, ColorComponents.RedGreenBlue, file, quality);
    }
}
