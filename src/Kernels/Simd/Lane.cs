namespace NativeStyle.Kernels.Simd;

/// <summary>A single float, so that a loop body also does the elements that do not fill a vector.</summary>
internal readonly unsafe struct Lane(float value) : ILanes<Lane>
{
    private readonly float _value = value;

    public static int Count => 1;

    public static int MicroRows => throw new NotSupportedException("the micro-kernel takes whole vectors");

    public static Lane Load(float* from) => new(*from);

    public static Lane Broadcast(float value) => new(value);

    public static Lane MultiplyAdd(Lane a, Lane b, Lane c) =>
        new(float.MultiplyAddEstimate(a._value, b._value, c._value));

    public static Lane Max(Lane a, Lane b) => new(a._value > b._value ? a._value : b._value);

    public static Lane MaxOrNaN(Lane a, Lane b) => new(MathF.Max(a._value, b._value));

    public static Lane GreaterThan(Lane a, Lane b) => Mask(a._value > b._value);

    public static Lane Equal(Lane a, Lane b) => Mask(a._value == b._value);

    public static Lane NotEqual(Lane a, Lane b) => Mask(a._value != b._value);

    public static Lane operator +(Lane a, Lane b) => new(a._value + b._value);

    public static Lane operator -(Lane a, Lane b) => new(a._value - b._value);

    public static Lane operator *(Lane a, Lane b) => new(a._value * b._value);

    public static Lane operator &(Lane a, Lane b) => OfBits(Bits(a) & Bits(b));

    public static Lane operator |(Lane a, Lane b) => OfBits(Bits(a) | Bits(b));

    public void Store(float* to) => *to = _value;

    public Lane Without(Lane mask) => OfBits(Bits(this) & ~Bits(mask));

    public Lane MaskedBy(byte* bits) => (*bits & 1) != 0 ? this : default;

    public void StoreBits(byte* bits) => *bits = (byte)(Bits(this) >> 31);

    private static Lane Mask(bool set) => OfBits(set ? uint.MaxValue : 0u);

    private static uint Bits(Lane lane) => BitConverter.SingleToUInt32Bits(lane._value);

    private static Lane OfBits(uint bits) => new(BitConverter.UInt32BitsToSingle(bits));
}
