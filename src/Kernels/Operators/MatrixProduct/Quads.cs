using ILGPU;

namespace NativeStyle.Kernels.Operators.MatrixProduct;

/// <summary>Four neighbouring elements of a row, some of which may lie after its end.</summary>
internal static class Quads
{
    /// <summary>Loads the elements from <paramref name="at"/> on, 0 after the end.</summary>
    /// <param name="room">Elements that exist from there on; with vectors either none or at least four.</param>
    public static Float4 Load(ArrayView<float> x, int at, int room, LoadWidth width)
    {
        Float4 quad = Float4.Broadcast(0f);
        if (width == LoadWidth.Vector)
        {
            if (room > 0) quad = x.Cast<Float4>()[at >> 2];
        }
        else
        {
            float first = room > 0 ? x[at] : 0f;
            float second = room > 1 ? x[at + 1] : 0f;
            float third = room > 2 ? x[at + 2] : 0f;
            float fourth = room > 3 ? x[at + 3] : 0f;
            quad = new Float4(first, second, third, fourth);
        }

        return quad;
    }

    /// <summary>y = beta y + values, for as many elements as there is room for.</summary>
    /// <param name="at">The index of the first element.</param>
    /// <param name="room">Elements that exist from there on; with vectors either none or at least four.</param>
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
