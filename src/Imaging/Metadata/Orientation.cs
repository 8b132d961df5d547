using System.Buffers.Binary;

namespace NativeStyle.Imaging.Metadata;

/// <summary>Exif's orientation tag (Exif 2.3, 4.6.4): how the camera was held.</summary>
internal static class Orientation
{
    public const string Notice = "it was turned upright, as its Exif orientation says";

    private const int Tag = 0x0112;

    /// <summary>
    /// Returns the orientation, 1 to 8, of an APP1 segment, or null if it has none or cannot be understood.
    /// </summary>
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

    /// <summary>Whether the file stores rows as columns.</summary>
    public static bool Turned(int orientation) => orientation >= 5;

    /// <summary>
    /// Returns the picture upright: (height, width, RGB), or (width, height, RGB) if it is <see cref="Turned"/>.
    /// </summary>
    /// <param name="rgb">The picture as it is stored, (height, width, RGB).</param>
    public static T[] Apply<T>(T[] rgb, int height, int width, int orientation)
    {
        if (orientation == 1) return rgb;
        bool turned = Turned(orientation);
        (int rows, int columns) = turned ? (width, height) : (height, width);
        T[] upright = new T[rgb.Length];
        for (int row = 0, to = 0; row < rows; row++)
        for (int column = 0; column < columns; column++, to += 3)
        {
            (int r, int c) = turned ? (column, row) : (row, column);
            // Values 2, 3, 7 and 8 mirror the stored columns; 3, 4, 6 and 7 mirror its rows.
            if (orientation is 2 or 3 or 7 or 8) c = width - 1 - c;
            if (orientation is 3 or 4 or 6 or 7) r = height - 1 - r;
            rgb.AsSpan(3 * ((r * width) + c), 3).CopyTo(upright.AsSpan(to, 3));
        }

        return upright;
    }

    private static int UInt16(ReadOnlySpan<byte> b, bool big) =>
        big ? BinaryPrimitives.ReadUInt16BigEndian(b) : BinaryPrimitives.ReadUInt16LittleEndian(b);

    private static uint UInt32(ReadOnlySpan<byte> b, bool big) =>
        big ? BinaryPrimitives.ReadUInt32BigEndian(b) : BinaryPrimitives.ReadUInt32LittleEndian(b);
}
