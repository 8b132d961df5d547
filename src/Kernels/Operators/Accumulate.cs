namespace NativeStyle.Kernels.Operators;

/// <summary>
/// BLAS's beta, which every backward pass writes with: 0 for a tensor's first gradient, 1 for each later one.
/// </summary>
internal static class Accumulate
{
    /// <summary>y = beta y + value; if beta is 0, y is not read and may be undefined.</summary>
    public static void Into(ref float y, float value, float beta) => y = beta == 0f ? value : (beta * y) + value;
}
