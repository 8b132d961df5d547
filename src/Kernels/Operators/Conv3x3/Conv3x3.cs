namespace NativeStyle.Kernels;

// 3x3 convolution, stride 1, with bias and an optional ReLU: the operator that takes nine tenths of the time.
//
//   forward           y[p, o] = act( b[o] + sum over t in 3x3, i of  x[p + t - 1, i] w[t, i, o] )
//   backward to data  dx[q, i] = sum over t, o of  dz[q - t + 1, o] w[t, i, o]        dz = dy where y > 0 (ReLU)
//   ... to weights    dw[t, i, o] = sum over p of  x[p + t - 1, i] dz[p, o]
//   ... to bias       db[o] = sum over p of  dz[p, o]
//
// p and q are pixels (row, column), x is (height, width, in), y is (height, width, out), w is (3, 3, in, out).
// As in every deep-learning library "convolution" means cross-correlation. Outside the picture x is zero, or with
// Padding.Replicate the nearest pixel of the picture, and then dx of a border pixel also collects what its copies got.
//
// Conv3x3.Kernels.cs has the kernels as they run on any device, Conv3x3.Direct.cs and Conv3x3.Winograd.cs the two
// hand-vectorised CPU paths.

/// <summary>What a convolution sees outside the picture.</summary>
public enum Padding
{
    /// <summary>Zeros, as VGG was trained with.</summary>
    Zero,

    /// <summary>The nearest pixel of the picture, which avoids a dark frame in results.</summary>
    Replicate,
}

/// <summary>The sizes of a 3x3 convolution with stride 1, whose output is as large as its input.</summary>
/// <param name="Height">Rows of input and output.</param>
/// <param name="Width">Columns of input and output.</param>
/// <param name="InChannels">Channels of the input.</param>
/// <param name="OutChannels">Channels of the output, i.e. filters.</param>
/// <param name="Padding">What lies outside the picture.</param>
public readonly record struct Conv3x3Shape(
    int Height, int Width, int InChannels, int OutChannels, Padding Padding = Padding.Zero)
{
    public long Pixels => (long)Height * Width;

    public long InLength => Pixels * InChannels;

    public long OutLength => Pixels * OutChannels;

    public long KernelLength => 9L * InChannels * OutChannels;
}

/// <summary>3x3 convolution with bias and optional ReLU, forward and backward, on any accelerator.</summary>
public static partial class Conv3x3
{
    /// <summary>y = act(conv(x, w) + b).</summary>
    /// <param name="accelerator">The device of all buffers.</param>
    /// <param name="input">x, (height, width, in).</param>
    /// <param name="weights">w and b.</param>
    /// <param name="output">y, (height, width, out); overwritten.</param>
    /// <param name="shape">The sizes.</param>
    /// <param name="relu">Whether act is max(0, .) instead of the identity.</param>
    /// <exception cref="ArgumentException">A view's length does not fit the shape.</exception>
    public static void Forward(
        Accelerator accelerator, ArrayView<float> input, Conv3x3Weights weights, ArrayView<float> output,
        Conv3x3Shape shape, bool relu)
    {
        Require.Length(input, shape.InLength, nameof(input));
        Require.Length(output, shape.OutLength, nameof(output));
        weights.RequireChannels(shape);
        if (accelerator is CpuAccelerator { Path: CpuPath.Vectorized } cpu)
        {
            if (Winograd.Fits(shape.InChannels, shape.OutChannels, shape.Padding))
                Winograd.Convolve(cpu, input, default, weights.PackedForward(cpu), weights.Bias, output, shape, relu, 0);
            else
                DirectForward(cpu, input, weights, output, shape, relu);
            return;
        }

        accelerator.Launch(
            ForwardKernel, (Index1D)checked((int)shape.OutLength), input, weights.Kernel, weights.Bias, output,
            shape.Height, shape.Width, shape.InChannels, shape.OutChannels, (int)shape.Padding, relu ? 1 : 0);
    }

    /// <summary>dx = beta dx + conv's transpose applied to dz.</summary>
    /// <param name="accelerator">The device of all buffers.</param>
    /// <param name="gradOutput">dy, (height, width, out).</param>
    /// <param name="reluOutput">y of a forward pass with ReLU, or default without ReLU.</param>
    /// <param name="weights">w.</param>
    /// <param name="gradInput">dx, (height, width, in).</param>
    /// <param name="shape">The sizes of the forward pass.</param>
    /// <param name="beta">0 to overwrite dx (its old content is not read), 1 to add to it.</param>
    public static void BackwardData(
        Accelerator accelerator, ArrayView<float> gradOutput, ArrayView<float> reluOutput, Conv3x3Weights weights,
        ArrayView<float> gradInput, Conv3x3Shape shape, float beta)
    {
        Require.Length(gradOutput, shape.OutLength, nameof(gradOutput));
        Require.Length(gradInput, shape.InLength, nameof(gradInput));
        if (reluOutput.IsValid) Require.Length(reluOutput, shape.OutLength, nameof(reluOutput));
        weights.RequireChannels(shape);
        if (accelerator is CpuAccelerator { Path: CpuPath.Vectorized } cpu)
        {
            // Backward to data is the same convolution with the kernel rotated by 180 degrees, in and out exchanged.
            if (Winograd.Fits(shape.OutChannels, shape.InChannels, shape.Padding))
            {
                Conv3x3Shape transposed = shape with { InChannels = shape.OutChannels, OutChannels = shape.InChannels };
                Winograd.Convolve(
                    cpu, gradOutput, reluOutput, weights.PackedBackward(cpu), default, gradInput, transposed, false, beta);
            }
            else
            {
                DirectBackwardData(cpu, gradOutput, reluOutput, weights, gradInput, shape, beta);
            }

            return;
        }

        bool masked = reluOutput.IsValid;
        accelerator.Launch(
            BackwardDataKernel, (Index1D)checked((int)shape.InLength), gradOutput, masked ? reluOutput : gradOutput,
            weights.Kernel, gradInput, shape.Height, shape.Width, shape.InChannels, shape.OutChannels,
            (int)shape.Padding, masked ? 1 : 0, beta);
    }

    /// <summary>dw = beta dw + sum over pixels of x dz.</summary>
    /// <param name="accelerator">The device of all buffers.</param>
    /// <param name="input">x, (height, width, in).</param>
    /// <param name="gradPreActivation">dz, (height, width, out): dy with the ReLU's mask already applied.</param>
    /// <param name="gradKernel">dw, (3, 3, in, out).</param>
    /// <param name="shape">The sizes of the forward pass.</param>
    /// <param name="beta">0 to overwrite dw, 1 to add to it.</param>
    public static void BackwardWeights(
        Accelerator accelerator, ArrayView<float> input, ArrayView<float> gradPreActivation,
        ArrayView<float> gradKernel, Conv3x3Shape shape, float beta)
    {
        Require.Length(input, shape.InLength, nameof(input));
        Require.Length(gradPreActivation, shape.OutLength, nameof(gradPreActivation));
        Require.Length(gradKernel, shape.KernelLength, nameof(gradKernel));
        if (accelerator is CpuAccelerator { Path: CpuPath.Vectorized } cpu)
        {
            DirectBackwardWeights(cpu, input, gradPreActivation, gradKernel, shape, beta);
            return;
        }

        accelerator.Launch(
            BackwardWeightsKernel, (Index1D)checked((int)shape.KernelLength), input, gradPreActivation, gradKernel,
            shape.Height, shape.Width, shape.InChannels, shape.OutChannels, (int)shape.Padding, beta);
    }

    /// <summary>db = beta db + sum over pixels of dz.</summary>
    /// <inheritdoc cref="BackwardWeights"/>
    /// <param name="gradBias">db, (out).</param>
    public static void BackwardBias(
        Accelerator accelerator, ArrayView<float> gradPreActivation, ArrayView<float> gradBias, Conv3x3Shape shape,
        float beta)
    {
        Require.Length(gradPreActivation, shape.OutLength, nameof(gradPreActivation));
        Require.Length(gradBias, shape.OutChannels, nameof(gradBias));
        accelerator.Launch(
            BackwardBiasKernel, (Index1D)shape.OutChannels, gradPreActivation, gradBias, checked((int)shape.Pixels),
            shape.OutChannels, beta);
    }
}
