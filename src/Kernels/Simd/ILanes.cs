using System.Runtime.Intrinsics;
using NativeStyle.Kernels.Devices;

namespace NativeStyle.Kernels.Simd;

/// <summary>
/// A vector register of floats. The hand-vectorised CPU forms are written once against this interface and compiled for
/// each width: <see cref="Lanes512"/> (AVX-512), <see cref="Lanes256"/> (AVX2), <see cref="Lanes128x2"/> (Arm NEON,
/// SSE, and plain scalar code if there is no vector unit). The static interface methods cost no call at run time: the
/// JIT compiles each instantiation to the bare instructions.
/// </summary>
internal unsafe interface ILanes<TSelf> where TSelf : unmanaged, ILanes<TSelf>
{
    /// <summary>Floats in a vector: a multiple of 8, or 1 in <see cref="Lane"/>.</summary>
    static abstract int Count { get; }

    /// <summary>
    /// Rows of the micro-kernel: as many as leave registers for two vectors of B next to the 2 x rows sums.
    /// </summary>
    static abstract int MicroRows { get; }

    static abstract TSelf Load(float* from);

    static abstract TSelf Broadcast(float value);

    /// <summary>a b + c, rounded once if the machine can.</summary>
    static abstract TSelf MultiplyAdd(TSelf a, TSelf b, TSelf c);

    /// <summary>The larger of both; not-a-number at least if b is not a number.</summary>
    static abstract TSelf Max(TSelf a, TSelf b);

    /// <summary>The larger of both; not-a-number if either is not a number.</summary>
    static abstract TSelf MaxOrNaN(TSelf a, TSelf b);

    /// <summary>A mask: all bits of a lane are set where a is larger than b, none elsewhere.</summary>
    static abstract TSelf GreaterThan(TSelf a, TSelf b);

    /// <summary>A mask: all bits of a lane are set where a equals b, none elsewhere.</summary>
    static abstract TSelf Equal(TSelf a, TSelf b);

    /// <summary>
    /// A mask: all bits of a lane are set where a differs from b or either is not a number, none elsewhere.
    /// </summary>
    static abstract TSelf NotEqual(TSelf a, TSelf b);

    static abstract TSelf operator +(TSelf a, TSelf b);

    static abstract TSelf operator -(TSelf a, TSelf b);

    static abstract TSelf operator *(TSelf a, TSelf b);

    static abstract TSelf operator &(TSelf a, TSelf b);

    static abstract TSelf operator |(TSelf a, TSelf b);

    void Store(float* to);

    /// <summary>This vector where the mask's lane is empty, 0 where it is set.</summary>
    TSelf Without(TSelf mask);

    /// <summary>
    /// This vector in the lanes whose bit is set, counted from the first byte's lowest bit; 0 elsewhere.
    /// </summary>
    TSelf MaskedBy(byte* bits);

    /// <summary>Writes a mask as bits, one a lane.</summary>
    void StoreBits(byte* bits);
}

/// <summary>16 floats, AVX-512.</summary>
internal readonly unsafe struct Lanes512(Vector512<float> v) : ILanes<Lanes512>
{
    private readonly Vector512<float> _v = v;

    public static int Count => 16;

    public static int MicroRows => 12;

    public static Lanes512 Load(float* from) => new(Vector512.Load(from));

    public static Lanes512 Broadcast(float value) => new(Vector512.Create(value));

    public static Lanes512 MultiplyAdd(Lanes512 a, Lanes512 b, Lanes512 c) =>
        new(Vector512.MultiplyAddEstimate(a._v, b._v, c._v));

    public static Lanes512 Max(Lanes512 a, Lanes512 b) => new(Vector512.MaxNative(a._v, b._v));

    public static Lanes512 MaxOrNaN(Lanes512 a, Lanes512 b) => new(Vector512.Max(a._v, b._v));

    public static Lanes512 GreaterThan(Lanes512 a, Lanes512 b) => new(Vector512.GreaterThan(a._v, b._v));

    public static Lanes512 Equal(Lanes512 a, Lanes512 b) => new(Vector512.Equals(a._v, b._v));

    public static Lanes512 NotEqual(Lanes512 a, Lanes512 b) => new(~Vector512.Equals(a._v, b._v));

    public static Lanes512 operator +(Lanes512 a, Lanes512 b) => new(a._v + b._v);

    public static Lanes512 operator -(Lanes512 a, Lanes512 b) => new(a._v - b._v);

    public static Lanes512 operator *(Lanes512 a, Lanes512 b) => new(a._v * b._v);

    public static Lanes512 operator &(Lanes512 a, Lanes512 b) => new(a._v & b._v);

    public static Lanes512 operator |(Lanes512 a, Lanes512 b) => new(a._v | b._v);

    public void Store(float* to) => _v.Store(to);

    public Lanes512 Without(Lanes512 mask) => new(Vector512.AndNot(_v, mask._v));

    public Lanes512 MaskedBy(byte* bits)
    {
        Vector512<int> lane = Vector512.Create(
            1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768);
        Vector512<int> set = Vector512.Equals(Vector512.Create((int)*(ushort*)bits) & lane, lane);
        return new(_v & set.AsSingle());
    }

    public void StoreBits(byte* bits) => *(ushort*)bits = (ushort)_v.ExtractMostSignificantBits();
}

/// <summary>8 floats, AVX2.</summary>
internal readonly unsafe struct Lanes256(Vector256<float> v) : ILanes<Lanes256>
{
    private readonly Vector256<float> _v = v;

    public static int Count => 8;

    public static int MicroRows => 6;

    public static Lanes256 Load(float* from) => new(Vector256.Load(from));

    public static Lanes256 Broadcast(float value) => new(Vector256.Create(value));

    public static Lanes256 MultiplyAdd(Lanes256 a, Lanes256 b, Lanes256 c) =>
        new(Vector256.MultiplyAddEstimate(a._v, b._v, c._v));

    public static Lanes256 Max(Lanes256 a, Lanes256 b) => new(Vector256.MaxNative(a._v, b._v));

    public static Lanes256 MaxOrNaN(Lanes256 a, Lanes256 b) => new(Vector256.Max(a._v, b._v));

    public static Lanes256 GreaterThan(Lanes256 a, Lanes256 b) => new(Vector256.GreaterThan(a._v, b._v));

    public static Lanes256 Equal(Lanes256 a, Lanes256 b) => new(Vector256.Equals(a._v, b._v));

    public static Lanes256 NotEqual(Lanes256 a, Lanes256 b) => new(~Vector256.Equals(a._v, b._v));

    public static Lanes256 operator +(Lanes256 a, Lanes256 b) => new(a._v + b._v);

    public static Lanes256 operator -(Lanes256 a, Lanes256 b) => new(a._v - b._v);

    public static Lanes256 operator *(Lanes256 a, Lanes256 b) => new(a._v * b._v);

    public static Lanes256 operator &(Lanes256 a, Lanes256 b) => new(a._v & b._v);

    public static Lanes256 operator |(Lanes256 a, Lanes256 b) => new(a._v | b._v);

    public void Store(float* to) => _v.Store(to);

    public Lanes256 Without(Lanes256 mask) => new(Vector256.AndNot(_v, mask._v));

    public Lanes256 MaskedBy(byte* bits)
    {
        Vector256<int> lane = Vector256.Create(1, 2, 4, 8, 16, 32, 64, 128);
        Vector256<int> set = Vector256.Equals(Vector256.Create((int)*bits) & lane, lane);
        return new(_v & set.AsSingle());
    }

    public void StoreBits(byte* bits) => *bits = (byte)_v.ExtractMostSignificantBits();
}

/// <summary>8 floats in two registers of four: Arm NEON, SSE, or no vector unit at all.</summary>
internal readonly unsafe struct Lanes128x2(Vector128<float> low, Vector128<float> high) : ILanes<Lanes128x2>
{
    private readonly Vector128<float> _low = low;
    private readonly Vector128<float> _high = high;

    public static int Count => 8;

    public static int MicroRows => 6;

    public static Lanes128x2 Load(float* from) => new(Vector128.Load(from), Vector128.Load(from + 4));

    public static Lanes128x2 Broadcast(float value) => new(Vector128.Create(value), Vector128.Create(value));

    public static Lanes128x2 MultiplyAdd(Lanes128x2 a, Lanes128x2 b, Lanes128x2 c) => new(
        Vector128.MultiplyAddEstimate(a._low, b._low, c._low),
        Vector128.MultiplyAddEstimate(a._high, b._high, c._high));

    public static Lanes128x2 Max(Lanes128x2 a, Lanes128x2 b) =>
        new(Vector128.MaxNative(a._low, b._low), Vector128.MaxNative(a._high, b._high));

    public static Lanes128x2 MaxOrNaN(Lanes128x2 a, Lanes128x2 b) =>
        new(Vector128.Max(a._low, b._low), Vector128.Max(a._high, b._high));

    public static Lanes128x2 GreaterThan(Lanes128x2 a, Lanes128x2 b) =>
        new(Vector128.GreaterThan(a._low, b._low), Vector128.GreaterThan(a._high, b._high));

    public static Lanes128x2 Equal(Lanes128x2 a, Lanes128x2 b) =>
        new(Vector128.Equals(a._low, b._low), Vector128.Equals(a._high, b._high));

    public static Lanes128x2 NotEqual(Lanes128x2 a, Lanes128x2 b) =>
        new(~Vector128.Equals(a._low, b._low), ~Vector128.Equals(a._high, b._high));

    public static Lanes128x2 operator +(Lanes128x2 a, Lanes128x2 b) => new(a._low + b._low, a._high + b._high);

    public static Lanes128x2 operator -(Lanes128x2 a, Lanes128x2 b) => new(a._low - b._low, a._high - b._high);

    public static Lanes128x2 operator *(Lanes128x2 a, Lanes128x2 b) => new(a._low * b._low, a._high * b._high);

    public static Lanes128x2 operator &(Lanes128x2 a, Lanes128x2 b) => new(a._low & b._low, a._high & b._high);

    public static Lanes128x2 operator |(Lanes128x2 a, Lanes128x2 b) => new(a._low | b._low, a._high | b._high);

    public void Store(float* to)
    {
        _low.Store(to);
        _high.Store(to + 4);
    }

    public Lanes128x2 Without(Lanes128x2 mask) =>
        new(Vector128.AndNot(_low, mask._low), Vector128.AndNot(_high, mask._high));

    public Lanes128x2 MaskedBy(byte* bits)
    {
        Vector128<int> lane = Vector128.Create(1, 2, 4, 8), copies = Vector128.Create((int)*bits);
        Vector128<int> highLane = lane << 4;
        return new(
            _low & Vector128.Equals(copies & lane, lane).AsSingle(),
            _high & Vector128.Equals(copies & highLane, highLane).AsSingle());
    }

    public void StoreBits(byte* bits) =>
        *bits = (byte)(_low.ExtractMostSignificantBits() | (_high.ExtractMostSignificantBits() << 4));
}

/// <summary>Work that is compiled for each vector width; see <see cref="CpuDevice.Vectorize"/>.</summary>
internal interface IVectorJob
{
    void Run<T>(CpuDevice cpu) where T : unmanaged, ILanes<T>;
}
