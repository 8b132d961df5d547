namespace NativeStyle.Kernels;

// The rectified linear unit.
//
//   forward   y = max(0, x)
//   backward  dx = dy where y > 0, else 0        (at x = 0 the subgradient 0 is taken, as everywhere)

/// <summary>ReLU on any number of elements. In the network it is fused into <see cref="Conv3x3"/>.</summary>
public static class Relu
{
    [Kernel]
    public static void ForwardKernel(Index1D index, ArrayView<float> input, ArrayView<float> output) =>
        output[index] = MathF.Max(input[index], 0f);

    [Kernel]
    public static void BackwardKernel(
        Index1D index, ArrayView<float> gradOutput, ArrayView<float> output, ArrayView<float> gradInput, float beta)
    {
        float gradient = output[index] > 0f ? gradOutput[index] : 0f;
        gradInput[index] = beta == 0f ? gradient : (beta * gradInput[index]) + gradient;
    }

    /// <summary>y = max(0, x); output may be input.</summary>
    public static void Forward(Accelerator accelerator, ArrayView<float> input, ArrayView<float> output)
    {
        Require.Length(output, input.Length, nameof(output));
        accelerator.Launch(ForwardKernel, (Index1D)input.IntLength, input, output);
    }

    /// <summary>dx = beta dx + dy where y is positive.</summary>
    public static void Backward(
        Accelerator accelerator, ArrayView<float> gradOutput, ArrayView<float> output, ArrayView<float> gradInput,
        float beta)
    {
        Require.Length(gradOutput, output.Length, nameof(gradOutput));
        Require.Length(gradInput, output.Length, nameof(gradInput));
        accelerator.Launch(BackwardKernel, (Index1D)output.IntLength, gradOutput, output, gradInput, beta);
    }
}
