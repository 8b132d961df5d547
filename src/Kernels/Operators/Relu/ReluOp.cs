using ILGPU;
using ILGPU.Runtime;
using NativeStyle.Kernels.Devices;

namespace NativeStyle.Kernels.Operators.Relu;

// The rectified linear unit.
//
//   forward   y = max(0, x)                      (not-a-number stays, so that a run notices that it went wrong)
//   backward  dx = dy where y != 0, else 0       (y > 0 or not a number; at x = 0 the subgradient is 0, as everywhere)

/// <summary>ReLU on any number of elements. In the network it is fused into <see cref="Conv3x3.Conv3x3Op"/>.</summary>
public static class ReluOp
{
    private static readonly Operator<ForwardArguments> s_forward = new Operator<ForwardArguments>(
            "Relu.Forward", a => ($"{a.Input.Length}", Work.Each(a.Input.Length, 1, 2)))
        .Plain((device, a) => device.Launch(ForwardKernel, a.Input.Length, a.Input, a.Output));

    private static readonly Operator<BackwardArguments> s_backward = new Operator<BackwardArguments>(
            "Relu.Backward", a => ($"{a.Output.Length}", Work.Each(a.Output.Length, 1, 3)))
        .Plain((device, a) => device.Launch(
            BackwardKernel, a.Output.Length, a.GradOutput, a.Output, a.GradInput, a.Beta));

    private readonly record struct ForwardArguments(ArrayView<float> Input, ArrayView<float> Output);

    private readonly record struct BackwardArguments(
        ArrayView<float> GradOutput, ArrayView<float> Output, ArrayView<float> GradInput, float Beta);

    internal static void ForwardKernel(Index1D index, ArrayView<float> input, ArrayView<float> output) =>
        output[index] = Rectify(input[index]);

    internal static void BackwardKernel(
        Index1D index, ArrayView<float> gradOutput, ArrayView<float> output, ArrayView<float> gradInput, float beta) =>
        Accumulate.Into(ref gradInput[index], Passes(output[index]) ? gradOutput[index] : 0f, beta);

    /// <summary>y = max(0, x); output may be input.</summary>
    public static void Forward(ComputeDevice device, ArrayView<float> input, ArrayView<float> output)
    {
        Require.Length(output, input.Length, nameof(output));
        s_forward.Run(device, new ForwardArguments(input, output));
    }

    /// <summary>dx = beta dx + dy where y is positive or not a number.</summary>
    public static void Backward(
        ComputeDevice device, ArrayView<float> gradOutput, ArrayView<float> output, ArrayView<float> gradInput,
        float beta)
    {
        Require.Length(gradOutput, output.Length, nameof(gradOutput));
        Require.Length(gradInput, output.Length, nameof(gradInput));
        s_backward.Run(device, new BackwardArguments(gradOutput, output, gradInput, beta));
    }

    /// <summary>max(0, x) that keeps not-a-number: GPUs' own max instruction would make it 0.</summary>
    internal static float Rectify(float x) => x < 0f ? 0f : x;

    /// <summary>
    /// Whether a gradient passes ReLU: the output y is positive or not a number. Bits are compared, since GPUs'
    /// comparisons with not-a-number are unreliable (see <see cref="Pool2x2.MaxPoolOp.IsLarger"/>).
    /// </summary>
    internal static bool Passes(float y) => (Interop.FloatAsInt(y) & 0x7FFF_FFFFu) != 0u;
}
