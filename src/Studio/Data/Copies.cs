using NativeStyle.Imaging;

namespace NativeStyle.Studio.Data;

/// <summary>Makes small copies of pictures for the page.</summary>
internal static class Copies
{
    private const int Quality = 85;

    /// <summary>Encodes a picture as JPEG, made smaller until no side is longer than <paramref name="side"/>.</summary>
    public static byte[] Jpeg(PictureSource picture, int side)
    {
        (int height, int width) = Math.Max(picture.Height, picture.Width) <= side
            ? (picture.Height, picture.Width) : Resampler.FitInto(picture.Height, picture.Width, side);
        return PictureFile.Encode(picture.At(height, width), ".jpg", new PictureWriteOptions(JpegQuality: Quality));
    }
}
