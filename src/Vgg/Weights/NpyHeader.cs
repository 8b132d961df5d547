using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace NativeStyle.Vgg.Weights;

/// <summary>The header of an .npy array (numpy.lib.format, versions 1 to 3).</summary>
/// <param name="Shape">The dimensions; a scalar has none.</param>
/// <param name="Type">The element type.</param>
/// <param name="BigEndian">Whether the elements are big-endian.</param>
/// <param name="FortranOrder">Whether the first dimension varies fastest.</param>
internal sealed partial record NpyHeader(int[] Shape, NumberType Type, bool BigEndian, bool FortranOrder)
{
    private const int MaxHeader = 1 << 16;

    public long Count => Shape.Aggregate(1L, (product, dimension) => checked(product * dimension));

    /// <summary>Reads the header and leaves the stream at the first number.</summary>
    /// <exception cref="InvalidDataException">
    /// The array does not hold floating-point numbers. The message does not name the file.
    /// </exception>
    public static NpyHeader Read(Stream stream)
    {
        string text = ReadText(stream);
        Match type = DescriptionPattern().Match(text), order = OrderPattern().Match(text);
        Match shape = ShapePattern().Match(text);
        if (!type.Success || !order.Success || !shape.Success)
            throw new InvalidDataException($"has an .npy header that is not understood: {text.Trim()}");
        NumberType number = type.Groups[2].Value switch
        {
            "f2" => NumberType.Float16,
            "f4" => NumberType.Float32,
            "f8" => NumberType.Float64,
            string other =>
                throw new InvalidDataException($"holds '{other}', expected floating-point numbers (f2, f4 or f8)"),
        };
        var dimensions = new List<int>();
        const StringSplitOptions Split = StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries;
        foreach (string dimension in shape.Groups[1].Value.Split(',', Split))
        {
            if (!int.TryParse(dimension.TrimEnd('L'), NumberStyles.None, CultureInfo.InvariantCulture, out int value))
                throw new InvalidDataException($"has the shape ({shape.Groups[1].Value})");
            dimensions.Add(value);
        }

        if (dimensions.Count > 32) throw new InvalidDataException($"has {dimensions.Count} dimensions");
        return new NpyHeader([.. dimensions], number, type.Groups[1].Value == ">", order.Groups[1].Value == "True");
    }

    /// <summary>Reads a header. Returns whether the array holds Python objects, whose pickle then follows.</summary>
    public static bool SkipObjectHeader(Stream stream)
    {
        Match type = DescriptionPattern().Match(ReadText(stream));
        return type.Success && type.Groups[2].Value == "O";
    }

    private static string ReadText(Stream stream)
    {
        Span<byte> start = stackalloc byte[8];
        stream.ReadExactly(start);
        if (start[0] != 0x93 || !start[1..6].SequenceEqual("NUMPY"u8))
            throw new InvalidDataException("is no .npy array (its magic bytes are missing)");
        Span<byte> size = stackalloc byte[start[6] == 1 ? 2 : 4];
        stream.ReadExactly(size);
        long length = size.Length == 2
            ? BinaryPrimitives.ReadUInt16LittleEndian(size)
            : BinaryPrimitives.ReadUInt32LittleEndian(size);
        if (length > MaxHeader) throw new InvalidDataException($"states an .npy header of {length:n0} bytes");
        byte[] bytes = new byte[length];
        stream.ReadExactly(bytes);
        return Encoding.UTF8.GetString(bytes);
    }

    [GeneratedRegex(@"'descr'\s*:\s*'([<>|=])([a-zA-Z]\w*)'")]
    private static partial Regex DescriptionPattern();

    [GeneratedRegex(@"'fortran_order'\s*:\s*(True|False)")]
    private static partial Regex OrderPattern();

    [GeneratedRegex(@"'shape'\s*:\s*\(([0-9L,\s]*)\)")]
    private static partial Regex ShapePattern();
}
