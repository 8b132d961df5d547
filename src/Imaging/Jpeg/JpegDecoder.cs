using System.Buffers.Binary;

namespace NativeStyle.Imaging.Jpeg;

/// <summary>
/// JPEG (ITU-T T.81): baseline, extended sequential and progressive with Huffman coding, 8 bits, any sampling,
/// restart intervals; grey, YCbCr, RGB, CMYK and YCCK (Adobe's APP14 says which); Exif orientation is applied, every
/// other metadata passed over.
/// </summary>
internal static class JpegDecoder
{
    /// <summary>Progressive files of the wild have about ten; a file with thousands only wastes time.</summary>
    private const int MaxScans = 500;

    public static bool IsJpeg(ReadOnlySpan<byte> bytes) => bytes.StartsWith((ReadOnlySpan<byte>)[0xFF, 0xD8]);

    /// <summary>Height and width upright, and the Exif orientation, without the picture.</summary>
    public static (int Height, int Width, int Orientation) Measure(byte[] bytes)
    {
        var state = new State(bytes, null);
        state.Decode(onlyFrame: true);
        (int height, int width) = (state.Frame!.Height, state.Frame.Width);
        return state.Orientation >= 5 ? (width, height, state.Orientation) : (height, width, state.Orientation);
    }

    /// <summary>Hands out the rows as they are stored, not turned: see <see cref="Orientation"/>.</summary>
    public static void ForEachRow(byte[] bytes, RowReader rows) => new State(bytes, rows).Decode(onlyFrame: false);

    private sealed class State(byte[] bytes, RowReader? rows)
    {
        private readonly ushort[]?[] _quantization = new ushort[4][];
        private readonly HuffmanTable?[] _dcTables = new HuffmanTable[4];
        private readonly HuffmanTable?[] _acTables = new HuffmanTable[4];
        private int _restartInterval;
        private int? _adobeTransform;
        private int _scans;
        private bool _byRows;

        public Frame? Frame { get; private set; }

        public int Orientation { get; private set; } = 1;

        /// <param name="onlyFrame">Whether to stop before the first scan.</param>
        public void Decode(bool onlyFrame)
        {
            for (int at = 2; ;)
            {
                at = FindMarker(at);
                byte marker = bytes[at++];
                if (marker == 0xD9) break;
                if (marker is 0x01 or 0xD8 or (>= 0xD0 and <= 0xD7)) continue;
                int length = at + 2 <= bytes.Length ? BinaryPrimitives.ReadUInt16BigEndian(bytes.AsSpan(at)) : 0;
                if (length < 2 || at + length > bytes.Length)
                    throw new InvalidDataException("is a truncated JPEG: a segment reaches past its end");
                ReadOnlySpan<byte> body = bytes.AsSpan(at + 2, length - 2);
                at += length;
                if (marker != 0xDA) ReadSegment(marker, body);
                else if (onlyFrame && Frame is not null) return;
                else at = ReadScan(body, at);
            }

            if (Frame is null || _scans == 0) throw new InvalidDataException("is a damaged JPEG: it holds no picture");
            if (_byRows) return;
            var converter = new ColorConverter(Frame, _quantization, _adobeTransform, rows!);
            for (int row = 0; row < Frame.McusDown; row++) converter.Add(row);
        }

        /// <summary>The position of the next marker's code; stray bytes before it are passed over.</summary>
        private int FindMarker(int at)
        {
            for (; at + 1 < bytes.Length; at++)
                if (bytes[at] == 0xFF && bytes[at + 1] is not (0 or 0xFF)) return at + 1;
            throw new InvalidDataException("is a truncated JPEG: it ends without an end marker");
        }

        private void ReadSegment(byte marker, ReadOnlySpan<byte> body)
        {
            switch (marker)
            {
                case 0xC0 or 0xC1 or 0xC2:
                    if (Frame is not null) throw new InvalidDataException("is a damaged JPEG: it has two frames");
                    Frame = Jpeg.Frame.Parse(body, marker == 0xC2, bytes.Length);
                    break;
                case 0xC4:
                    ReadHuffmanTables(body);
                    break;
                case 0xDB:
                    ReadQuantizationTables(body);
                    break;
                case 0xDD:
                    if (body.Length < 2) throw new InvalidDataException("is a damaged JPEG: a short restart interval");
                    _restartInterval = BinaryPrimitives.ReadUInt16BigEndian(body);
                    break;
                case 0xE1:
                    Orientation = Jpeg.Orientation.Parse(body) ?? Orientation;
                    break;
                case 0xEE:
                    if (body.Length >= 12 && body.StartsWith("Adobe"u8)) _adobeTransform = body[11];
                    break;
                case 0xC3 or (>= 0xC5 and <= 0xC7) or (>= 0xC9 and <= 0xCB) or (>= 0xCD and <= 0xCF):
                    throw new InvalidDataException(
                        $"is a JPEG of a rare kind (lossless, hierarchical or arithmetic, marker {marker:x2}); convert it to PNG");
            }
        }

        private void ReadHuffmanTables(ReadOnlySpan<byte> body)
        {
            while (body.Length > 0)
            {
                int count = 0;
                if (body.Length >= 17) foreach (byte n in body.Slice(1, 16)) count += n;
                if (body.Length < 17 || body.Length < 17 + count || count > 256 || (body[0] & 0xEC) != 0)
                    throw new InvalidDataException("is a damaged JPEG: a bad Huffman table");
                var table = new HuffmanTable(body.Slice(1, 16), body.Slice(17, count));
                (body[0] >> 4 == 0 ? _dcTables : _acTables)[body[0] & 3] = table;
                body = body[(17 + count)..];
            }
        }

        private void ReadQuantizationTables(ReadOnlySpan<byte> body)
        {
            while (body.Length > 0)
            {
                int wide = body[0] >> 4, size = 1 + (64 * (wide + 1));
                if (wide > 1 || (body[0] & 15) > 3 || body.Length < size)
                    throw new InvalidDataException("is a damaged JPEG: a bad quantisation table");
                ushort[] table = new ushort[64];
                for (int k = 0; k < 64; k++)
                {
                    table[JpegTables.ZigZag[k]] = wide == 0 ? body[1 + k]
                        : BinaryPrimitives.ReadUInt16BigEndian(body[(1 + (2 * k))..]);
                }

                _quantization[body[0] & 15] = table;
                body = body[size..];
            }
        }

        /// <summary>Decodes a scan and returns the position behind its data.</summary>
        private int ReadScan(ReadOnlySpan<byte> body, int at)
        {
            Frame frame = Frame ?? throw new InvalidDataException("is a damaged JPEG: a scan comes before the frame");
            if (++_scans > MaxScans) throw new InvalidDataException($"is a JPEG of more than {MaxScans} scans");
            if (body.Length < 1 || body[0] is 0 or > 4 || body.Length != 4 + (2 * body[0]))
                throw new InvalidDataException("is a damaged JPEG: a bad scan header");
            var components = new Component[body[0]];
            for (int i = 0; i < components.Length; i++)
            {
                (int id, int tables) = (body[1 + (2 * i)], body[2 + (2 * i)]);
                components[i] = frame.Components.FirstOrDefault(component => component.Id == id)
                    ?? throw new InvalidDataException($"is a damaged JPEG: a scan of component {id}, which its frame has not");
                if ((tables & 0xCC) != 0) throw new InvalidDataException("is a damaged JPEG: a scan names Huffman tables above 3");
                components[i].DcTable = _dcTables[tables >> 4];
                components[i].AcTable = _acTables[tables & 3];
            }

            if (components.Distinct().Count() != components.Length)
                throw new InvalidDataException("is a damaged JPEG: a scan names a component twice");
            (int ss, int se, int approximation) = (body[^3], body[^2], body[^1]);
            (int ah, int al) = (approximation >> 4, approximation & 15);
            bool valid = !frame.Progressive || (ss <= se && se < 64 && ah <= 13 && al <= 13
                && (ss == 0 ? se == 0 : components.Length == 1));
            if (!valid) throw new InvalidDataException($"is a damaged JPEG: a scan of coefficients {ss} to {se}, bits {ah} to {al}");
            if (_byRows) throw new InvalidDataException("is a damaged JPEG: a scan comes after one that held the whole picture");
            // One sequential scan of all components can be shown row by row; others are only whole when all have come.
            if (_scans == 1)
            {
                _byRows = !frame.Progressive && components.Length == frame.Components.Length;
                frame.Allocate(whole: !_byRows);
            }

            var bits = new BitReader(bytes, at);
            var scan = new ScanDecoder(frame, components, ss, se, ah, al, bits);
            if (_byRows)
            {
                var converter = new ColorConverter(frame, _quantization, _adobeTransform, rows!);
                scan.Run(_restartInterval, () => converter.Add(0));
            }
            else
            {
                scan.Run(_restartInterval);
            }

            return bits.Position;
        }
    }
}
