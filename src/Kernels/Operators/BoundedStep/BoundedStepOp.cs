using ILGPU;
using ILGPU.Runtime;
using NativeStyle.Kernels.Devices;

namespace NativeStyle.Kernels.Operators.BoundedStep;

// Box constraints low ≤ x ≤ high for methods that move along a direction d. An element that would leave the box
// stays.
//
//   d[i] = 0 where x[i] is at a bound and d[i] points out of the box

/// <summary>
/// Projects a direction onto the directions that a box allows (Bertsekas 1982, "Projected Newton methods").
/// </summary>
public static class BoundedStepOp
{
    private static readonly Operator<Arguments> s_mask = new Operator<Arguments>(
            "BoundedStep.Mask", a => ($"{a.X.Length}", Work.Each(a.X.Length, 0, 3)))
        .Plain((device, a) => device.Launch(MaskKernel, a.X.Length, a.Direction, a.X, a.Low, a.High));

    private readonly record struct Arguments(ArrayView<float> Direction, ArrayView<float> X, float Low, float High);

    internal static void MaskKernel(
        Index1D index, ArrayView<float> direction, ArrayView<float> x, float low, float high)
    {
        float d = direction[index];
        if ((x[index] <= low && d < 0f) || (x[index] >= high && d > 0f)) direction[index] = 0f;
    }

    /// <summary>Clears the elements of <paramref name="direction"/> that would leave [low, high] at once.</summary>
    public static void Mask(ComputeDevice device, ArrayView<float> direction, ArrayView<float> x, float low, float high)
    {
        Require.Length(x, direction.Length, nameof(x));
        s_mask.Run(device, new Arguments(direction, x, low, high));
    }
}
