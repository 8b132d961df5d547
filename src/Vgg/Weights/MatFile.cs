using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace NativeStyle.Vgg.Weights;

/// <summary>
/// Reads MAT-files of level 5 (MATLAB 5 to 7; "MAT-File Format", The MathWorks), compressed or not, of either byte
/// order. It reads forward only, through the inflater if a variable is compressed, and never holds a variable's bytes:
/// 575 MB of layers pass through a buffer of some kilobytes.
/// </summary>
internal sealed class MatFile
{
    // A file states sizes before the bytes follow. Whatever it states, the memory is bounded.
    private const int MaxDepth = 32;
    private const int MaxDimensions = 32;
    private const int MaxChildren = 100_000;
    private const int MaxSmallElement = 1 << 20;

    /// <summary>Deflate makes at most so many bytes out of one.</summary>
    private const long MaxInflation = 1032;
    private const long MaxKeptNumbers = 1L << 26;

    private readonly string _path;
    private readonly Func<int[], bool> _keep;
    private bool _bigEndian;
    private long _kept;
    private int _values;

    private MatFile(string path, Func<int[], bool> keep) => (_path, _keep) = (path, keep);

    /// <summary>
    /// Calls <paramref name="visit"/> with each variable of the file. The cells of a top-level cell array are passed
    /// one by one, as (name, cell), so that a visitor can stop early.
    /// </summary>
    /// <param name="path">The file.</param>
    /// <param name="keep">Decides by its dimensions whether a numeric array's values are kept.</param>
    /// <param name="visit">Returns false if it needs no more of the current variable.</param>
    /// <exception cref="InvalidDataException">
    /// The file is not such a file, or it is damaged. The message says where.
    /// </exception>
    public static void Read(string path, Func<int[], bool> keep, Func<string, MatValue, bool> visit) =>
        new MatFile(path, keep).ReadVariables(visit);

    private void ReadVariables(Func<string, MatValue, bool> visit)
    {
        using FileStream file = File.OpenRead(_path);
        Span<byte> header = stackalloc byte[128];
        if (file.ReadAtLeast(header, 128, throwOnEndOfStream: false) < 128)
            throw Bad("is too short for a MAT-file (128 bytes of header expected)");
        ReadOnlySpan<byte> endian = header[126..];
        if (endian.SequenceEqual("MI"u8)) _bigEndian = true;
        else if (!endian.SequenceEqual("IM"u8))
            throw Bad("has no MAT-file header of level 5; save it with MATLAB's save -v7 or scipy.io.savemat");
        int version = _bigEndian ? BinaryPrimitives.ReadUInt16BigEndian(header[124..])
            : BinaryPrimitives.ReadUInt16LittleEndian(header[124..]);
        if (version == 0x0200)
            throw Bad("is a MAT-file of version 7.3 (HDF5), which is not supported; save it again with save -v7");
        if (version != 0x0100) throw Bad($"has MAT-file version 0x{version:x4}, expected 0x0100 (level 5)");
        try
        {
            while (file.Position < file.Length) ReadTopLevel(file, visit);
        }
        catch (EndOfStreamException)
        {
            throw Bad($"ends early, at {file.Length:n0} bytes, inside a variable; it is truncated or damaged");
        }
        catch (InvalidDataException damage) when (!damage.Message.StartsWith(_path, StringComparison.Ordinal))
        {
            throw Bad($"is damaged: {damage.Message}");
        }
    }

    private void ReadTopLevel(FileStream file, Func<string, MatValue, bool> visit)
    {
        Tag tag = ReadTag(file);
        long start = file.Position, end = start + tag.Bytes;
        if (tag.Type != ElementType.Matrix && tag.Type != ElementType.Compressed)
            throw Bad($"has an element of type {(int)tag.Type} at byte {start - 8:n0} where a variable was expected");
        if (end > file.Length)
        {
            throw Bad($"states a variable of {tag.Bytes:n0} bytes at byte {start - 8:n0}, but only " +
                $"{file.Length - start:n0} follow; it is truncated, download it again");
        }

        using var part = new BoundedStream(file, tag.Bytes);
        if (tag.Type == ElementType.Compressed)
        {
            ReadCompressed(part, visit);
        }
        else
        {
            ReadVariable(part, visit);
        }

        // No padding follows a compressed element, and the size of any other element includes its padding.
        file.Position = end;
    }

    private void ReadCompressed(BoundedStream part, Func<string, MatValue, bool> visit)
    {
        long bytes = part.Remaining;
        using var inflated = new BufferedStream(new ZLibStream(part, CompressionMode.Decompress), 1 << 16);
        try
        {
            Tag inner = ReadTag(inflated);
            if (inner.Type != ElementType.Matrix) throw Bad("has a compressed element that is no variable");
            if (inner.Bytes > MaxInflation * bytes)
                throw Bad($"states a variable of {inner.Bytes:n0} bytes in {bytes:n0} compressed ones");
            ReadVariable(new BoundedStream(inflated, inner.Bytes), visit);
        }
        catch (IOException damage) when (damage is not EndOfStreamException)
        {
            // The inflater reports so what it does not support, such as a dictionary.
            throw Bad($"has a variable that cannot be inflated: {damage.Message}");
        }
    }

    private void ReadVariable(BoundedStream stream, Func<string, MatValue, bool> visit)
    {
        if (stream.Remaining == 0) return;
        MatrixHeader header = ReadMatrixHeader(stream);
        if (header.Class != ArrayClass.Cell)
        {
            visit(header.Name, ReadBody(stream, header, 0));
            return;
        }

        long count = CheckChildren(header.Dimensions, 1);
        for (long i = 0; i < count; i++)
            if (!visit(header.Name, ReadMatrix(stream, 1))) return;
    }

    private MatValue ReadMatrix(BoundedStream parent, int depth)
    {
        if (depth > MaxDepth) throw new InvalidDataException($"cells and structs nested deeper than {MaxDepth}");
        if (++_values > MaxChildren) throw new InvalidDataException($"more than {MaxChildren:n0} cells and fields");
        Tag tag = ReadTag(parent);
        if (tag.Type != ElementType.Matrix)
            throw new InvalidDataException($"an element of type {(int)tag.Type} where an array was expected");
        if (tag.Bytes == 0) return new MatNumbers([0, 0], []);
        RequireWithin(parent, tag);
        var stream = new BoundedStream(parent, tag.Bytes);
        MatValue value = ReadBody(stream, ReadMatrixHeader(stream), depth);
        stream.SkipRest();
        SkipPadding(parent, tag);
        return value;
    }

    private MatrixHeader ReadMatrixHeader(Stream stream)
    {
        byte[] flags = ReadSmall(stream, out _, ElementType.UInt32);
        if (flags.Length != 8) throw new InvalidDataException("array flags that are not 8 bytes");
        uint word = UInt32(flags);
        int[] dimensions = ReadIntegers(stream, MaxDimensions);
        if (dimensions.Length < 2) throw new InvalidDataException("an array with fewer than two dimensions");
        long count = 1;
        foreach (int dimension in dimensions)
        {
            if (dimension < 0) throw new InvalidDataException($"a dimension of {dimension}");
            count = checked(count * dimension) <= uint.MaxValue ? count * dimension
                : throw new InvalidDataException($"an array of {string.Join(" x ", dimensions)} elements");
        }

        string name = Encoding.UTF8.GetString(ReadSmall(stream, out _));
        return new MatrixHeader((ArrayClass)(word & 0xFF), dimensions, count, name);
    }

    private MatValue ReadBody(BoundedStream stream, MatrixHeader header, int depth)
    {
        int[] dimensions = header.Dimensions;
        switch (header.Class)
        {
            case ArrayClass.Cell:
                long cells = CheckChildren(dimensions, 1);
                var values = new List<MatValue>();
                for (long i = 0; i < cells; i++) values.Add(ReadMatrix(stream, depth + 1));
                return new MatCell(dimensions, values);
            case ArrayClass.Struct:
                return ReadStruct(stream, dimensions, depth);
            case ArrayClass.Char:
                return ReadText(stream, dimensions);
            case >= ArrayClass.Double and <= ArrayClass.UInt64:
                return ReadNumbers(stream, header);
            default:
                stream.SkipRest();
                return new MatOther(dimensions, header.Class.ToString());
        }
    }

    private MatStruct ReadStruct(BoundedStream stream, int[] dimensions, int depth)
    {
        int[] lengths = ReadIntegers(stream, 1);
        if (lengths.Length != 1 || lengths[0] is < 1 or > 4096)
            throw new InvalidDataException("a bad field name length");
        byte[] names = ReadSmall(stream, out _);
        var fields = new List<string>();
        for (int at = 0; at + lengths[0] <= names.Length; at += lengths[0])
            fields.Add(Encoding.UTF8.GetString(names, at, lengths[0]).Split('\0')[0]);
        long count = CheckChildren(dimensions, fields.Count);
        var elements = new List<IReadOnlyDictionary<string, MatValue>>();
        for (long i = 0; i < count; i++)
        {
            var element = new Dictionary<string, MatValue>();
            foreach (string field in fields) element[field] = ReadMatrix(stream, depth + 1);
            elements.Add(element);
        }

        return new MatStruct(dimensions, elements);
    }

    private MatText ReadText(BoundedStream stream, int[] dimensions)
    {
        byte[] bytes = ReadSmall(stream, out ElementType type);
        string text = type switch
        {
            ElementType.UInt16 or ElementType.Int16 or ElementType.Utf16 =>
                (_bigEndian ? Encoding.BigEndianUnicode : Encoding.Unicode).GetString(bytes),
            ElementType.Utf32 or ElementType.UInt32 or ElementType.Int32 =>
                new UTF32Encoding(_bigEndian, false).GetString(bytes),
            ElementType.Utf8 => Encoding.UTF8.GetString(bytes),
            _ => Encoding.Latin1.GetString(bytes),
        };

        // The text is column-major: with several rows it goes down the columns.
        int rows = dimensions[0], columns = rows == 0 ? 0 : text.Length / rows;
        if (rows > 1 && rows * columns == text.Length)
        {
            var turned = new StringBuilder(text.Length);
            for (int row = 0; row < rows; row++)
            for (int column = 0; column < columns; column++) turned.Append(text[(column * rows) + row]);
            text = turned.ToString();
        }

        return new MatText(dimensions, text);
    }

    private MatNumbers ReadNumbers(BoundedStream stream, MatrixHeader header)
    {
        if (!_keep(header.Dimensions))
        {
            stream.SkipRest();
            return new MatNumbers(header.Dimensions, null);
        }

        // Numbers may be stored narrower than the array's class, such as doubles that are small whole numbers as bytes.
        Tag tag = ReadTag(stream);
        NumberType type = tag.Type switch
        {
            ElementType.Int8 => NumberType.Int8,
            ElementType.UInt8 => NumberType.UInt8,
            ElementType.Int16 => NumberType.Int16,
            ElementType.UInt16 => NumberType.UInt16,
            ElementType.Int32 => NumberType.Int32,
            ElementType.UInt32 => NumberType.UInt32,
            ElementType.Single => NumberType.Float32,
            ElementType.Double => NumberType.Float64,
            ElementType.Int64 => NumberType.Int64,
            ElementType.UInt64 => NumberType.UInt64,
            _ => throw new InvalidDataException($"numbers stored as element type {(int)tag.Type}"),
        };
        if (tag.Bytes != header.Count * NumberReader.SizeOf(type))
        {
            throw new InvalidDataException(
                $"{tag.Bytes:n0} bytes of {type} for an array of {string.Join(" x ", header.Dimensions)}");
        }

        if (tag.Small is null) RequireWithin(stream, tag);
        if ((_kept += header.Count) > MaxKeptNumbers)
        {
            throw new InvalidDataException(
                $"more than {MaxKeptNumbers:n0} numbers in convolutions, more than any VGG has");
        }

        float[] values = new float[header.Count];
        using Stream data = tag.Small is null ? new BoundedStream(stream, tag.Bytes) : new MemoryStream(tag.Small);
        NumberReader.Read(data, header.Count, type, _bigEndian, (i, value) => values[i] = (float)value);
        stream.SkipRest();
        return new MatNumbers(header.Dimensions, values);
    }

    private static void RequireWithin(BoundedStream stream, Tag tag)
    {
        if (tag.Bytes > stream.Remaining)
            throw new InvalidDataException($"an element of {tag.Bytes:n0} bytes in {stream.Remaining:n0}");
    }

    private static long CheckChildren(int[] dimensions, int perElement)
    {
        long count = dimensions.Aggregate(1L, (product, dimension) => product * dimension);
        if (count * Math.Max(1, perElement) > MaxChildren)
            throw new InvalidDataException($"a cell or struct array of {string.Join(" x ", dimensions)}");
        return count;
    }

    private int[] ReadIntegers(Stream stream, int most)
    {
        byte[] bytes = ReadSmall(stream, out ElementType type);
        bool integral = type is ElementType.Int32 or ElementType.UInt32;
        if (!integral || bytes.Length % 4 != 0 || bytes.Length / 4 > most)
        {
            throw new InvalidDataException(
                $"{bytes.Length} bytes of element type {(int)type} for dimensions or lengths");
        }

        int[] integers = new int[bytes.Length / 4];
        for (int i = 0; i < integers.Length; i++) integers[i] = (int)UInt32(bytes.AsSpan(4 * i));
        return integers;
    }

    private byte[] ReadSmall(Stream stream, out ElementType type, ElementType? expected = null)
    {
        Tag tag = ReadTag(stream);
        type = tag.Type;
        if (expected is not null && type != expected)
            throw new InvalidDataException($"element type {(int)type} where {(int)expected} was expected");
        if (tag.Bytes > MaxSmallElement) throw new InvalidDataException($"a name or text of {tag.Bytes:n0} bytes");
        if (tag.Small is not null) return tag.Small;
        byte[] bytes = new byte[tag.Bytes];
        stream.ReadExactly(bytes);
        SkipPadding(stream, tag);
        return bytes;
    }

    private Tag ReadTag(Stream stream)
    {
        Span<byte> bytes = stackalloc byte[8];
        stream.ReadExactly(bytes);
        uint first = UInt32(bytes);
        if (first >> 16 == 0) return new Tag((ElementType)first, UInt32(bytes[4..]), null);

        // In the small format, size and type share four bytes, and up to four bytes of data follow.
        uint size = first >> 16;
        if (size > 4) throw new InvalidDataException($"a small element of {size} bytes");
        return new Tag((ElementType)(first & 0xFFFF), size, bytes.Slice(4, (int)size).ToArray());
    }

    private static void SkipPadding(Stream stream, Tag tag)
    {
        Span<byte> padding = stackalloc byte[7];
        int count = tag.Small is null ? (int)((8 - (tag.Bytes % 8)) % 8) : 0;
        stream.ReadAtLeast(padding[..count], count, throwOnEndOfStream: false);
    }

    private uint UInt32(ReadOnlySpan<byte> bytes) =>
        _bigEndian ? BinaryPrimitives.ReadUInt32BigEndian(bytes) : BinaryPrimitives.ReadUInt32LittleEndian(bytes);

    private InvalidDataException Bad(string what) => new($"{_path} {what}");

    private enum ElementType : uint
    {
        Int8 = 1,
        UInt8 = 2,
        Int16 = 3,
        UInt16 = 4,
        Int32 = 5,
        UInt32 = 6,
        Single = 7,
        Double = 9,
        Int64 = 12,
        UInt64 = 13,
        Matrix = 14,
        Compressed = 15,
        Utf8 = 16,
        Utf16 = 17,
        Utf32 = 18,
    }

    private enum ArrayClass : uint
    {
        Cell = 1,
        Struct = 2,
        Object = 3,
        Char = 4,
        Sparse = 5,
        Double = 6,
        UInt64 = 15,
    }

    private readonly record struct Tag(ElementType Type, uint Bytes, byte[]? Small);

    private readonly record struct MatrixHeader(ArrayClass Class, int[] Dimensions, long Count, string Name);
}
