using System.Buffers.Binary;

namespace NativeStyle.Imaging.Jpeg;

/// <summary>Exif's orientation tag (Exif 2.3, 4.6.4): how the camera was held.</summary>
internal static class Orientation
{
    public const string Notice = "it was turned upright, as its Exif orientation says";

    private const int Tag = 0x0112;

    /// <summary>The orientation, 1 to 8, of an APP1 segment; null where it has none or is not understood.</summary>
    public static int? Parse(ReadOnlySpan<byte> body)
    {
        if (!body.StartsWith("Exif\0\0"u8) || body.Length < 14) return null;
        ReadOnlySpan<byte> tiff = body[6..];
        bool big = tiff.StartsWith("MM"u8);
        if (!big && !tiff.StartsWith("II"u8)) return null;
        uint directory = UInt32(tiff[4..], big);
        if (directory > tiff.Length - 2) return null;
        ReadOnlySpan<byte> entries = tiff[(int)directory..];
        int count = UInt16(entries, big);
        for (int i = 0; i < count && 2 + (12 * (i + 1)) <= entries.Length; i++)
        {
            ReadOnlySpan<byte> entry = entries.Slice(2 + (12 * i), 12);
            if (UInt16(entry, big) != Tag) continue;
            int value = UInt16(entry[8..], big);
            return value is >= 1 and <= 8 ? value : null;
        }

        return null;
    }

    /// <summary>The picture as it was seen.</summary>
    public static Picture Apply(Picture picture, int orientation)
    {
        if (orientation == 1) return picture;
        bool turned = orientation >= 5;
        (int height, int width) = turned ? (picture.Width, picture.Height) : (picture.Height, picture.Width);
        var upright = new Picture(height, width)
        {
            Notices = [.. picture.Notices, Notice],
        };
        for (int row = 0; row < height; row++)
        for (int column = 0; column < width; column++)
        {
            (int r, int c) = turned ? (column, row) : (row, column);
            // Values 2, 3, 7, 8 mirror the stored columns; 3, 4, 6, 7 its rows.
            if (orientation is 2 or 3 or 7 or 8) c = picture.Width - 1 - c;
            if (orientation is 3 or 4 or 6 or 7) r = picture.Height - 1 - r;
            for (int channel = 0; channel < 3; channel++) upright[row, column, channel] = picture[r, c, channel];
        }

        return upright;
    }

    private static int UInt16(ReadOnlySpan<byte> b, bool big) =>
        big ? BinaryPrimitives.ReadUInt16BigEndian(b) : BinaryPrimitives.ReadUInt16LittleEndian(b);

    private static uint UInt32(ReadOnlySpan<byte> b, bool big) =>
        big ? BinaryPrimitives.ReadUInt32BigEndian(b) : BinaryPrimitives.ReadUInt32LittleEndian(b);
}
