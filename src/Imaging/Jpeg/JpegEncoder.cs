using System.Buffers.Binary;

namespace NativeStyle.Imaging.Jpeg;

/// <summary>
/// Writes baseline JPEG: YCbCr without subsampling, since the colours of a painting are its point, with the tables of
/// T.81, annex K, the quantisation scaled by quality as libjpeg does.
/// </summary>
internal static class JpegEncoder
{
    private static readonly byte[] s_luminance =
    [
        16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55,
        14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51, 87, 80, 62,
        18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92,
        49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
    ];

    private static readonly byte[] s_chrominance =
    [
        17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99,
        24, 26, 56, 99, 99, 99, 99, 99, 47, 66, 99, 99, 99, 99, 99, 99,
        99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
        99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
    ];

    private static readonly byte[] s_dcValues = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];

    private static readonly (byte[] Counts, byte[] Values)[] s_tables =
    [
        ([0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0], s_dcValues),
        ([0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 0x7d], Convert.FromHexString(
        "01020300041105122131410613516107227114328191a1082342b1c11552d1f02433627282090a161718191a25262728292a34353637" +
        "38393a434445464748494a535455565758595a636465666768696a737475767778797a838485868788898a92939495969798999aa2a3" +
        "a4a5a6a7a8a9aab2b3b4b5b6b7b8b9bac2c3c4c5c6c7c8c9cad2d3d4d5d6d7d8d9dae1e2e3e4e5e6e7e8e9eaf1f2f3f4f5f6f7f8f9fa")),
        ([0, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0], s_dcValues),
        ([0, 2, 1, 2, 4, 4, 3, 4, 7, 5, 4, 4, 0, 1, 2, 0x77], Convert.FromHexString(
        "000102031104052131061241510761711322328108144291a1b1c109233352f0156272d10a162434e125f11718191a262728292a3536" +
        "3738393a434445464748494a535455565758595a636465666768696a737475767778797a82838485868788898a92939495969798999a" +
        "a2a3a4a5a6a7a8a9aab2b3b4b5b6b7b8b9bac2c3c4c5c6c7c8c9cad2d3d4d5d6d7d8d9dae2e3e4e5e6e7e8e9eaf2f3f4f5f6f7f8f9fa")),
    ];

    public static void Write(Stream file, Picture picture, int quality)
    {
        if (quality is < 1 or > 100) throw new ArgumentOutOfRangeException(nameof(quality), quality, "1 to 100");
        if (picture.Width > 65535 || picture.Height > 65535)
            throw new ArgumentException($"JPEG holds at most 65535 pixels a side, not {picture.Width} x {picture.Height}; write a PNG");
        byte[][] quantization = [Scale(s_luminance, quality), Scale(s_chrominance, quality)];
        file.Write([0xFF, 0xD8]);
        Segment(file, 0xE0, [.. "JFIF\0"u8, 1, 1, 0, 0, 1, 0, 1, 0, 0]);
        for (int i = 0; i < 2; i++)
            Segment(file, 0xDB, [(byte)i, .. JpegTables.ZigZag.Select(position => quantization[i][position])]);
        byte[] frame = new byte[15];
        frame[0] = 8;
        BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(1), (ushort)picture.Height);
        BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(3), (ushort)picture.Width);
        new byte[] { 3, 1, 0x11, 0, 2, 0x11, 1, 3, 0x11, 1 }.CopyTo(frame, 5);
        Segment(file, 0xC0, frame);
        byte[] tableIds = [0x00, 0x10, 0x01, 0x11];
        for (int i = 0; i < 4; i++) Segment(file, 0xC4, [tableIds[i], .. s_tables[i].Counts, .. s_tables[i].Values]);
        Segment(file, 0xDA, [3, 1, 0x00, 2, 0x11, 3, 0x11, 0, 63, 0]);
        WriteScan(file, picture, quantization);
        file.Write([0xFF, 0xD9]);
    }

    private static void WriteScan(Stream file, Picture picture, byte[][] quantization)
    {
        HuffmanTable[] tables = [.. s_tables.Select(table => new HuffmanTable(table.Counts, table.Values))];
        var bits = new BitWriter(file);
        int[] predictions = new int[3];
        Span<float> block = stackalloc float[64];
        for (int top = 0; top < picture.Height; top += 8)
        for (int left = 0; left < picture.Width; left += 8)
        for (int component = 0; component < 3; component++)
        {
            for (int i = 0; i < 64; i++)
            {
                // Past the edge the last pixel repeats: no step that would cost bits and ring.
                int row = Math.Min(top + (i / 8), picture.Height - 1), column = Math.Min(left + (i % 8), picture.Width - 1);
                float r = Level(picture[row, column, 0]), g = Level(picture[row, column, 1]), b = Level(picture[row, column, 2]);
                block[i] = component switch
                {
                    0 => (0.299f * r) + (0.587f * g) + (0.114f * b) - 128f,
                    1 => (-0.168736f * r) - (0.331264f * g) + (0.5f * b),
                    _ => (0.5f * r) - (0.418688f * g) - (0.081312f * b),
                };
            }

            Dct.Forward(block);
            int kind = component == 0 ? 0 : 1;
            for (int i = 0; i < 64; i++) block[i] = MathF.Round(block[i] / quantization[kind][i]);
            WriteBlock(bits, block, tables[2 * kind], tables[(2 * kind) + 1], ref predictions[component]);
        }

        bits.Flush();
    }

    private static void WriteBlock(BitWriter bits, Span<float> block, HuffmanTable dc, HuffmanTable ac, ref int prediction)
    {
        int difference = (int)block[0] - prediction;
        prediction = (int)block[0];
        WriteValue(bits, dc, 0, difference);
        int zeros = 0;
        for (int k = 1; k < 64; k++)
        {
            int value = (int)block[JpegTables.ZigZag[k]];
            if (value == 0)
            {
                zeros++;
                continue;
            }

            for (; zeros > 15; zeros -= 16) bits.Write(ac.Codes[0xF0]);
            WriteValue(bits, ac, zeros, value);
            zeros = 0;
        }

        if (zeros > 0) bits.Write(ac.Codes[0]);
    }

    private static void WriteValue(BitWriter bits, HuffmanTable table, int zeros, int value)
    {
        int size = 32 - int.LeadingZeroCount(Math.Abs(value));
        bits.Write(table.Codes[(zeros << 4) | size]);
        bits.Write(((ushort)((value < 0 ? value - 1 : value) & ((1 << size) - 1)), (byte)size));
    }

    private static float Level(float value) => MathF.Round(Math.Clamp(value, 0f, 1f) * 255f);

    private static byte[] Scale(byte[] table, int quality)
    {
        int scale = quality < 50 ? 5000 / quality : 200 - (2 * quality);
        return Array.ConvertAll(table, value => (byte)Math.Clamp(((value * scale) + 50) / 100, 1, 255));
    }

    private static void Segment(Stream file, byte marker, ReadOnlySpan<byte> body)
    {
        int length = body.Length + 2;
        file.Write([0xFF, marker, (byte)(length >> 8), (byte)length]);
        file.Write(body);
    }

    private sealed class BitWriter(Stream stream)
    {
        private ulong _bits;
        private int _count;

        public void Write((ushort Code, byte Length) code)
        {
            _bits = (_bits << code.Length) | code.Code;
            for (_count += code.Length; _count >= 8; _count -= 8)
            {
                byte next = (byte)(_bits >> (_count - 8));
                stream.WriteByte(next);
                if (next == 0xFF) stream.WriteByte(0);
            }
        }

        /// <summary>Fills the last byte with ones.</summary>
        public void Flush() => Write((0x7F, 7));
    }
}
