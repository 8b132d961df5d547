using ILGPU;

namespace NativeStyle.Kernels.Operators.MatrixProduct;

/// <summary>Four neighbours of a row, of which some may lie beyond its end.</summary>
internal static class Quads
{
    /// <summary>y = beta y + values of as many elements as there is room for.</summary>
    /// <param name="at">The first.</param>
    /// <param name="room">Elements that exist from there on; with vectors none or at least four.</param>
    public static void Accumulate(ArrayView<float> y, int at, int room, Float4 values, LoadWidth width, float beta)
    {
        if (width == LoadWidth.Vector)
        {
            if (room > 0)
            {
                ArrayView<Float4> vectors = y.Cast<Float4>();
                vectors[at >> 2] = beta == 0f ? values : Float4.MultiplyAdd(beta, vectors[at >> 2], values);
            }
        }
        else
        {
            if (room > 0) Operators.Accumulate.Into(ref y[at], values.X, beta);
            if (room > 1) Operators.Accumulate.Into(ref y[at + 1], values.Y, beta);
            if (room > 2) Operators.Accumulate.Into(ref y[at + 2], values.Z, beta);
            if (room > 3) Operators.Accumulate.Into(ref y[at + 3], values.W, beta);
        }
    }
}
