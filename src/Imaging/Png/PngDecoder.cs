using System.Buffers.Binary;
using System.IO.Compression;
using NativeStyle.Imaging.Metadata;

namespace NativeStyle.Imaging.Png;

/// <summary>
/// Reads a PNG file (W3C PNG specification, third edition) of every colour type, depth and interlace method, and checks
/// each chunk's checksum. Alpha and tRNS are composited on white. Colour spaces (gAMA, cHRM, iCCP) are not applied:
/// values stay as encoded. StbImageSharp would accept a damaged file silently, and returns samples of 16 bits only
/// through a pointer.
/// </summary>
internal sealed class PngDecoder
{
    private const int LargestProfile = 1 << 24;

    private readonly List<ReadOnlyMemory<byte>> _data = [];
    private Header? _header;
    private byte[]? _palette;
    private byte[]? _transparency;

    private PngDecoder()
    {
    }

    public int Height => _header!.Height;

    public int Width => _header!.Width;

    /// <summary>Bits per sample.</summary>
    public int Depth => _header!.Depth;

    /// <summary>
    /// Whether the file is interlaced. The last pass, which completes the rows, then comes after all others.
    /// </summary>
    public bool Interlaced => _header!.Interlaced;

    /// <summary>Whether pixels can be transparent.</summary>
    public bool HasAlpha => _header!.ColorType >= 4 || _transparency is not null;

    /// <summary>The ICC profile, or null if there is none or the file states that it is sRGB.</summary>
    public IccProfile? Profile { get; private set; }

    /// <summary>Parses the chunks without decoding the picture.</summary>
    /// <exception cref="InvalidDataException">
    /// The file is damaged or too large. The message is meant to follow a file's name.
    /// </exception>
    public static PngDecoder Open(ReadOnlyMemory<byte> bytes)
    {
        var decoder = new PngDecoder();
        decoder.Parse(bytes);
        return decoder;
    }

    /// <summary>Passes the rows to <paramref name="rows"/>, and returns whether a pixel was transparent.</summary>
    /// <exception cref="InvalidDataException">
    /// The file is damaged. The message is meant to follow a file's name.
    /// </exception>
    public bool ForEachRow(RowReader rows)
    {
        using var data = new JoinedStream(_data);
        return new PixelReader(_header!, _palette, _transparency, rows).Read(data);
    }

    private void Parse(ReadOnlyMemory<byte> file)
    {
        ReadOnlySpan<byte> bytes = file.Span;
        if (!bytes.StartsWith(PngEncoder.Signature)) throw new InvalidDataException("has a damaged PNG signature");
        bool ended = false, dataOver = false;
        for (int at = 8; !ended;)
        {
            if (bytes.Length - at < 12)
                throw new InvalidDataException("is a truncated PNG: it ends before its IEND chunk");
            uint length = BinaryPrimitives.ReadUInt32BigEndian(bytes[at..]);
            if (length > bytes.Length - at - 12)
                throw new InvalidDataException("is a truncated PNG: a chunk reaches past its end");
            ReadOnlySpan<byte> typed = bytes.Slice(at + 4, (int)length + 4), body = typed[4..];
            string type = System.Text.Encoding.Latin1.GetString(typed[..4]);
            if (Crc32.Of(typed) != BinaryPrimitives.ReadUInt32BigEndian(bytes[(at + 8 + (int)length)..]))
                throw new InvalidDataException($"is a damaged PNG: the checksum of its {type} chunk is wrong");
            ReadOnlyMemory<byte> content = file.Slice(at + 8, (int)length);
            at += 12 + (int)length;
            if (_header is null && type != "IHDR")
                throw new InvalidDataException("is a damaged PNG: it does not begin with IHDR");
            dataOver |= _data.Count > 0 && type != "IDAT";
            switch (type)
            {
                case "IHDR":
                    if (_header is not null)
                        throw new InvalidDataException("is a damaged PNG: it has two IHDR chunks");
                    _header = Header.Parse(body);
                    break;
                case "PLTE":
                    if (body.Length % 3 != 0 || body.Length is 0 or > 768 || _data.Count > 0)
                    {
                        throw new InvalidDataException(
                            "is a damaged PNG: its palette is not 1 to 256 colours before the picture");
                    }

                    _palette = body.ToArray();
                    break;
                case "tRNS":
                    _transparency = body.ToArray();
                    break;
                case "iCCP":
                    // There is one at most; a thousand would take minutes.
                    Profile ??= ReadProfile(content);
                    break;
                case "IDAT":
                    if (dataOver)
                        throw new InvalidDataException("is a damaged PNG: other chunks stand between its IDAT chunks");
                    _data.Add(content);
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

        if (_data.Count == 0) throw new InvalidDataException("is a PNG without a picture: it has no IDAT chunk");
        if (_header!.ColorType == 3 && _palette is null)
            throw new InvalidDataException("is a damaged PNG: its palette is missing");
        // Deflate makes at most 1032 bytes out of one. Refuse a small file that states a huge picture before memory is
        // allocated.
        long compressed = _data.Sum(part => (long)part.Length);
        if ((long)Width * Height * _header.BitsPerPixel / 8 > (1032 * compressed) + 1024)
        {
            throw new InvalidDataException(
                $"is a damaged or truncated PNG: {compressed:n0} bytes do not hold {Width} x {Height} pixels");
        }
    }

    /// <summary>
    /// Reads a name that ends in a zero, the method, and the compressed profile. A damaged profile does not make the
    /// picture unreadable.
    /// </summary>
    private static IccProfile ReadProfile(ReadOnlyMemory<byte> body)
    {
        int name = body.Span.IndexOf((byte)0);
        if (name < 0 || name + 2 > body.Length) return IccProfile.Parse([]);
        using var zlib = new ZLibStream(new JoinedStream([body[(name + 2)..]]), CompressionMode.Decompress);
        byte[] profile = new byte[Math.Min(LargestProfile, 1032L * body.Length)];
        try
        {
            int length = zlib.ReadAtLeast(profile, profile.Length, throwOnEndOfStream: false);
            return IccProfile.Parse(profile.AsSpan(0, length));
        }
        catch (Exception damage) when (damage is InvalidDataException or IOException)
        {
            return IccProfile.Parse([]);
        }
    }

    private sealed record Header(int Width, int Height, int Depth, int ColorType, bool Interlaced)
    {
        public int Channels => ColorType switch { 0 or 3 => 1, 2 => 3, 4 => 2, _ => 4 };

        public int BitsPerPixel => Channels * Depth;

        public static Header Parse(ReadOnlySpan<byte> body)
        {
            if (body.Length != 13) throw new InvalidDataException("is a damaged PNG: its IHDR is not 13 bytes");
            uint width = BinaryPrimitives.ReadUInt32BigEndian(body);
            uint height = BinaryPrimitives.ReadUInt32BigEndian(body[4..]);
            (int depth, int color) = (body[8], body[9]);
            (int compression, int filter, int interlace) = (body[10], body[11], body[12]);
            PictureSize.Require(height, width);

            bool valid = color switch
            {
                0 => depth is 1 or 2 or 4 or 8 or 16,
                3 => depth is 1 or 2 or 4 or 8,
                2 or 4 or 6 => depth is 8 or 16,
                _ => false,
            };
            if (!valid)
            {
                throw new InvalidDataException(
                    $"is a damaged PNG: colour type {color} with depth {depth} does not exist");
            }

            if (compression != 0 || filter != 0 || interlace > 1)
            {
                throw new InvalidDataException(
                    $"is a PNG with compression {compression}, filter {filter}, interlace {interlace}, "
                    + "expected 0, 0 and 0 or 1");
            }

            return new Header((int)width, (int)height, depth, color, interlace == 1);
        }
    }

    /// <summary>
    /// Inflates and unfilters the rows. It also spreads the passes of an interlaced picture, which needs all of it in
    /// memory.
    /// </summary>
    private sealed class PixelReader(Header header, byte[]? palette, byte[]? transparency, RowReader rows)
    {
        private static readonly (int X, int Y, int StepX, int StepY)[] s_passes =
        [
            (0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2),
        ];

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
            foreach ((int x, int y, int stepX, int stepY) in s_passes)
            {
                int width = (header.Width - x + stepX - 1) / stepX;
                int height = (header.Height - y + stepY - 1) / stepY;
                if (width <= 0 || height <= 0) continue;
                ReadPass(data, width, height, (row, pixels) =>
                {
                    for (int column = 0; column < width; column++)
                    {
                        for (int c = 0; c < 3; c++)
                            picture[y + (row * stepY), x + (column * stepX), c] = pixels[(3 * column) + c];
                    }
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
                StoreRow(pixels, current);
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
            catch (Exception damage) when (damage is InvalidDataException or IOException and not EndOfStreamException)
            {
                throw new InvalidDataException("is a damaged PNG: its compressed data cannot be inflated", damage);
            }
        }

        /// <summary>
        /// Undoes a row's filter (W3C PNG, 9.2). Left of the first pixel and above the first row everything is 0.
        /// </summary>
        private static void Unfilter(int filter, byte[] current, byte[] previous, int pixelBytes)
        {
            if (filter is < 0 or > 4)
                throw new InvalidDataException($"is a damaged PNG: a row has filter {filter}, expected 0 to 4");
            int first = Math.Min(pixelBytes, current.Length);
            for (int i = 0; i < first && filter != 0; i++)
                current[i] += (byte)PngFilter.Predict(filter, 0, previous[i], 0);
            // The filter is a constant in each loop. Choosing it for each byte would take as long as inflating the
            // byte.
            switch (filter)
            {
                case 1:
                    for (int i = first, j = first - pixelBytes; i < current.Length; i++, j++)
                        current[i] += (byte)PngFilter.Predict(1, current[j], previous[i], previous[j]);
                    break;
                case 2:
                    for (int i = first, j = first - pixelBytes; i < current.Length; i++, j++)
                        current[i] += (byte)PngFilter.Predict(2, current[j], previous[i], previous[j]);
                    break;
                case 3:
                    for (int i = first, j = first - pixelBytes; i < current.Length; i++, j++)
                        current[i] += (byte)PngFilter.Predict(3, current[j], previous[i], previous[j]);
                    break;
                case 4:
                    for (int i = first, j = first - pixelBytes; i < current.Length; i++, j++)
                        current[i] += (byte)PngFilter.Predict(4, current[j], previous[i], previous[j]);
                    break;
            }
        }

        private void StoreRow(Span<float> pixels, byte[] line)
        {
            if (header is { ColorType: 2, Depth: 8 } && transparency is null)
            {
                for (int i = 0; i < pixels.Length; i++) pixels[i] = line[i] / 255f;
                return;
            }

            for (int column = 0; 3 * column < pixels.Length; column++)
                Store(pixels.Slice(3 * column, 3), line, column);
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
                    {
                        throw new InvalidDataException(
                            $"is a damaged PNG: it uses colour {index} of a palette of {palette.Length / 3}");
                    }

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

        private int Key(int channel) =>
            BinaryPrimitives.ReadUInt16BigEndian(transparency.AsSpan(2 * channel)) & ((1 << header.Depth) - 1);

        private int Sample(byte[] line, int sample) => header.Depth switch
        {
            8 => line[sample],
            16 => (line[2 * sample] << 8) | line[(2 * sample) + 1],
            int depth => (line[sample * depth / 8] >> (8 - depth - (sample * depth % 8))) & ((1 << depth) - 1),
        };
    }
}
