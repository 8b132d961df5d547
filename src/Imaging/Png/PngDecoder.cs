using System.Buffers.Binary;
using System.IO.Compression;

namespace NativeStyle.Imaging.Png;

/// <summary>
/// PNG (W3C PNG specification, third edition): every colour type, depth and interlace method. Alpha and tRNS are
/// composited on white. Colour spaces (gAMA, cHRM, iCCP) are not applied: values stay as encoded.
/// </summary>
internal static class PngDecoder
{
    public static bool IsPng(ReadOnlySpan<byte> bytes) => bytes.StartsWith(PngEncoder.Signature[..4]);

    /// <summary>Height and width, and whether pixels can be transparent, without the picture.</summary>
    public static (int Height, int Width, bool Transparent) Measure(ReadOnlySpan<byte> bytes)
    {
        (Header header, _, byte[]? transparency, _) = Parse(bytes, onlyHeader: true);
        return (header.Height, header.Width, header.ColorType >= 4 || transparency is not null);
    }

    /// <summary>Hands out the rows, and says whether a pixel was transparent.</summary>
    public static bool ForEachRow(ReadOnlySpan<byte> bytes, RowReader rows)
    {
        (Header header, byte[]? palette, byte[]? transparency, MemoryStream data) = Parse(bytes, onlyHeader: false);
        using (data) return new PixelReader(header, palette, transparency, rows).Read(data);
    }

    private static (Header Header, byte[]? Palette, byte[]? Transparency, MemoryStream Data) Parse(ReadOnlySpan<byte> bytes, bool onlyHeader)
    {
        if (!bytes.StartsWith(PngEncoder.Signature)) throw new InvalidDataException("has a damaged PNG signature");
        Header? header = null;
        byte[]? palette = null, transparency = null;
        var data = new MemoryStream();
        bool ended = false, dataSeen = false, dataOver = false;
        for (int at = 8; !ended;)
        {
            if (bytes.Length - at < 12) throw new InvalidDataException("is a truncated PNG: it ends before its IEND chunk");
            uint length = BinaryPrimitives.ReadUInt32BigEndian(bytes[at..]);
            if (length > bytes.Length - at - 12) throw new InvalidDataException("is a truncated PNG: a chunk reaches past its end");
            ReadOnlySpan<byte> typed = bytes.Slice(at + 4, (int)length + 4), body = typed[4..];
            string type = System.Text.Encoding.Latin1.GetString(typed[..4]);
            if (Crc32.Of(typed) != BinaryPrimitives.ReadUInt32BigEndian(bytes[(at + 8 + (int)length)..]))
                throw new InvalidDataException($"is a damaged PNG: the checksum of its {type} chunk is wrong");
            at += 12 + (int)length;
            if (header is null && type != "IHDR") throw new InvalidDataException("is a damaged PNG: it does not begin with IHDR");
            dataOver |= dataSeen && type != "IDAT";
            switch (type)
            {
                case "IHDR":
                    if (header is not null) throw new InvalidDataException("is a damaged PNG: it has two IHDR chunks");
                    header = Header.Parse(body);
                    break;
                case "PLTE":
                    if (body.Length % 3 != 0 || body.Length is 0 or > 768 || dataSeen)
                        throw new InvalidDataException("is a damaged PNG: its palette is not 1 to 256 colours before the picture");
                    palette = body.ToArray();
                    break;
                case "tRNS":
                    transparency = body.ToArray();
                    break;
                case "IDAT":
                    if (dataOver) throw new InvalidDataException("is a damaged PNG: other chunks stand between its IDAT chunks");
                    if (onlyHeader) return (header!, palette, transparency, data);
                    dataSeen = true;
                    data.Write(body);
                    break;
                case "IEND":
                    ended = true;
                    break;
                default:
                    if (char.IsAsciiLetterUpper(type[0]))
                        throw new InvalidDataException($"is a PNG with an unknown critical chunk '{type}'");
                    break;
            }
        }

        if (!dataSeen) throw new InvalidDataException("is a PNG without a picture: it has no IDAT chunk");
        if (header!.ColorType == 3 && palette is null) throw new InvalidDataException("is a damaged PNG: its palette is missing");
        // Deflate makes at most 1032 bytes of one: a small file that states a huge picture is refused before memory is taken.
        if ((long)header.Width * header.Height * header.BitsPerPixel / 8 > (1032 * data.Length) + 1024)
        {
            throw new InvalidDataException(
                $"is a damaged or truncated PNG: {data.Length:n0} bytes do not hold {header.Width} x {header.Height} pixels");
        }

        data.Position = 0;
        return (header, palette, transparency, data);
    }

    private sealed record Header(int Width, int Height, int Depth, int ColorType, bool Interlaced)
    {
        public int Channels => ColorType switch { 0 or 3 => 1, 2 => 3, 4 => 2, _ => 4 };

        public int BitsPerPixel => Channels * Depth;

        public static Header Parse(ReadOnlySpan<byte> body)
        {
            if (body.Length != 13) throw new InvalidDataException("is a damaged PNG: its IHDR is not 13 bytes");
            uint width = BinaryPrimitives.ReadUInt32BigEndian(body), height = BinaryPrimitives.ReadUInt32BigEndian(body[4..]);
            (int depth, int color, int compression, int filter, int interlace) = (body[8], body[9], body[10], body[11], body[12]);
            if (width == 0 || height == 0 || (long)width * height > PictureFile.MaxPixels || width > int.MaxValue || height > int.MaxValue)
            {
                throw new InvalidDataException(
                    $"states {width} x {height} pixels, expected 1 to {PictureFile.MaxPixels:n0} in all");
            }

            bool valid = color switch
            {
                0 => depth is 1 or 2 or 4 or 8 or 16,
                3 => depth is 1 or 2 or 4 or 8,
                2 or 4 or 6 => depth is 8 or 16,
                _ => false,
            };
            if (!valid) throw new InvalidDataException($"is a damaged PNG: colour type {color} with depth {depth} does not exist");
            if (compression != 0 || filter != 0 || interlace > 1)
                throw new InvalidDataException($"is a PNG with compression {compression}, filter {filter}, interlace {interlace}, expected 0, 0 and 0 or 1");
            return new Header((int)width, (int)height, depth, color, interlace == 1);
        }
    }

    /// <summary>Inflates and unfilters; of an interlaced picture also spreads the passes, which takes all of it in memory.</summary>
    private sealed class PixelReader(Header header, byte[]? palette, byte[]? transparency, RowReader rows)
    {
        private readonly float[] _rgb = new float[3];
        private bool _transparent;

        public bool Read(Stream compressed)
        {
            using var data = new ZLibStream(compressed, CompressionMode.Decompress);
            try
            {
                if (header.Interlaced) ReadInterlaced(data);
                else ReadPass(data, header.Width, header.Height, rows);
            }
            catch (EndOfStreamException)
            {
                throw new InvalidDataException("is a truncated PNG: its picture data ends early");
            }

            return _transparent;
        }

        private void ReadInterlaced(Stream data)
        {
            var picture = new Picture(header.Height, header.Width);
            foreach ((int x, int y, int stepX, int stepY) in new[] { (0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2) })
            {
                int width = (header.Width - x + stepX - 1) / stepX, height = (header.Height - y + stepY - 1) / stepY;
                if (width <= 0 || height <= 0) continue;
                ReadPass(data, width, height, (row, pixels) =>
                {
                    for (int column = 0; column < width; column++)
                        for (int c = 0; c < 3; c++) picture[y + (row * stepY), x + (column * stepX), c] = pixels[(3 * column) + c];
                });
            }

            picture.ForEachRow(rows);
        }

        private void ReadPass(Stream data, int width, int height, RowReader row)
        {
            int rowBytes = checked((int)((((long)width * header.BitsPerPixel) + 7) / 8));
            int pixelBytes = Math.Max(1, header.BitsPerPixel / 8);
            byte[] previous = new byte[rowBytes], current = new byte[rowBytes], filter = new byte[1];
            float[] pixels = new float[3 * width];
            for (int y = 0; y < height; y++)
            {
                Inflate(data, filter);
                Inflate(data, current);
                Unfilter(filter[0], current, previous, pixelBytes);
                for (int column = 0; column < width; column++) Store(pixels.AsSpan(3 * column, 3), current, column);
                row(y, pixels);
                (previous, current) = (current, previous);
            }
        }

        private static void Inflate(Stream data, byte[] bytes)
        {
            try
            {
                data.ReadExactly(bytes);
            }
            catch (InvalidDataException damage)
            {
                throw new InvalidDataException("is a damaged PNG: its compressed data cannot be inflated", damage);
            }
        }

        private static void Unfilter(int filter, byte[] current, byte[] previous, int pixelBytes)
        {
            if (filter is < 0 or > 4) throw new InvalidDataException($"is a damaged PNG: a row has filter {filter}, expected 0 to 4");
            for (int i = 0; i < current.Length && filter != 0; i++)
            {
                int left = i >= pixelBytes ? current[i - pixelBytes] : 0, up = previous[i];
                int corner = i >= pixelBytes ? previous[i - pixelBytes] : 0;
                current[i] += (byte)PngFilter.Predict(filter, left, up, corner);
            }
        }

        private void Store(Span<float> pixel, byte[] line, int at)
        {
            float largest = (1 << header.Depth) - 1, alpha = 1;
            Span<float> rgb = _rgb;
            switch (header.ColorType)
            {
                case 3:
                    int index = Sample(line, at);
                    if (3 * index >= palette!.Length)
                        throw new InvalidDataException($"is a damaged PNG: it uses colour {index} of a palette of {palette.Length / 3}");
                    for (int c = 0; c < 3; c++) rgb[c] = palette[(3 * index) + c] / 255f;
                    if (transparency is not null && index < transparency.Length) alpha = transparency[index] / 255f;
                    break;
                case 0 or 4:
                    int grey = Sample(line, at * header.Channels);
                    rgb.Fill(grey / largest);
                    if (header.ColorType == 4) alpha = Sample(line, (at * 2) + 1) / largest;
                    else if (transparency?.Length >= 2 && grey == Key(0)) alpha = 0;
                    break;
                default:
                    int first = at * header.Channels;
                    (int r, int g, int b) = (Sample(line, first), Sample(line, first + 1), Sample(line, first + 2));
                    (rgb[0], rgb[1], rgb[2]) = (r / largest, g / largest, b / largest);
                    if (header.ColorType == 6) alpha = Sample(line, first + 3) / largest;
                    else if (transparency?.Length >= 6 && r == Key(0) && g == Key(1) && b == Key(2)) alpha = 0;
                    break;
            }

            _transparent |= alpha < 1;
            for (int c = 0; c < 3; c++) pixel[c] = (alpha * rgb[c]) + (1 - alpha);
        }

        private int Key(int channel) => BinaryPrimitives.ReadUInt16BigEndian(transparency.AsSpan(2 * channel)) & ((1 << header.Depth) - 1);

        private int Sample(byte[] line, int sample) => header.Depth switch
        {
            8 => line[sample],
            16 => (line[2 * sample] << 8) | line[(2 * sample) + 1],
            int depth => (line[sample * depth / 8] >> (8 - depth - (sample * depth % 8))) & ((1 << depth) - 1),
        };
    }
}
