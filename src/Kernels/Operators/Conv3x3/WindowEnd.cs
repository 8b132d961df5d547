using NativeStyle.Kernels.Operators.Pool2x2;
using NativeStyle.Kernels.Operators.Relu;

namespace NativeStyle.Kernels.Operators.Conv3x3;

/// <summary>
/// ReLU, pooling and gate bits after a convolution, in a kernel that has the four sums of a window in registers.
/// </summary>
internal static class WindowEnd
{
    /// <summary>A pooled window.</summary>
    /// <param name="Value">The mean or maximum of the window.</param>
    /// <param name="Open">
    /// A bit for each of its pixels, from the upper left to the lower right: whether a gradient passes to the pixel.
    /// </param>
    internal readonly record struct Pooled(float Value, uint Open);

    /// <summary>Applies ReLU if there is one.</summary>
    public static Float4 Activate(Float4 y, ConvEnd end)
    {
        Float4 result = y;
        if (end.Activation == Activation.Relu)
            result = new Float4(ReluOp.Rectify(y.X), ReluOp.Rectify(y.Y), ReluOp.Rectify(y.Z), ReluOp.Rectify(y.W));
        return result;
    }

    /// <summary>A bit for each of ReLU's outputs that lets a gradient pass.</summary>
    public static uint Passing(float y0, float y1, float y2, float y3) =>
        (ReluOp.Passes(y0) ? 1u : 0u) | (ReluOp.Passes(y1) ? 2u : 0u)
        | (ReluOp.Passes(y2) ? 4u : 0u) | (ReluOp.Passes(y3) ? 8u : 0u);

    /// <summary>Pools a window after ReLU.</summary>
    /// <param name="y0">The upper left pixel, which exists.</param>
    /// <param name="hasRight">Whether the right pixels exist.</param>
    /// <param name="hasLower">Whether the lower pixels exist.</param>
    public static Pooled Pool(float y0, float y1, float y2, float y3, bool hasRight, bool hasLower, Pooling pooling)
    {
        float right = hasRight ? y1 : 0f;
        float lower = hasLower ? y2 : 0f;
        float last = hasRight && hasLower ? y3 : 0f;
        return pooling == Pooling.Max
            ? Largest(y0, right, lower, last)
            : new Pooled(
                (y0 + right + lower + last) / ((hasRight ? 2 : 1) * (hasLower ? 2 : 1)),
                Passing(y0, right, lower, last));
    }

    /// <summary>
    /// The maximum; the first of equal values lets the gradient through, or the first that is not a number.
    /// </summary>
    private static Pooled Largest(float y0, float y1, float y2, float y3)
    {
        float largest = y0;
        uint first = MaxPoolOp.IsLarger(y0, 0f) ? 1u : 0u;
        if (MaxPoolOp.IsLarger(y1, largest))
        {
            largest = y1;
            first = 2u;
        }

        if (MaxPoolOp.IsLarger(y2, largest))
        {
            largest = y2;
            first = 4u;
        }

        if (MaxPoolOp.IsLarger(y3, largest))
        {
            largest = y3;
            first = 8u;
        }

        return new Pooled(largest, first);
    }
}
