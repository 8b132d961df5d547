namespace NativeStyle.Kernels;

/// <summary>Four floats that a device loads, stores and computes with together.</summary>
public readonly record struct Float4(float X, float Y, float Z, float W)
{
    /// <summary>Elements [index, index + 4) of a view.</summary>
    public static Float4 Load(ArrayView<float> view, int index) => new(view[index], view[index + 1], view[index + 2], view[index + 3]);

    /// <summary>Writes elements [index, index + 4) of a view.</summary>
    public void Store(ArrayView<float> view, int index)
    {
        view[index] = X;
        view[index + 1] = Y;
        view[index + 2] = Z;
        view[index + 3] = W;
    }

    public static Float4 Broadcast(float value) => new(value, value, value, value);

    /// <summary>a b + c, each rounded once.</summary>
    public static Float4 MultiplyAdd(Float4 a, Float4 b, Float4 c) => new(
        MathF.FusedMultiplyAdd(a.X, b.X, c.X), MathF.FusedMultiplyAdd(a.Y, b.Y, c.Y), MathF.FusedMultiplyAdd(a.Z, b.Z, c.Z),
        MathF.FusedMultiplyAdd(a.W, b.W, c.W));

    public static Float4 Max(Float4 a, Float4 b) =>
        new(MathF.Max(a.X, b.X), MathF.Max(a.Y, b.Y), MathF.Max(a.Z, b.Z), MathF.Max(a.W, b.W));

    public static Float4 operator +(Float4 a, Float4 b) => new(a.X + b.X, a.Y + b.Y, a.Z + b.Z, a.W + b.W);

    public static Float4 operator -(Float4 a, Float4 b) => new(a.X - b.X, a.Y - b.Y, a.Z - b.Z, a.W - b.W);

    public static Float4 operator *(Float4 a, Float4 b) => new(a.X * b.X, a.Y * b.Y, a.Z * b.Z, a.W * b.W);
}
