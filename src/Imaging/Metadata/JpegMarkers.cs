using System.Buffers.Binary;

namespace NativeStyle.Imaging.Metadata;

/// <summary>
/// Reads a JPEG file's marker segments (ITU T.81, annex B). It collects what they state besides the picture, and checks
/// that they are complete: if scans, restarts or the end are missing, StbImageSharp returns uninitialised memory. Other
/// damage is left to StbImageSharp.
/// </summary>
internal sealed class JpegMarkers
{
    /// <summary>More scans than any encoder writes. The decoder goes over the whole picture for each scan.</summary>
    private const int MaxScans = 256;

    private const int LargestProfile = 1 << 24;

    private readonly List<byte[]> _profile = [];
    private readonly Dictionary<byte, Component> _components = [];
    private int _height;
    private int _width;
    private int _scans;
    private int _restartInterval;
    private long _restartsMissing;

    private JpegMarkers()
    {
    }

    /// <summary>The Exif orientation, or 1 if there is none.</summary>
    public int Orientation { get; private set; } = 1;

    /// <summary>
    /// Whether several scans go over all blocks. The decoder keeps their coefficients until the last scan.
    /// </summary>
    public bool Progressive { get; private set; }

    /// <summary>The number of bytes up to the end marker, and with it.</summary>
    public int Length { get; private set; }

    /// <summary>The ICC profile, or null if there is none.</summary>
    public IccProfile? Profile { get; private set; }

    /// <exception cref="InvalidDataException">
    /// The JPEG is of an unsupported kind, or incomplete. The message is meant to follow a file's name.
    /// </exception>
    public static JpegMarkers Parse(ReadOnlySpan<byte> bytes)
    {
        var markers = new JpegMarkers();
        markers.Walk(bytes);
        if (markers._profile.Count > 0)
            markers.Profile = IccProfile.Parse([.. markers._profile.SelectMany(part => part)]);
        return markers;
    }

    private void Walk(ReadOnlySpan<byte> bytes)
    {
        for (int at = 2; ;)
        {
            int next = bytes[at..].IndexOf((byte)0xFF);
            if (next < 0) break;
            at += next + 1;
            while (at < bytes.Length && bytes[at] == 0xFF) at++;
            if (at >= bytes.Length) break;
            byte marker = bytes[at++];
            if (marker is >= 0xD0 and <= 0xD7) _restartsMissing--;
            // Stuffed bytes, restarts, starts and TEM have no segment after them.
            if (marker is 0 or 1 or (>= 0xD0 and <= 0xD8)) continue;
            RequireRestarts();
            if (marker == 0xD9) Length = at;
            if (Length > 0 || at + 2 > bytes.Length) break;
            int length = BinaryPrimitives.ReadUInt16BigEndian(bytes[at..]);
            if (length < 2 || at + length > bytes.Length) break;
            Take(marker, bytes.Slice(at + 2, length - 2));
            at += length;
        }

        RequireRestarts();
        if (_components.Count == 0 || _components.Values.Any(component => !component.Scanned))
            throw new InvalidDataException("is a truncated or damaged JPEG: its picture data is missing");
        if (Length == 0)
            throw new InvalidDataException("is a truncated or damaged JPEG: it ends before its picture does");
    }

    private void RequireRestarts()
    {
        if (_restartsMissing > 0)
        {
            throw new InvalidDataException(
                $"is a truncated or damaged JPEG: {_restartsMissing} of its restart markers are missing");
        }

        _restartsMissing = 0;
    }

    private void Take(byte marker, ReadOnlySpan<byte> body)
    {
        switch (marker)
        {
            case 0xE1:
                if (Metadata.Orientation.Parse(body) is int orientation) Orientation = orientation;
                break;
            case 0xE2 when body.StartsWith("ICC_PROFILE\0"u8) && body.Length > 14:
                if (_profile.Sum(part => (long)part.Length) < LargestProfile) _profile.Add(body[14..].ToArray());
                break;
            case 0xDD when body.Length >= 2:
                _restartInterval = BinaryPrimitives.ReadUInt16BigEndian(body);
                break;
            case 0xC4:
                RequireTables("Huffman", body, table => 17 + Sum(table.Slice(1, 16)));
                break;
            case 0xDB:
                RequireTables("quantisation", body, table => 1 + (64 * (1 + (table[0] >> 4))));
                break;
            case >= 0xC0 and <= 0xCF when marker is not (0xC4 or 0xC8 or 0xCC):
                TakeFrame(marker, body);
                break;
            case 0xDA:
                TakeScan(body);
                break;
        }
    }

    /// <summary>
    /// Requires that tables fill their segment. The decoder reads on after a table, and takes the bytes it finds there
    /// for the end.
    /// </summary>
    private static void RequireTables(
        string kind, ReadOnlySpan<byte> body, Func<ReadOnlySpan<byte>, int> length)
    {
        while (body.Length >= 17 && length(body) is var table && table <= body.Length) body = body[table..];
        if (body.IsEmpty) return;
        throw new InvalidDataException($"is a damaged JPEG: its {kind} tables do not fill their segment");
    }

    private static int Sum(ReadOnlySpan<byte> counts)
    {
        int sum = 0;
        foreach (byte count in counts) sum += count;
        return sum;
    }

    private void TakeFrame(byte marker, ReadOnlySpan<byte> body)
    {
        Progressive = marker == 0xC2;
        string? kind = marker switch
        {
            >= 0xC9 => "an arithmetic-coded",
            0xC3 => "a lossless",
            >= 0xC5 => "a hierarchical",
            _ => null,
        };
        if (kind is null && body.Length > 0 && body[0] != 8) kind = $"a {body[0]}-bit";
        if (kind is not null)
        {
            throw new InvalidDataException(
                $"is {kind} JPEG, expected baseline or progressive of 8 bits; save it again as one, or as PNG");
        }

        if (body.Length < 6) return;
        _height = BinaryPrimitives.ReadUInt16BigEndian(body[1..]);
        _width = BinaryPrimitives.ReadUInt16BigEndian(body[3..]);
        for (int i = 6; i + 2 < body.Length; i += 3)
            _components[body[i]] = new Component(Math.Max(1, body[i + 1] >> 4), Math.Max(1, body[i + 1] & 15));
    }

    private void TakeScan(ReadOnlySpan<byte> body)
    {
        if (++_scans > MaxScans)
            throw new InvalidDataException($"is a JPEG of more than {MaxScans} scans, which is damage or an attack");
        if (body.Length < 1 || body.Length < 4 + (2 * body[0])) return;
        // A progressive picture's coefficients begin with the first scan of the constant coefficients.
        (int first, int highBit) = (body[^3], body[^1] >> 4);
        bool begins = !Progressive || (first == 0 && highBit == 0);
        var scanned = new List<Component>();
        for (int i = 0; i < body[0]; i++)
        {
            if (!_components.TryGetValue(body[1 + (2 * i)], out Component? component)) continue;
            component.Scanned |= begins;
            if (!component.Scanned)
                throw new InvalidDataException("is a damaged JPEG: a scan refines what no scan began");
            scanned.Add(component);
        }

        if (_restartInterval == 0 || scanned.Count == 0) return;
        int across = _components.Values.Max(component => component.Across);
        int down = _components.Values.Max(component => component.Down);
        // T.81, A.2: a scan of one component goes over its own blocks; a scan of several goes over the blocks of all.
        long units = scanned.Count == 1
            ? Blocks(_width, scanned[0].Across, across) * Blocks(_height, scanned[0].Down, down)
            : Blocks(_width, 1, across) * Blocks(_height, 1, down);
        _restartsMissing = ((units + _restartInterval - 1) / _restartInterval) - 1;
    }

    /// <summary>
    /// Returns the blocks of eight samples along a side, for a component that has <paramref name="samples"/> for
    /// <paramref name="most"/> pixels.
    /// </summary>
    private static long Blocks(int pixels, int samples, int most) =>
        ((((long)pixels * samples) + most - 1) / most + 7) / 8;

    /// <param name="Across">Samples per unit, horizontally.</param>
    /// <param name="Down">Samples per unit, vertically.</param>
    private sealed record Component(int Across, int Down)
    {
        public bool Scanned { get; set; }
    }
}
