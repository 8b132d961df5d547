using System.Buffers.Binary;
using System.Globalization;
using System.Numerics;
using System.Text;

namespace NativeStyle.Vgg.Weights;

/// <summary>Bytes of a file that are read on demand.</summary>
internal sealed record FileSlice(long Offset, long Length);

/// <summary>A global name in a pickle, with module and attribute.</summary>
internal sealed record PickleGlobal(string Module, string Name);

/// <summary>numpy.dtype: a type code such as f4, and the byte order.</summary>
internal sealed class PickledType(string code)
{
    public string Code => code;

    public bool BigEndian { get; set; }
}

/// <summary>numpy.ndarray.</summary>
internal sealed class PickledArray
{
    public int[] Shape { get; set; } = [];

    public PickledType? Type { get; set; }

    public bool FortranOrder { get; set; }

    /// <summary>The numbers, as byte[] or <see cref="FileSlice"/>.</summary>
    public object? Data { get; set; }
}

/// <summary>A torch storage, identified by its key.</summary>
internal sealed record TorchStorage(string Type, string Key);

/// <summary>A torch tensor: a window on a storage. Offset and strides are in elements.</summary>
internal sealed record TorchTensor(TorchStorage Storage, long Offset, int[] Shape, long[] Strides);

/// <summary>
/// Reads a pickle as data. A pickle is a program for Python's unpickler that may call anything. This reader supports
/// the instructions that numbers, strings, lists, dictionaries and arrays need (protocols 0 to 5, pickletools.py of
/// CPython). It makes arrays and tensors from the few names that numpy and torch use for them, and refuses every other
/// name. It never calls anything.
/// </summary>
/// <param name="stream">
/// A stream at the pickle's first byte. If it can seek, long byte strings are left in the file.
/// </param>
/// <param name="persistent">Makes an object from a persistent id. It is null if the pickle has no such ids.</param>
internal sealed class PickleReader(Stream stream, Func<object?[], object>? persistent = null)
{
    private const int MaxItems = 1 << 20;
    private const int MaxInline = 1 << 16;
    private const int MaxText = 1 << 26;
    private static readonly object s_mark = new();

    private readonly List<object?> _stack = [];
    private readonly Dictionary<long, object?> _memo = [];
    private long _madeItems;
    private long _madeBytes;

    /// <summary>
    /// Returns the pickle's value: null, bool, long, double, string, byte[], FileSlice, object[] for tuples, List,
    /// Dictionary, or one of the types above.
    /// </summary>
    /// <exception cref="InvalidDataException">
    /// The pickle is damaged, or needs an instruction or a name that weights do not need.
    /// </exception>
    public object? Read()
    {
        while (true)
        {
            int code = stream.ReadByte();
            if (code < 0) throw new EndOfStreamException();
            if (_stack.Count > MaxItems || _memo.Count > MaxItems)
                throw new InvalidDataException("holds a pickle with too many parts");
            switch (code)
            {
                case 0x80: Byte(); break;                                       // PROTO
                case 0x95: Skip(8); break;                                      // FRAME
                case '.': return Pop();                                         // STOP
                case '(': _stack.Add(s_mark); break;                            // MARK
                case '0': Pop(); break;                                         // POP
                case '1': ToMark(); break;                                      // POP_MARK
                case '2': _stack.Add(Top()); break;                             // DUP
                case 'N': _stack.Add(null); break;                              // NONE
                case 0x88: _stack.Add(true); break;                             // NEWTRUE
                case 0x89: _stack.Add(false); break;                            // NEWFALSE
                case 'K': _stack.Add((long)Byte()); break;                      // BININT1
                case 'M': _stack.Add((long)BinaryPrimitives.ReadUInt16LittleEndian(Bytes(2))); break;
                case 'J': _stack.Add((long)BinaryPrimitives.ReadInt32LittleEndian(Bytes(4))); break;
                case 'I' or 'L': _stack.Add(Integer(Line())); break;            // INT, LONG
                case 0x8a: _stack.Add(Long(Byte())); break;                     // LONG1
                case 0x8b: _stack.Add(Long(Length4())); break;                  // LONG4
                case 'G': _stack.Add(BinaryPrimitives.ReadDoubleBigEndian(Bytes(8))); break;
                case 'F': _stack.Add(Real(Line())); break;                      // FLOAT
                case 'U' or 'C': _stack.Add(Data(Byte())); break;               // SHORT_BINSTRING, SHORT_BINBYTES
                case 'T' or 'B': _stack.Add(Data(Length4())); break;            // BINSTRING, BINBYTES
                case 0x8e: _stack.Add(Data(Length8())); break;                  // BINBYTES8
                case 'S': _stack.Add(Encoding.Latin1.GetBytes(Line().Trim('\'', '"'))); break;
                case 'V': _stack.Add(Line()); break;                            // UNICODE
                case 0x8c: _stack.Add(Text(Byte())); break;                     // SHORT_BINUNICODE
                case 'X': _stack.Add(Text(Length4())); break;                   // BINUNICODE
                case 0x8d: _stack.Add(Text(Length8())); break;                  // BINUNICODE8
                case ']': _stack.Add(new List<object?>()); break;               // EMPTY_LIST
                case '}': _stack.Add(new Dictionary<string, object?>()); break; // EMPTY_DICT
                case ')': _stack.Add(Array.Empty<object?>()); break;            // EMPTY_TUPLE
                case 't': _stack.Add(ToMark()); break;                          // TUPLE
                case 0x85: _stack.Add(Take(1)); break;                          // TUPLE1
                case 0x86: _stack.Add(Take(2)); break;                          // TUPLE2
                case 0x87: _stack.Add(Take(3)); break;                          // TUPLE3
                case 'l': _stack.Add(new List<object?>(ToMark())); break;       // LIST
                case 'd': _stack.Add(Fill([], ToMark())); break;                // DICT
                case 'a': Append(Take(1)); break;                               // APPEND
                case 'e': Append(ToMark()); break;                              // APPENDS
                case 's': Set(Take(2)); break;                                  // SETITEM
                case 'u': Set(ToMark()); break;                                 // SETITEMS
                case 'q': _memo[Byte()] = Top(); break;                         // BINPUT
                case 'r': _memo[Length4()] = Top(); break;                      // LONG_BINPUT
                case 'p': _memo[Integer(Line())] = Top(); break;                // PUT
                case 0x94: _memo[_memo.Count] = Top(); break;                   // MEMOIZE
                case 'h': _stack.Add(Remembered(Byte())); break;                // BINGET
                case 'j': _stack.Add(Remembered(Length4())); break;             // LONG_BINGET
                case 'g': _stack.Add(Remembered(Integer(Line()))); break;       // GET
                case 'c': _stack.Add(Global(Line(), Line())); break;            // GLOBAL
                case 0x93:                                                      // STACK_GLOBAL
                    object?[] names = Take(2);
                    _stack.Add(Global(names[0] as string ?? "?", names[1] as string ?? "?"));
                    break;
                case 'Q': _stack.Add(Persistent(Pop())); break;                 // BINPERSID
                case 'R' or 0x81:                                               // REDUCE, NEWOBJ
                    object?[] call = Take(2);
                    _stack.Add(Make(call[0] as PickleGlobal, call[1] as object?[]));
                    break;
                case 'b':                                                       // BUILD
                    object? state = Pop();
                    Build(Top(), state);
                    break;
                default:
                    throw new InvalidDataException(
                        $"holds a pickle with the instruction 0x{code:x2}, which weights do not need; it is refused");
            }
        }
    }

    /// <summary>Accepts the supported names. Any other name would have to be executed.</summary>
    private static PickleGlobal Global(string module, string name) => (module, name) switch
    {
        ("numpy.core.multiarray" or "numpy._core.multiarray", "_reconstruct")
            or ("numpy", "ndarray" or "dtype")
            or ("collections", "OrderedDict")
            or ("_codecs", "encode")
            or ("torch._utils", "_rebuild_tensor" or "_rebuild_tensor_v2" or "_rebuild_parameter")
            or ("torch", "FloatStorage" or "DoubleStorage" or "HalfStorage" or "BFloat16Storage")
            or ("torch", "LongStorage" or "IntStorage" or "ByteStorage")
            => new PickleGlobal(module, name),
        _ => throw new InvalidDataException(
            $"holds a pickle that asks for {module}.{name}, which weights do not need; "
            + "it is refused, and nothing of it was run"),
    };

    private object? Make(PickleGlobal? what, object?[]? arguments)
    {
        if (what is null || arguments is null) throw Wrong();
        switch (what.Name)
        {
            case "_reconstruct" or "ndarray":
                return new PickledArray();
            case "dtype" when arguments.Length > 0:
                return new PickledType((arguments[0] is string or byte[]) ? Label(arguments[0]) : throw Wrong());
            case "OrderedDict":
                if (arguments is not [List<object?> pairs]) return new Dictionary<string, object?>();
                if (pairs.Any(pair => pair is not object?[] { Length: 2 })) throw Wrong();
                // A remembered list or text can be named again and again, in a few bytes each time.
                if ((_madeItems += pairs.Count) > MaxItems) throw Wrong();
                return Fill([], [.. pairs.SelectMany(pair => (object?[])pair!)]);
            case "encode" when arguments is [string text, ..]:
                if ((_madeBytes += text.Length) > (stream.CanSeek ? stream.Length : MaxText)) throw Wrong();
                return Encoding.Latin1.GetBytes(text);
            case "_rebuild_parameter" when arguments.Length > 0:
                return arguments[0] as TorchTensor ?? throw Wrong();
            case "_rebuild_tensor" or "_rebuild_tensor_v2"
                when arguments is [TorchStorage storage, long offset, object?[] size, object?[] strides, ..]:
                if (size.Length != strides.Length || offset < 0) throw Wrong();
                long[] steps = [.. strides.Select(stride => stride is long step and >= 0 ? step : throw Wrong())];
                return new TorchTensor(storage, offset, Dimensions(size), steps);
            default:
                throw Wrong();
        }
    }

    private static void Build(object? target, object? state)
    {
        switch (target)
        {
            case PickledType type when state is object?[] { Length: >= 2 } parts:
                type.BigEndian = parts[1] is string or byte[] && Label(parts[1]) == ">";
                break;
            case PickledArray array
                when state is object?[] { Length: 5 } parts
                    && parts[1] is object?[] shape
                    && parts[2] is PickledType type:
                (array.Shape, array.Type) = (Dimensions(shape), type);
                (array.FortranOrder, array.Data) = (parts[3] is true or 1L, parts[4]);
                break;
            case Dictionary<string, object?>:
                // Ignore OrderedDict's attributes, which are torch's version counters.
                break;
            default:
                throw Wrong();
        }
    }

    private static int[] Dimensions(object?[] values)
    {
        if (values.Length > 8) throw Wrong();
        return [.. values.Select(value => value is long n and >= 0 and <= int.MaxValue ? (int)n : throw Wrong())];
    }

    private object Persistent(object? id) =>
        persistent is not null && id is object?[] parts ? persistent(parts) : throw Wrong();

    private void Append(object?[] items)
    {
        if (Top() is not List<object?> list || list.Count + items.Length > MaxItems) throw Wrong();
        list.AddRange(items);
    }

    private void Set(object?[] items)
    {
        if (Top() is not Dictionary<string, object?> dictionary) throw Wrong();
        Fill(dictionary, items);
    }

    private static Dictionary<string, object?> Fill(Dictionary<string, object?> dictionary, object?[] items)
    {
        if (items.Length % 2 != 0 || dictionary.Count + items.Length > MaxItems) throw Wrong();
        for (int i = 0; i < items.Length; i += 2) dictionary[Label(items[i])] = items[i + 1];
        return dictionary;
    }

    /// <summary>Converts a key to text: Python 2 writes names as bytes.</summary>
    private static string Label(object? key) => key switch
    {
        string text => text,
        byte[] bytes => Encoding.Latin1.GetString(bytes),
        long number => number.ToString(CultureInfo.InvariantCulture),
        _ => throw Wrong(),
    };

    private object? Top() => _stack.Count > 0 && !ReferenceEquals(_stack[^1], s_mark) ? _stack[^1] : throw Wrong();

    private object? Pop()
    {
        object? top = Top();
        _stack.RemoveAt(_stack.Count - 1);
        return top;
    }

    private object?[] Take(int count)
    {
        object?[] items = new object?[count];
        for (int i = count - 1; i >= 0; i--) items[i] = Pop();
        return items;
    }

    private object?[] ToMark()
    {
        int mark = _stack.LastIndexOf(s_mark);
        if (mark < 0) throw Wrong();
        object?[] items = [.. _stack[(mark + 1)..]];
        _stack.RemoveRange(mark, _stack.Count - mark);
        return items;
    }

    private object? Remembered(long key) => _memo.TryGetValue(key, out object? value) ? value : throw Wrong();

    private int Byte() => stream.ReadByte() is >= 0 and int value ? value : throw new EndOfStreamException();

    private byte[] Bytes(int count)
    {
        byte[] bytes = new byte[count];
        stream.ReadExactly(bytes);
        return bytes;
    }

    private void Skip(int count) => Bytes(count);

    private long Length4() => BinaryPrimitives.ReadUInt32LittleEndian(Bytes(4));

    private long Length8() =>
        BinaryPrimitives.ReadInt64LittleEndian(Bytes(8)) is >= 0 and long length ? length : throw Wrong();

    /// <summary>Reads a short byte string, and leaves a long one in the file.</summary>
    private object Data(long length)
    {
        if (stream.CanSeek && length > stream.Length - stream.Position) throw new EndOfStreamException();
        if (length <= MaxInline) return Bytes((int)length);
        if (!stream.CanSeek)
        {
            throw new InvalidDataException(
                $"holds a pickle with a byte string of {length:n0} bytes inside an archive");
        }

        var slice = new FileSlice(stream.Position, length);
        stream.Seek(length, SeekOrigin.Current);
        return slice;
    }

    private string Text(long length)
    {
        if (length > MaxText || (stream.CanSeek && length > stream.Length - stream.Position))
            throw new EndOfStreamException();
        // Read in pieces, because a wrong length must not cost memory.
        var bytes = new MemoryStream();
        byte[] piece = new byte[Math.Min(length, MaxInline)];
        for (long left = length; left > 0; left -= piece.Length)
        {
            if (left < piece.Length) piece = new byte[left];
            stream.ReadExactly(piece);
            bytes.Write(piece);
        }

        return Encoding.UTF8.GetString(bytes.GetBuffer(), 0, (int)bytes.Length);
    }

    private string Line()
    {
        var text = new StringBuilder();
        for (int c; (c = Byte()) != '\n';)
        {
            if (text.Length > 1000) throw Wrong();
            text.Append((char)c);
        }

        return text.ToString();
    }

    /// <summary>
    /// Reads a two's complement number as a long, or as a BigInteger if it does not fit (torch's magic number has ten
    /// bytes).
    /// </summary>
    private object? Long(long length)
    {
        if (length > 1000) throw Wrong();
        var number = new BigInteger(Bytes((int)length));
        object? value = number;
        if (number >= long.MinValue && number <= long.MaxValue) value = (long)number;
        return value;
    }

    private static long Integer(string text) => text switch
    {
        "00" => 0,
        "01" => 1,
        _ => long.TryParse(
            text.TrimEnd('L'), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long value)
            ? value
            : throw Wrong(),
    };

    private static double Real(string text) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double value)
            ? value
            : throw Wrong();

    private static InvalidDataException Wrong() => new("holds a pickle that is damaged or no pickle of weights");
}
