using System.Buffers.Binary;

namespace NativeStyle.Imaging;

/// <summary>
/// Writes baseline TIFF (TIFF 6.0, section 6): RGB, 16 bits per channel, little-endian, one uncompressed strip.
/// </summary>
internal static class TiffEncoder
{
    private const int Short = 3, Long = 4, Rational = 5;

    public static void Write(Stream stream, Picture picture)
    {
        long pixelBytes = 6L * picture.Height * picture.Width;
        const int Entries = 13, Header = 8, Directory = 2 + (12 * Entries) + 4, Extra = 6 + 8 + 8;
        int pixelsAt = Header + Directory + Extra + 2;
        if (pixelsAt + pixelBytes > int.MaxValue)
        {
            throw new IOException(
                $"a TIFF of {picture.Width} x {picture.Height} pixels is larger than 2 GiB; write .png");
        }

        byte[] file = new byte[pixelsAt];
        "II"u8.CopyTo(file);
        BinaryPrimitives.WriteUInt16LittleEndian(file.AsSpan(2), 42);
        BinaryPrimitives.WriteUInt32LittleEndian(file.AsSpan(4), Header);
        BinaryPrimitives.WriteUInt16LittleEndian(file.AsSpan(Header), Entries);
        int at = Header + 2, bitsAt = Header + Directory, resolutionAt = bitsAt + 6;
        // Write the tags in ascending order. A value of more than four bytes is stored as an offset.
        Entry(256, Long, 1, picture.Width);
        Entry(257, Long, 1, picture.Height);
        Entry(258, Short, 3, bitsAt);
        Entry(259, Short, 1, 1);
        Entry(262, Short, 1, 2);
        Entry(273, Long, 1, pixelsAt);
        Entry(274, Short, 1, 1);
        Entry(277, Short, 1, 3);
        Entry(278, Long, 1, picture.Height);
        Entry(279, Long, 1, (int)pixelBytes);
        Entry(282, Rational, 1, resolutionAt);
        Entry(283, Rational, 1, resolutionAt + 8);
        Entry(296, Short, 1, 2);
        for (int channel = 0; channel < 3; channel++)
            BinaryPrimitives.WriteUInt16LittleEndian(file.AsSpan(bitsAt + (2 * channel)), 16);
        foreach (int resolution in new[] { resolutionAt, resolutionAt + 8 })
        {
            BinaryPrimitives.WriteUInt32LittleEndian(file.AsSpan(resolution), 72);
            BinaryPrimitives.WriteUInt32LittleEndian(file.AsSpan(resolution + 4), 1);
        }

        stream.Write(file);
        byte[] line = new byte[6 * picture.Width];
        picture.ForEachRow((_, row) =>
        {
            for (int i = 0; i < row.Length; i++)
            {
                float sample = Math.Clamp(row[i], 0f, 1f) * ushort.MaxValue;
                BinaryPrimitives.WriteUInt16LittleEndian(line.AsSpan(2 * i), (ushort)MathF.Round(sample));
            }

            stream.Write(line);
        });

        void Entry(int tag, int type, int count, int value)
        {
            BinaryPrimitives.WriteUInt16LittleEndian(file.AsSpan(at), (ushort)tag);
            BinaryPrimitives.WriteUInt16LittleEndian(file.AsSpan(at + 2), (ushort)type);
            BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(at + 4), count);
            BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(at + 8), value);
            at += 12;
        }
    }
}
