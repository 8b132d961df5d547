namespace NativeStyle.Kernels;

// Box constraints low ≤ x ≤ high for methods that move along a direction d: what would leave the box stays.
//
//   d[i] = 0 where x[i] is at a bound and d[i] points out of the box

/// <summary>The projection of a direction onto what a box allows (Bertsekas 1982, "Projected Newton methods").</summary>
public static class BoundedStep
{
    [Kernel]
    public static void MaskKernel(Index1D index, ArrayView<float> direction, ArrayView<float> x, float low, float high)
    {
        bool outward = (x[index] <= low && direction[index] < 0f) || (x[index] >= high && direction[index] > 0f);
        if (outward) direction[index] = 0f;
    }

    /// <summary>Clears the elements of <paramref name="direction"/> that would leave [low, high] at once.</summary>
    public static void Mask(Accelerator accelerator, ArrayView<float> direction, ArrayView<float> x, float low, float high)
    {
        Require.Length(x, direction.Length, nameof(x));
        accelerator.Launch(MaskKernel, (Index1D)direction.IntLength, direction, x, low, high);
    }
}
