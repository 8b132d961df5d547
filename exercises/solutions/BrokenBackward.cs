using ILGPU;
using NativeStyle.Autodiff;
using NativeStyle.GradientCheck;
using NativeStyle.Kernels.Devices;

namespace NativeStyle.Exercises;

/// <summary>
/// Solution of exercise 1. The broken one is Swish. It took y (1 - y) for σ (1 - σ): the derivative of σ in terms of σ
/// itself, with the wrong variable. With y = x σ, dy/dx = σ + x σ (1 - σ) = σ + y (1 - σ).
/// </summary>
public static class BrokenBackward
{
    /// <summary>
    /// The operators that do not pass the gradient check on the device, in the order of their cases. An operator has a
    /// case for each shape, and one failure is enough.
    /// </summary>
    public static IReadOnlyList<string> Broken(IEnumerable<CheckCase> cases, ComputeDevice device) =>
    [
        .. cases.Where(check => !GradientChecker.Check(check, device).Passed)
            .Select(check => check.Operator).Distinct(),
    ];

    /// <summary>y = exp(-x²).</summary>
    public static Tensor Bell(this Tape tape, Tensor x) => Elementwise(tape, x, BellKernel, BellBackwardKernel);

    /// <summary>y = x / (1 + |x|).</summary>
    public static Tensor Softsign(this Tape tape, Tensor x) =>
        Elementwise(tape, x, SoftsignKernel, SoftsignBackwardKernel);

    /// <summary>y = x σ(x), with σ(x) = 1 / (1 + exp(-x)).</summary>
    public static Tensor Swish(this Tape tape, Tensor x) => Elementwise(tape, x, SwishKernel, SwishBackwardKernel);

    /// <summary>y = ln cosh x.</summary>
    public static Tensor LogCosh(this Tape tape, Tensor x) =>
        Elementwise(tape, x, LogCoshKernel, LogCoshBackwardKernel);

    public static void BellKernel(Index1D i, ArrayView<float> x, ArrayView<float> y) => y[i] = MathF.Exp(-x[i] * x[i]);

    public static void BellBackwardKernel(
        Index1D i, ArrayView<float> x, ArrayView<float> y, ArrayView<float> dy, ArrayView<float> dx, float beta) =>
        dx[i] = (beta == 0f ? 0f : dx[i]) - (2f * x[i] * y[i] * dy[i]);

    public static void SoftsignKernel(Index1D i, ArrayView<float> x, ArrayView<float> y) =>
        y[i] = x[i] / (1f + MathF.Abs(x[i]));

    public static void SoftsignBackwardKernel(
        Index1D i, ArrayView<float> x, ArrayView<float> y, ArrayView<float> dy, ArrayView<float> dx, float beta)
    {
        float below = 1f + MathF.Abs(x[i]);
        dx[i] = (beta == 0f ? 0f : dx[i]) + (dy[i] / (below * below));
    }

    public static void SwishKernel(Index1D i, ArrayView<float> x, ArrayView<float> y) =>
        y[i] = x[i] / (1f + MathF.Exp(-x[i]));

    public static void SwishBackwardKernel(
        Index1D i, ArrayView<float> x, ArrayView<float> y, ArrayView<float> dy, ArrayView<float> dx, float beta)
    {
        float s = 1f / (1f + MathF.Exp(-x[i]));
        dx[i] = (beta == 0f ? 0f : dx[i]) + (dy[i] * (s + (y[i] * (1f - s))));
    }

    public static void LogCoshKernel(Index1D i, ArrayView<float> x, ArrayView<float> y) =>
        y[i] = MathF.Log(MathF.Cosh(x[i]));

    public static void LogCoshBackwardKernel(
        Index1D i, ArrayView<float> x, ArrayView<float> y, ArrayView<float> dy, ArrayView<float> dx, float beta) =>
        dx[i] = (beta == 0f ? 0f : dx[i]) + (dy[i] * MathF.Tanh(x[i]));

    private static Tensor Elementwise(
        Tape tape, Tensor x, Action<Index1D, ArrayView<float>, ArrayView<float>> forward,
        Action<Index1D, ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<float>, float> backward)
    {
        Tensor y = tape.Output(x.Shape, x);
        tape.Device.Launch(forward, x.Shape.Length, x.Data, y.Data);
        x.SaveForBackward();
        y.SaveForBackward();
        return tape.Record(y, () =>
        {
            (ArrayView<float> dx, float beta) = x.Accumulate();
            tape.Device.Launch(backward, x.Shape.Length, x.Data, y.Data, y.Gradient, dx, beta);
        });
    }
}
