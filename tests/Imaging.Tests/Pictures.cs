using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace NativeStyle.Imaging.Tests;

internal static class Pictures
{
    public static Picture Random(int height, int width, int seed)
    {
        var random = new Random(seed);
        var picture = new Picture(height, width);
        for (int i = 0; i < picture.Pixels.Length; i++) picture.Pixels[i] = random.NextSingle();
        return picture;
    }

    /// <summary>Makes soft gradients, which JPEG keeps well.</summary>
    public static Picture Smooth(int height, int width)
    {
        var picture = new Picture(height, width);
        for (int row = 0; row < height; row++)
        for (int column = 0; column < width; column++)
        for (int c = 0; c < 3; c++)
            picture[row, column, c] = 0.5f + (0.4f * MathF.Sin((row * 0.1f * (c + 1)) + (column * 0.07f)));
        return picture;
    }

    public static void AssertClose(Picture expected, Picture actual, double most)
    {
        Assert.Equal((expected.Height, expected.Width), (actual.Height, actual.Width));
        for (int i = 0; i < expected.Pixels.Length; i++)
        {
            double difference = Math.Abs(expected.Pixels[i] - actual.Pixels[i]);
            Assert.True(
                difference <= most, $"value {i}: {actual.Pixels[i]}, expected {expected.Pixels[i]} within {most}");
        }
    }

    /// <summary>Makes a PNG with the given header values and rows, and with right checksums.</summary>
    public static byte[] Png(uint width, uint height, byte depth, byte color, byte[] rows)
    {
        using var file = new MemoryStream();
        file.Write([0x89, (byte)'P', (byte)'N', (byte)'G', 13, 10, 26, 10]);
        byte[] header = new byte[13];
        BinaryPrimitives.WriteUInt32BigEndian(header, width);
        BinaryPrimitives.WriteUInt32BigEndian(header.AsSpan(4), height);
        (header[8], header[9]) = (depth, color);
        using var data = new MemoryStream();
        using (var zlib = new ZLibStream(data, CompressionLevel.Fastest, true)) zlib.Write(rows);
        (string, byte[])[] chunks = [("IHDR", header), ("IDAT", data.ToArray()), ("IEND", [])];
        foreach ((string type, byte[] body) in chunks)
        {
            byte[] typed = [.. Encoding.ASCII.GetBytes(type), .. body];
            byte[] word = new byte[4];
            BinaryPrimitives.WriteInt32BigEndian(word, body.Length);
            file.Write(word);
            file.Write(typed);
            BinaryPrimitives.WriteUInt32BigEndian(word, Crc(typed));
            file.Write(word);
        }

        return file.ToArray();
    }

    /// <summary>Computes CRC-32 bit by bit, as the PNG specification defines it.</summary>
    private static uint Crc(byte[] bytes)
    {
        uint crc = uint.MaxValue;
        foreach (byte b in bytes)
        {
            for (int bit = 0; bit < 8; bit++)
            {
                bool one = (((crc >> 0) ^ (uint)(b >> bit)) & 1) != 0;
                crc = (crc >> 1) ^ (one ? 0xEDB88320 : 0);
            }
        }

        return ~crc;
    }
}
