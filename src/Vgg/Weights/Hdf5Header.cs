using System.Buffers.Binary;

namespace NativeStyle.Vgg.Weights;

/// <summary>A dataset as its object header states it.</summary>
/// <param name="Shape">Its dimensions; int.MaxValue for a larger one.</param>
/// <param name="Type">Of its numbers.</param>
/// <param name="BigEndian">Their byte order.</param>
/// <param name="Chunks">How many pieces they are stored in; none for those that lie in the header.</param>
/// <param name="ChunkBytes">What a piece holds, uncompressed.</param>
/// <param name="Problem">Why its numbers cannot be read; null where they can.</param>
internal sealed record Hdf5Dataset(int[] Shape, NumberType Type, bool BigEndian, long Chunks, long ChunkBytes, string? Problem);

/// <summary>
/// The messages of an HDF5 object header ("HDF5 File Format Specification", IV.A.2), each checked: what they say of
/// lengths must fit into them.
/// </summary>
internal sealed class Hdf5Header
{
    public const int Continuation = 0x10;

    private const int Dataspace = 1, LinkInfo = 2, Datatype = 3, OldFillValue = 4, FillValue = 5, Link = 6, ExternalFiles = 7,
        Layout = 8, Filters = 11, SymbolTable = 17;

    private const ushort Deflate = 1, Shuffle = 2;
    private const long MaxChunks = 1 << 16;

    private readonly Dictionary<int, byte[]> _single = [];

    /// <summary>Checks a message; false for one that a reader of weights does without.</summary>
    /// <exception cref="InvalidDataException">It is damaged, or refers to something that is not read.</exception>
    public bool Take(int type, byte flags, ReadOnlySpan<byte> body)
    {
        const byte Shared = 2;
        if (type is not (Dataspace or LinkInfo or Datatype or OldFillValue or FillValue or Link or ExternalFiles or Layout or Filters or SymbolTable)) return type == 0;
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

    public static InvalidDataException OtherLinks() => new("has soft or external links between its layers, which are not followed");

    /// <summary>What the messages say together; null for a group.</summary>
    /// <param name="fileLength">In bytes, which no dataset can have more of.</param>
    public Hdf5Dataset? Dataset(long fileLength)
    {
        if (!_single.TryGetValue(Layout, out byte[]? layout)) return null;
        if (!_single.TryGetValue(Dataspace, out byte[]? space) || !_single.TryGetValue(Datatype, out byte[]? type)) throw Damaged();
        int[] shape = ShapeOf(space);
        NumberType number = type[4] switch { 2 => NumberType.Float16, 4 => NumberType.Float32, _ => NumberType.Float64 };
        int size = NumberReader.SizeOf(number);
        bool deflated = _single.TryGetValue(Filters, out byte[]? filters) && CheckFilters(filters, size);
        long count = NamedArray.Count(shape);
        (long chunks, long bytes, string? problem) = Stored(layout, shape, size, count, fileLength, deflated);
        return new Hdf5Dataset(shape, number, (type[1] & 1) != 0, chunks, bytes, count > NamedArray.MaxElements
            ? $"states the shape ({string.Join(", ", shape)}), larger than any of VGG's convolutions" : problem);
    }

    private static void CheckLink(ReadOnlySpan<byte> body)
    {
        if (body.Length < 3 || body[0] != 1) throw Damaged();
        byte flags = body[1];
        if ((flags & 8) != 0 && body[2] != 0) throw OtherLinks();
        int at = 2 + ((flags & 8) != 0 ? 1 : 0) + ((flags & 4) != 0 ? 8 : 0) + ((flags & 16) != 0 ? 1 : 0), width = 1 << (flags & 3);
        if (body.Length < at + width) throw Damaged();
        Span<byte> length = stackalloc byte[8];
        length.Clear();
        body.Slice(at, width).CopyTo(length);
        if (BinaryPrimitives.ReadUInt64LittleEndian(length) > (ulong)body.Length || body.Length < at + width + (int)BinaryPrimitives.ReadUInt64LittleEndian(length) + 8)
            throw Damaged();
    }

    private static void CheckLinkInfo(ReadOnlySpan<byte> body)
    {
        if (body.Length < 18) throw Damaged();
        int at = 2 + ((body[1] & 1) != 0 ? 8 : 0);
        if (body.Length < at + 16 + ((body[1] & 2) != 0 ? 8 : 0)) throw Damaged();
        // Defined addresses of a heap and an index: links that do not fit into the header.
        if (body.Slice(at, 16).ContainsAnyExcept((byte)0xff))
            throw new InvalidDataException("has large groups in HDF5's newer form, which is not read; write it again with h5py's libver='earliest'");
    }

    /// <summary>IEEE 754's three formats: where sign, exponent and fraction lie, and the exponent's bias.</summary>
    private static void CheckFloat(ReadOnlySpan<byte> body)
    {
        bool known = body.Length >= 20 && (body[0] & 15) == 1 && body[0] >> 4 is >= 1 and <= 3 && BinaryPrimitives.ReadUInt32LittleEndian(body[4..]) switch
        {
            2 => body.Slice(8, 12).SequenceEqual<byte>([0, 0, 16, 0, 10, 5, 0, 10, 15, 0, 0, 0]),
            4 => body.Slice(8, 12).SequenceEqual<byte>([0, 0, 32, 0, 23, 8, 0, 23, 127, 0, 0, 0]),
            8 => body.Slice(8, 12).SequenceEqual<byte>([0, 0, 64, 0, 52, 11, 0, 52, 255, 3, 0, 0]),
            _ => false,
        };
        if (!known || (body[1] & 64) != 0) throw new InvalidDataException("holds other values than floating-point numbers of 16, 32 or 64 bits");
    }

    /// <summary>Hidden from the library, which takes zero for what is missing.</summary>
    private static void CheckFillValue(int type, ReadOnlySpan<byte> body)
    {
        int at = type == OldFillValue ? 4 : body.Length > 0 && body[0] < 3 ? 8 : 6;
        if (body.Length > at && body[at..].ContainsAnyExcept((byte)0)) throw new InvalidDataException("has a fill value other than zero, which is not read");
    }

    private static int[] ShapeOf(ReadOnlySpan<byte> space)
    {
        const int MaxRank = 8;
        (int rank, int at) = (space[1], space[0] == 1 ? 8 : 4);
        // A flag that is not the one of maximal dimensions stands for permuted ones.
        if (space[0] is not (1 or 2) || rank > MaxRank || (space[2] & ~1) != 0) throw Damaged();
        if (space.Length < at + (8 * rank * ((space[2] & 1) + 1))) throw Damaged();
        if (space[0] == 2 && space[3] != (rank == 0 ? 0 : 1)) throw Damaged();
        int[] shape = new int[rank];
        for (int i = 0; i < rank; i++) shape[i] = (int)Math.Min(BinaryPrimitives.ReadUInt64LittleEndian(space[(at + (8 * i))..]), int.MaxValue);
        return shape;
    }

    /// <summary>Filters run over what they are told: only two that need no trust. Whether one of them is deflate.</summary>
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
            if (id is not (Deflate or Shuffle)) throw new InvalidDataException($"has numbers behind HDF5 filter {id}, expected none, deflate (1) or shuffle (2)");
            deflated |= id == Deflate;
            int name = old ? BinaryPrimitives.ReadUInt16LittleEndian(body[(at + 2)..]) : 0;
            int values = BinaryPrimitives.ReadUInt16LittleEndian(body[(at + fixedPart - 2)..]);
            at += fixedPart;
            // A name is padded to a multiple of eight.
            if (body.Length < at + name || (name > 0 && body.Slice(at, name).IndexOf((byte)0) / 8 != (name / 8) - 1)) throw Damaged();
            at += name;
            if (body.Length < at + (4 * values)) throw Damaged();
            if (id == Shuffle && (values < 1 || BinaryPrimitives.ReadUInt32LittleEndian(body[at..]) != size)) throw Damaged();
            at += 4 * (old ? (values + 1) / 2 * 2 : values);
        }

        return at > body.Length ? throw Damaged() : deflated;
    }

    private static (long Chunks, long Bytes, string? Problem) Stored(
        ReadOnlySpan<byte> layout, int[] shape, int size, long count, long fileLength, bool deflated)
    {
        // At most that many bytes come from one of deflate's.
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
                return (1, bytes, IsUndefined(layout[2..]) ? Unwritten : stored != (ulong)bytes ? $"has {stored:n0} bytes, expected {bytes:n0}"
                    : bytes > fileLength ? TooLarge(bytes, fileLength) : null);
            case (3, Chunked):
                if (layout.Length < 11 + (4 * layout[2])) throw Damaged();
                if (layout[2] != shape.Length + 1 || BinaryPrimitives.ReadUInt32LittleEndian(layout[(11 + (4 * shape.Length))..]) != size) throw Damaged();
                (long chunks, long chunkBytes) = (1, size);
                for (int axis = 0; axis < shape.Length; axis++)
                {
                    uint length = BinaryPrimitives.ReadUInt32LittleEndian(layout[(11 + (4 * axis))..]);
                    if (length == 0 || length > shape[axis]) return (0, 0, $"states chunks of {length:n0} along an axis of {shape[axis]:n0}");
                    chunks = Math.Min(chunks * ((shape[axis] + (long)length - 1) / length), int.MaxValue);
                    chunkBytes = Math.Min(chunkBytes * length, int.MaxValue);
                }

                bool wasteful = chunks > MaxChunks || chunks * chunkBytes > (4 * Math.Min(bytes, int.MaxValue)) + MaxChunks;
                return (chunks, chunkBytes, IsUndefined(layout[3..]) ? Unwritten : wasteful ? $"states {chunks:n0} chunks of {chunkBytes:n0} bytes"
                    : bytes / (deflated ? MaxRatio : 1) > fileLength ? TooLarge(bytes, fileLength) : null);
            case (4, Chunked):
                throw new InvalidDataException("has chunks in HDF5's newer form, which is not read; write it again with h5py's libver='earliest'");
            default:
                throw new InvalidDataException("has datasets of another layout than contiguous, compact or chunked (virtual ones are not read)");
        }
    }

    private static string TooLarge(long bytes, long fileLength) => $"states {bytes:n0} bytes, more than the {fileLength:n0} of the file hold";

    private static bool IsUndefined(ReadOnlySpan<byte> address) => BinaryPrimitives.ReadUInt64LittleEndian(address) == ulong.MaxValue;

    private static InvalidDataException Damaged() => new("has a damaged object header");
}
