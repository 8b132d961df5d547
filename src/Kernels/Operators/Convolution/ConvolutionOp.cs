using ILGPU;
using ILGPU.Runtime;
using NativeStyle.Kernels.Devices;

namespace NativeStyle.Kernels.Operators.Convolution;

// Convolution with a K x K kernel, any stride, and bias, without padding. Feed-forward networks are made of it.
//
//   forward           y[p, o] = b[o] + sum over t in K x K, i of  x[s p + t, i] w[t, i, o]
//   backward to data  dx[q, i] = sum over t, o with q - t = s p of  dy[p, o] w[t, i, o]
//   ... to weights    dw[t, i, o] = sum over p of  x[s p + t, i] dy[p, o]
//   ... to bias       db[o] = sum over p of  dy[p, o]
//
// p and q are pixels (row, column), s is the stride, x is (height, width, in), y is (out height, out width, out), and
// w, the filter, is (K, K, in, out).
//
// ConvolutionOp.Kernels.cs has the plain kernels, ConvolutionGpu.cs those of GPUs. WinogradForms.cs has the CPU's forms
// of 3x3 windows with stride 1. ConvolutionCpu.cs has its form of forward and backward to data for all other windows,
// and ConvolutionGradientCpu.cs that of the other two.

/// <summary>Convolution of any kernel size and stride with bias, forward and backward, on any device.</summary>
public static partial class ConvolutionOp
{
    private static readonly Operator<ForwardArguments> s_forward = new Operator<ForwardArguments>(
            "Convolution.Forward", a => WorkOf(a.Shape))
        .Vectorized(WinogradForms.Forward, (cpu, a) => WinogradForms.Fits(cpu, a.Shape), saving: 4)
        .Vectorized(ConvolutionCpu.Forward)
        .Grouped(ConvolutionGpu.Forward)
        .Plain((device, a) => device.Launch(
            ForwardKernel, a.Output.Length, a.Input, a.Filter, a.Bias, a.Output, a.Shape));

    private static readonly Operator<BackwardDataArguments> s_backwardData = new Operator<BackwardDataArguments>(
            "Convolution.BackwardData", a => WorkOf(a.Shape))
        .Vectorized(WinogradForms.BackwardData, (cpu, a) => WinogradForms.Fits(cpu, a.Shape), saving: 4)
        .Vectorized(ConvolutionCpu.BackwardData)
        .Grouped(ConvolutionGpu.BackwardData)
        .Plain((device, a) => device.Launch(
            BackwardDataKernel, a.GradInput.Length, a.GradOutput, a.Filter, a.GradInput, a.Shape, a.Beta));

    private static readonly Operator<BackwardWeightsArguments> s_backwardWeights =
        new Operator<BackwardWeightsArguments>(
            "Convolution.BackwardWeights", a => WorkOf(a.Shape))
        .Vectorized(WinogradForms.BackwardWeights, (cpu, a) => WinogradForms.Fits(cpu, a.Shape), saving: 4)
        .Vectorized(ConvolutionGradientCpu.BackwardWeights)
        .Grouped(ConvolutionGpu.BackwardWeights)
        .Plain((device, a) => device.Launch(
            BackwardWeightsKernel, a.GradFilter.Length, a.Input, a.GradOutput, a.GradFilter, a.Shape, a.Beta));

    private static readonly Operator<BackwardBiasArguments> s_backwardBias = new Operator<BackwardBiasArguments>(
            "Convolution.BackwardBias", a => ($"{a.GradOutput.Length}", Work.Each(a.GradOutput.Length, 1, 1)))
        .Vectorized(ConvolutionGradientCpu.BackwardBias)
        .Grouped(ConvolutionGpu.BackwardBias)
        .Plain((device, a) => device.Launch(
            BackwardBiasKernel, a.GradBias.Length, a.GradOutput, a.GradBias, a.Beta));

    internal readonly record struct ForwardArguments(
        ArrayView<float> Input,
        ArrayView<float> Filter,
        ArrayView<float> Bias,
        ArrayView<float> Output,
        ConvolutionShape Shape);

    internal readonly record struct BackwardDataArguments(
        ArrayView<float> GradOutput,
        ArrayView<float> Filter,
        ArrayView<float> GradInput,
        ConvolutionShape Shape,
        float Beta);

    internal readonly record struct BackwardWeightsArguments(
        ArrayView<float> Input,
        ArrayView<float> GradOutput,
        ArrayView<float> GradFilter,
        ConvolutionShape Shape,
        float Beta);

    internal readonly record struct BackwardBiasArguments(
        ArrayView<float> GradOutput, ArrayView<float> GradBias, float Beta);

    /// <summary>y = conv(x, w) + b.</summary>
    /// <param name="device">The device of all buffers.</param>
    /// <param name="input">x, (height, width, in).</param>
    /// <param name="filter">w, (K, K, in, out).</param>
    /// <param name="bias">b, (out).</param>
    /// <param name="output">y, (out height, out width, out); overwritten.</param>
    /// <exception cref="ArgumentException">
    /// A view's length does not fit the shape, or the kernel does not fit into the input.
    /// </exception>
    public static void Forward(
        ComputeDevice device, ArrayView<float> input, ArrayView<float> filter, ArrayView<float> bias,
        ArrayView<float> output, ConvolutionShape shape)
    {
        RequireShape(shape);
        Require.Length(input, shape.InLength, nameof(input));
        Require.Length(filter, shape.FilterLength, nameof(filter));
        Require.Length(bias, shape.OutChannels, nameof(bias));
        Require.Length(output, shape.OutLength, nameof(output));
        s_forward.Run(device, new ForwardArguments(input, filter, bias, output, shape));
    }

    /// <summary>dx = beta dx + conv's transpose applied to dy.</summary>
    /// <param name="gradOutput">dy, (out height, out width, out).</param>
    /// <param name="gradInput">dx, (height, width, in).</param>
    /// <param name="beta">0 to overwrite dx (its old content is not read), 1 to add to it.</param>
    /// <inheritdoc cref="Forward"/>
    public static void BackwardData(
        ComputeDevice device, ArrayView<float> gradOutput, ArrayView<float> filter, ArrayView<float> gradInput,
        ConvolutionShape shape, float beta)
    {
        RequireShape(shape);
        Require.Length(gradOutput, shape.OutLength, nameof(gradOutput));
        Require.Length(filter, shape.FilterLength, nameof(filter));
        Require.Length(gradInput, shape.InLength, nameof(gradInput));
        s_backwardData.Run(device, new BackwardDataArguments(gradOutput, filter, gradInput, shape, beta));
    }

    /// <summary>dw = beta dw + sum over pixels of x dy.</summary>
    /// <param name="gradFilter">dw, (K, K, in, out).</param>
    /// <inheritdoc cref="BackwardData"/>
    public static void BackwardWeights(
        ComputeDevice device, ArrayView<float> input, ArrayView<float> gradOutput, ArrayView<float> gradFilter,
        ConvolutionShape shape, float beta)
    {
        RequireShape(shape);
        Require.Length(input, shape.InLength, nameof(input));
        Require.Length(gradOutput, shape.OutLength, nameof(gradOutput));
        Require.Length(gradFilter, shape.FilterLength, nameof(gradFilter));
        s_backwardWeights.Run(device, new BackwardWeightsArguments(input, gradOutput, gradFilter, shape, beta));
    }

    /// <summary>db = beta db + sum over pixels of dy.</summary>
    /// <param name="gradBias">db, (out).</param>
    /// <inheritdoc cref="BackwardData"/>
    public static void BackwardBias(
        ComputeDevice device, ArrayView<float> gradOutput, ArrayView<float> gradBias, ConvolutionShape shape,
        float beta)
    {
        RequireShape(shape);
        Require.Length(gradOutput, shape.OutLength, nameof(gradOutput));
        Require.Length(gradBias, shape.OutChannels, nameof(gradBias));
        s_backwardBias.Run(device, new BackwardBiasArguments(gradOutput, gradBias, beta));
    }

    private static (string Shape, Work Work) WorkOf(ConvolutionShape shape) => (
        $"{shape.Height}x{shape.Width}, {shape.InChannels} -> {shape.OutChannels}, "
            + $"{shape.Kernel}x{shape.Kernel}/{shape.Stride}",
        new Work(
            2.0 * shape.OutPixels * shape.FilterLength,
            4.0 * (shape.InLength + shape.OutLength + shape.FilterLength)));

    private static void RequireShape(ConvolutionShape shape)
    {
        if (!shape.IsValid) throw new ArgumentException($"the kernel does not fit: {shape}", nameof(shape));
    }
}
