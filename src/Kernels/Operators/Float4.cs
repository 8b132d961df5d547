using ILGPU;

namespace NativeStyle.Kernels.Operators;

/// <summary>
/// Four floats that a GPU loads and stores together. A view cast to this type reads 16 bytes at a time and assumes that
/// it starts at a multiple of 16 bytes (<see cref="Memory.Views"/>). The numbers are fields because ILGPU keeps fields
/// in registers.
/// </summary>
internal readonly record struct Float4(float X, float Y, float Z, float W)
{
    public static Float4 Broadcast(float value) => new(value, value, value, value);

    /// <summary>a b + c. The device decides whether it is rounded once or twice.</summary>
    public static Float4 MultiplyAdd(float a, Float4 b, Float4 c) =>
        new((a * b.X) + c.X, (a * b.Y) + c.Y, (a * b.Z) + c.Z, (a * b.W) + c.W);

    public static Float4 operator +(Float4 a, Float4 b) => new(a.X + b.X, a.Y + b.Y, a.Z + b.Z, a.W + b.W);

    public static Float4 operator -(Float4 a, Float4 b) => new(a.X - b.X, a.Y - b.Y, a.Z - b.Z, a.W - b.W);

    public static Float4 operator *(float a, Float4 b) => new(a * b.X, a * b.Y, a * b.Z, a * b.W);
}
