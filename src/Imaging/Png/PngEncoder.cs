using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace NativeStyle.Imaging.Png;

/// <summary>
/// Writes PNG: RGB, 8 or 16 bits per channel. Each row has the filter that is estimated to make it smallest.
/// </summary>
internal static class PngEncoder
{
    private const int RgbColorType = 2;

    public static ReadOnlySpan<byte> Signature => [0x89, (byte)'P', (byte)'N', (byte)'G', 13, 10, 26, 10];

    /// <summary>
    /// The compressed bytes of an IDAT chunk. A picture is written as it is compressed, chunk by chunk.
    /// </summary>
    private const int ChunkBytes = 1 << 20;

    /// <param name="text">Keywords with texts, to write as iTXt chunks.</param>
    public static void Write(Stream file, Picture picture, int depth, IReadOnlyDictionary<string, string>? text = null)
    {
        if (depth is not (8 or 16))
            throw new ArgumentOutOfRangeException(nameof(depth), depth, "8 or 16 bits a channel");
        file.Write(Signature);
        WriteChunk(file, "IHDR", Header(picture.Height, picture.Width, depth));
        foreach ((string keyword, string value) in text ?? new Dictionary<string, string>())
            WriteChunk(file, "iTXt", PngText.Encode(keyword, value));
        using (var chunks = new BufferedStream(new DataChunks(file), ChunkBytes)) Compress(chunks, picture, depth);
        WriteChunk(file, "IEND", []);
    }

    public static byte[] Header(int height, int width, int depth)
    {
        byte[] header = new byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, width);
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4), height);
        (header[8], header[9]) = ((byte)depth, RgbColorType);
        return header;
    }

    /// <summary>
    /// Writes the picture's filtered rows as a zlib stream: the contents of the IDAT chunks together.
    /// </summary>
    public static void Compress(Stream compressed, Picture picture, int depth)
    {
        using var zlib = new ZLibStream(compressed, CompressionLevel.SmallestSize, leaveOpen: true);
        WriteRows(zlib, picture, depth);
    }

    public static void WriteChunk(Stream file, string type, ReadOnlySpan<byte> body)
    {
        byte[] chunk = new byte[12 + body.Length];
        BinaryPrimitives.WriteInt32BigEndian(chunk, body.Length);
        Encoding.ASCII.GetBytes(type, chunk.AsSpan(4));
        body.CopyTo(chunk.AsSpan(8));
        uint checksum = Crc32.Of(chunk.AsSpan(4, 4 + body.Length));
        BinaryPrimitives.WriteUInt32BigEndian(chunk.AsSpan(8 + body.Length), checksum);
        file.Write(chunk);
    }

    private static void WriteRows(Stream stream, Picture picture, int depth)
    {
        int sampleBytes = depth / 8, pixelBytes = 3 * sampleBytes, rowBytes = picture.Width * pixelBytes;
        float largest = (1 << depth) - 1;
        byte[] previous = new byte[rowBytes], current = new byte[rowBytes], best = new byte[rowBytes + 1];
        byte[] candidate = new byte[rowBytes + 1];
        for (int row = 0; row < picture.Height; row++)
        {
            for (int i = 0; i < picture.Width * 3; i++)
            {
                float sample = picture.Pixels[(row * picture.Width * 3) + i];
                int value = (int)MathF.Round(Math.Clamp(sample, 0f, 1f) * largest);
                if (depth == 8) current[i] = (byte)value;
                else BinaryPrimitives.WriteUInt16BigEndian(current.AsSpan(2 * i), (ushort)value);
            }

            long smallest = long.MaxValue;
            for (int filter = 0; filter <= 4; filter++)
            {
                // The usual heuristic chooses the filter whose bytes, as signed numbers, have the smallest sum of
                // magnitudes.
                long cost = Filter(filter, current, previous, pixelBytes, candidate);
                if (cost >= smallest) continue;
                smallest = cost;
                (best, candidate) = (candidate, best);
            }

            stream.Write(best);
            (previous, current) = (current, previous);
        }
    }

    private static long Filter(int filter, byte[] current, byte[] previous, int pixelBytes, byte[] to)
    {
        to[0] = (byte)filter;
        long cost = 0;
        for (int i = 0; i < current.Length; i++)
        {
            int left = i >= pixelBytes ? current[i - pixelBytes] : 0, up = previous[i];
            int corner = i >= pixelBytes ? previous[i - pixelBytes] : 0;
            to[i + 1] = (byte)(current[i] - PngFilter.Predict(filter, left, up, corner));
            cost += Math.Abs((int)(sbyte)to[i + 1]);
        }

        return cost;
    }

    /// <summary>Writes each piece as an IDAT chunk.</summary>
    private sealed class DataChunks(Stream file) : Stream
    {
        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            if (buffer.Length > 0) WriteChunk(file, "IDAT", buffer);
        }

        public override void Flush()
        {
            // Chunks are written to the file immediately.
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();
    }
}
