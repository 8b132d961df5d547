using System.Buffers.Binary;

namespace NativeStyle.Vgg.Weights;

/// <summary>A dataset as its object header describes it.</summary>
/// <param name="Shape">Its dimensions; int.MaxValue stands for a larger one.</param>
/// <param name="Type">The type of its numbers.</param>
/// <param name="BigEndian">Whether the numbers are big-endian.</param>
/// <param name="Chunks">The number of pieces they are stored in, or 0 if they are in the header.</param>
/// <param name="ChunkBytes">The uncompressed size of a piece in bytes.</param>
/// <param name="Problem">The reason why the numbers cannot be read, or null if they can.</param>
internal sealed record Hdf5Dataset(
    int[] Shape, NumberType Type, bool BigEndian, long Chunks, long ChunkBytes, string? Problem);

/// <summary>
/// The messages of an HDF5 object header ("HDF5 File Format Specification", IV.A.2). Each is checked: the lengths that
/// it states must fit into it.
/// </summary>
internal sealed class Hdf5Header
{
    public const int Continuation = 0x10;

    private const int Dataspace = 1, LinkInfo = 2, Datatype = 3, OldFillValue = 4, FillValue = 5, Link = 6;
    private const int ExternalFiles = 7, Layout = 8, Filters = 11, SymbolTable = 17;

    private const ushort Deflate = 1, Shuffle = 2;
    private const long MaxChunks = 1 << 16;

    private readonly Dictionary<int, byte[]> _single = [];

    /// <summary>Checks a message. Returns false for one that a reader of weights does not need.</summary>
    /// <exception cref="InvalidDataException">
    /// The message is damaged, or refers to something that is not supported.
    /// </exception>
    public bool Take(int type, byte flags, ReadOnlySpan<byte> body)
    {
        const byte Shared = 2;
        bool needed = type is Dataspace or LinkInfo or Datatype or OldFillValue or FillValue or Link or ExternalFiles
            or Layout or Filters or SymbolTable;
        if (!needed) return type == 0;
        if ((flags & Shared) != 0) throw new InvalidDataException("has shared types, which are not read");
        if (type == ExternalFiles) throw new InvalidDataException("has numbers in another file, which is not read");
        if (type == Link)
        {
            CheckLink(body);
            return true;
        }

        if (!_single.TryAdd(type, body.ToArray())) throw Damaged();
        switch (type)
        {
            case LinkInfo:
                CheckLinkInfo(body);
                return true;
            case Datatype:
                CheckFloat(body);
                return true;
            case OldFillValue or FillValue:
                CheckFillValue(type, body);
                return false;
            case Filters:
                return true;
            default:
                if (body.Length < (type == SymbolTable ? 16 : 4)) throw Damaged();
                return true;
        }
    }

    public static InvalidDataException OtherLinks() =>
        new("has soft or external links between its layers, which are not followed");

    /// <summary>Returns the dataset that the messages describe together, or null for a group.</summary>
    /// <param name="fileLength">The file's length in bytes. No dataset can have more.</param>
    public Hdf5Dataset? Dataset(long fileLength)
    {
        if (!_single.TryGetValue(Layout, out byte[]? layout)) return null;
        if (!_single.TryGetValue(Dataspace, out byte[]? space) || !_single.TryGetValue(Datatype, out byte[]? type))
            throw Damaged();
        int[] shape = ShapeOf(space);
        NumberType number = type[4] switch
        {
            2 => NumberType.Float16,
            4 => NumberType.Float32,
            _ => NumberType.Float64,
        };
        int size = NumberReader.SizeOf(number);
        bool deflated = _single.TryGetValue(Filters, out byte[]? filters) && CheckFilters(filters, size);
        long count = NamedArray.Count(shape);
        (long chunks, long bytes, string? problem) = Stored(layout, shape, size, count, fileLength, deflated);
        if (count > NamedArray.MaxElements)
            problem = $"states the shape ({string.Join(", ", shape)}), larger than any of VGG's convolutions";
        return new Hdf5Dataset(shape, number, (type[1] & 1) != 0, chunks, bytes, problem);
    }

    private static void CheckLink(ReadOnlySpan<byte> body)
    {
        if (body.Length < 3 || body[0] != 1) throw Damaged();
        byte flags = body[1];
        if ((flags & 8) != 0 && body[2] != 0) throw OtherLinks();
        int at = 2 + ((flags & 8) != 0 ? 1 : 0) + ((flags & 4) != 0 ? 8 : 0) + ((flags & 16) != 0 ? 1 : 0);
        int width = 1 << (flags & 3);
        if (body.Length < at + width) throw Damaged();
        Span<byte> padded = stackalloc byte[8];
        padded.Clear();
        body.Slice(at, width).CopyTo(padded);
        ulong length = BinaryPrimitives.ReadUInt64LittleEndian(padded);
        if (length > (ulong)body.Length || body.Length < at + width + (int)length + 8) throw Damaged();
    }

    private static void CheckLinkInfo(ReadOnlySpan<byte> body)
    {
        if (body.Length < 18) throw Damaged();
        int at = 2 + ((body[1] & 1) != 0 ? 8 : 0);
        if (body.Length < at + 16 + ((body[1] & 2) != 0 ? 8 : 0)) throw Damaged();
        // If the addresses of a heap and an index are defined, the links did not fit into the header.
        if (body.Slice(at, 16).ContainsAnyExcept((byte)0xff))
        {
            throw new InvalidDataException(
                "has large groups in HDF5's newer form, which is not read; "
                + "write it again with h5py's libver='earliest'");
        }
    }

    /// <summary>
    /// Requires one of IEEE 754's three formats: the places of sign, exponent and fraction, and the exponent's bias.
    /// </summary>
    private static void CheckFloat(ReadOnlySpan<byte> body)
    {
        bool floating = body.Length >= 20 && (body[0] & 15) == 1 && body[0] >> 4 is >= 1 and <= 3;
        bool supported = floating && BinaryPrimitives.ReadUInt32LittleEndian(body[4..]) switch
        {
            2 => body.Slice(8, 12).SequenceEqual<byte>([0, 0, 16, 0, 10, 5, 0, 10, 15, 0, 0, 0]),
            4 => body.Slice(8, 12).SequenceEqual<byte>([0, 0, 32, 0, 23, 8, 0, 23, 127, 0, 0, 0]),
            8 => body.Slice(8, 12).SequenceEqual<byte>([0, 0, 64, 0, 52, 11, 0, 52, 255, 3, 0, 0]),
            _ => false,
        };
        if (!supported || (body[1] & 64) != 0)
        {
            throw new InvalidDataException(
                "holds other values than floating-point numbers of 16, 32 or 64 bits");
        }
    }

    /// <summary>
    /// Requires that the fill value is zero. The message is hidden from the library, which uses zero for missing
    /// values.
    /// </summary>
    private static void CheckFillValue(int type, ReadOnlySpan<byte> body)
    {
        int at = type == OldFillValue ? 4 : body.Length > 0 && body[0] < 3 ? 8 : 6;
        if (body.Length > at && body[at..].ContainsAnyExcept((byte)0))
            throw new InvalidDataException("has a fill value other than zero, which is not read");
    }

    private static int[] ShapeOf(ReadOnlySpan<byte> space)
    {
        const int MaxRank = 8;
        (int rank, int at) = (space[1], space[0] == 1 ? 8 : 4);
        // A flag other than the one for maximal dimensions stands for permuted dimensions.
        if (space[0] is not (1 or 2) || rank > MaxRank || (space[2] & ~1) != 0) throw Damaged();
        if (space.Length < at + (8 * rank * ((space[2] & 1) + 1))) throw Damaged();
        if (space[0] == 2 && space[3] != (rank == 0 ? 0 : 1)) throw Damaged();
        int[] shape = new int[rank];
        for (int i = 0; i < rank; i++)
        {
            ulong dimension = BinaryPrimitives.ReadUInt64LittleEndian(space[(at + (8 * i))..]);
            shape[i] = (int)Math.Min(dimension, int.MaxValue);
        }

        return shape;
    }

    /// <summary>
    /// Accepts only deflate and shuffle: filters process untrusted bytes, and these two need no trust. Returns whether
    /// one of them is deflate.
    /// </summary>
    private static bool CheckFilters(ReadOnlySpan<byte> body, int size)
    {
        if (body.Length < 2 || body[0] is not (1 or 2)) throw Damaged();
        (bool old, bool deflated) = (body[0] == 1, false);
        int at = old ? 8 : 2;
        for (int i = 0; i < body[1]; i++)
        {
            int fixedPart = old ? 8 : 6;
            if (body.Length < at + fixedPart) throw Damaged();
            ushort id = BinaryPrimitives.ReadUInt16LittleEndian(body[at..]);
            if (id is not (Deflate or Shuffle))
            {
                throw new InvalidDataException(
                    $"has numbers behind HDF5 filter {id}, expected none, deflate (1) or shuffle (2)");
            }

            deflated |= id == Deflate;
            int name = old ? BinaryPrimitives.ReadUInt16LittleEndian(body[(at + 2)..]) : 0;
            int values = BinaryPrimitives.ReadUInt16LittleEndian(body[(at + fixedPart - 2)..]);
            at += fixedPart;
            // A name is padded to a multiple of eight.
            bool padded = name == 0
                || (body.Length >= at + name && body.Slice(at, name).IndexOf((byte)0) / 8 == (name / 8) - 1);
            if (body.Length < at + name || !padded) throw Damaged();
            at += name;
            if (body.Length < at + (4 * values)) throw Damaged();
            if (id == Shuffle && (values < 1 || BinaryPrimitives.ReadUInt32LittleEndian(body[at..]) != size))
                throw Damaged();
            at += 4 * (old ? (values + 1) / 2 * 2 : values);
        }

        return at > body.Length ? throw Damaged() : deflated;
    }

    private static (long Chunks, long Bytes, string? Problem) Stored(
        ReadOnlySpan<byte> layout, int[] shape, int size, long count, long fileLength, bool deflated)
    {
        // Deflate makes at most this many bytes out of one.
        const int MaxRatio = 1032;
        const int Compact = 0, Contiguous = 1, Chunked = 2;
        const string Unwritten = "was never written";
        long bytes = count > NamedArray.MaxElements ? long.MaxValue : count * size;
        switch ((Version: layout[0], Class: layout[1]))
        {
            case (3 or 4, Compact):
                int inside = BinaryPrimitives.ReadUInt16LittleEndian(layout[2..]);
                if (layout.Length < 4 + inside) throw Damaged();
                return (0, bytes, inside == bytes ? null : $"has {inside:n0} bytes, expected {bytes:n0}");
            case (3 or 4, Contiguous):
                if (layout.Length < 18) throw Damaged();
                ulong stored = BinaryPrimitives.ReadUInt64LittleEndian(layout[10..]);
                if (IsUndefined(layout[2..])) return (1, bytes, Unwritten);
                if (stored != (ulong)bytes) return (1, bytes, $"has {stored:n0} bytes, expected {bytes:n0}");
                return (1, bytes, bytes > fileLength ? TooLarge(bytes, fileLength) : null);
            case (3, Chunked):
                if (layout.Length < 11 + (4 * layout[2])) throw Damaged();
                if (layout[2] != shape.Length + 1) throw Damaged();
                ReadOnlySpan<byte> elementSize = layout[(11 + (4 * shape.Length))..];
                if (BinaryPrimitives.ReadUInt32LittleEndian(elementSize) != size) throw Damaged();
                (long chunks, long chunkBytes) = (1, size);
                for (int axis = 0; axis < shape.Length; axis++)
                {
                    uint length = BinaryPrimitives.ReadUInt32LittleEndian(layout[(11 + (4 * axis))..]);
                    if (length == 0 || length > shape[axis])
                        return (0, 0, $"states chunks of {length:n0} along an axis of {shape[axis]:n0}");
                    chunks = Math.Min(chunks * ((shape[axis] + (long)length - 1) / length), int.MaxValue);
                    chunkBytes = Math.Min(chunkBytes * length, int.MaxValue);
                }

                bool wasteful = chunks > MaxChunks
                    || chunks * chunkBytes > (4 * Math.Min(bytes, int.MaxValue)) + MaxChunks;
                string? problem = IsUndefined(layout[3..]) ? Unwritten
                    : wasteful ? $"states {chunks:n0} chunks of {chunkBytes:n0} bytes"
                    : bytes / (deflated ? MaxRatio : 1) > fileLength ? TooLarge(bytes, fileLength)
                    : null;
                return (chunks, chunkBytes, problem);
            case (4, Chunked):
                throw new InvalidDataException(
                    "has chunks in HDF5's newer form, which is not read; write it again with h5py's libver='earliest'");
            default:
                throw new InvalidDataException(
                    "has datasets of another layout than contiguous, compact or chunked (virtual ones are not read)");
        }
    }

    private static string TooLarge(long bytes, long fileLength) =>
        $"states {bytes:n0} bytes, more than the {fileLength:n0} of the file hold";

    private static bool IsUndefined(ReadOnlySpan<byte> address) =>
        BinaryPrimitives.ReadUInt64LittleEndian(address) == ulong.MaxValue;

    private static InvalidDataException Damaged() => new("has a damaged object header");
}
