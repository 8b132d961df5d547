using ILGPU;
using ILGPU.Runtime;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Memory;
using NativeStyle.Kernels.Operators.Convolution;
using NativeStyle.Kernels.Operators.Pool2x2;

namespace NativeStyle.Kernels.Operators.Conv3x3;

// 3x3 convolution with stride 1 and bias, followed by optional ReLU and 2x2 pooling. This operator takes nine tenths of
// the time.
//
//   forward           z[p, o] = b[o] + sum over t in 3x3, i of  x[p + t - 1, i] w[t, i, o]      y = pool(max(z, 0))
//   backward to data  dx[q, i] = sum over t, o of  dz[q - t + 1, o] w[t, i, o]               dz = dy through the gate
//   ... to weights    dw[t, i, o] = sum over p of  x[p + t - 1, i] dz[p, o]
//   ... to bias       db[o] = sum over p of  dz[p, o]
//
// p and q are pixels (row, column), x is (height, width, in), y is (height, width, out) or half as large, and w, the
// filter, is (3, 3, in, out). z is the convolution's output before its activation, the preactivation; dz is the
// gradient with respect to it. As in every deep-learning library, "convolution" means cross-correlation. Outside the
// picture x is zero or, with Padding.Replicate, the nearest pixel of the picture. With Padding.Replicate, dx of a
// border pixel also collects the gradient of its copies.
//
// Conv3x3Op.Kernels.cs has the plain kernels. ReluPoolOp.cs has ReLU and pooling as an operator of its own.
// WinogradGpu.cs, DirectGpu.cs and DirectTensor.cs have the kernels of GPUs. WinogradCpu.cs and DirectConv3x3.cs have
// the two hand-vectorised forms. WinogradWeightGradientCpu.cs and WeightGradientCpu.cs have those of the gradient to
// weights.

/// <summary>
/// 3x3 convolution with bias, optional ReLU and optional pooling, forward and backward, on any device.
/// </summary>
public static partial class Conv3x3Op
{
    private static readonly Operator<ForwardArguments> s_forward = new Operator<ForwardArguments>(
            "Conv3x3.Forward", a => WorkOf(a.Shape))
        .Vectorized(WinogradCpu.Forward, (cpu, a) => WinogradCpu.Fits(cpu, a.Shape), saving: 4)
        .Vectorized(DirectConv3x3.Forward, (_, a) => a.Shape.Pooling == Pooling.None)
        .Grouped(DirectTensor.Forward, (device, a) => device.UsesTensorCores && DirectTensor.Fits(a))
        .Grouped(WinogradGpu.Forward, (_, a) => WinogradGpu.Fits(a.Shape), saving: 4)
        .Grouped(DirectGpu.Forward)
        .Plain(PlainForward);

    private static readonly Operator<BackwardDataArguments> s_backwardData = new Operator<BackwardDataArguments>(
            "Conv3x3.BackwardData", a => WorkOf(a.Shape))
        .Vectorized(WinogradCpu.BackwardData, (cpu, a) => WinogradCpu.Fits(cpu, a.Shape), saving: 4)
        .Vectorized(DirectConv3x3.BackwardData, (_, a) => a.Shape.Pooling == Pooling.None)
        .Grouped(DirectTensor.BackwardData, (device, a) => device.UsesTensorCores && DirectTensor.Fits(a))
        .Grouped(WinogradGpu.BackwardData, (_, a) => WinogradGpu.Fits(a.Shape), saving: 4)
        .Grouped(DirectGpu.BackwardFewInputs, (_, a) => DirectGpu.HasFewInputs(a.Shape))
        .Grouped(DirectGpu.BackwardData)
        .Plain(PlainBackwardData);

    private static readonly Operator<BackwardWeightsArguments> s_backwardWeights =
        new Operator<BackwardWeightsArguments>(
            "Conv3x3.BackwardWeights", a => WorkOf(a.Shape))
        .Vectorized(
            WinogradWeightGradientCpu.BackwardWeights, (cpu, a) => WinogradCpu.Fits(cpu, a.Shape), saving: 4)
        .Vectorized(WeightGradientCpu.BackwardWeights)
        .Plain((device, a) => device.Launch(
            BackwardWeightsKernel, a.Shape.FilterLength, a.Input, a.GradPreactivation, a.GradFilter, a.Shape.Sizes,
            a.Beta));

    internal readonly record struct ForwardArguments(
        ArrayView<float> Input,
        Conv3x3Weights Weights,
        ArrayView<float> Output,
        ArrayView<uint> Gate,
        Conv3x3Shape Shape);

    internal readonly record struct BackwardDataArguments(
        ArrayView<float> GradOutput,
        ArrayView<uint> Gate,
        Conv3x3Weights Weights,
        ArrayView<float> GradInput,
        Conv3x3Shape Shape,
        float Beta);

    /// <param name="GradPreactivation">
    /// dz, the gradient with respect to the convolution's output before its activation.
    /// </param>
    internal readonly record struct BackwardWeightsArguments(
        ArrayView<float> Input,
        ArrayView<float> GradPreactivation,
        ArrayView<float> GradFilter,
        Conv3x3Shape Shape,
        float Beta);

    /// <summary>y = pool(relu(conv(x, w) + b)), with or without relu and pool.</summary>
    /// <param name="device">The device of all buffers.</param>
    /// <param name="input">x, (height, width, in).</param>
    /// <param name="weights">w and b.</param>
    /// <param name="output">y, (height, width, out) or pooled; overwritten.</param>
    /// <param name="gate">
    /// Receives one bit for each element of z: whether a gradient passes to it. It has
    /// <see cref="Conv3x3Shape.GateLength"/> words, or is default if no backward pass follows or the shape has no ReLU.
    /// </param>
    /// <param name="shape">The sizes, the activation and the pooling.</param>
    /// <exception cref="ArgumentException">A view's length does not fit the shape.</exception>
    public static void Forward(
        ComputeDevice device, ArrayView<float> input, Conv3x3Weights weights, ArrayView<float> output,
        ArrayView<uint> gate,
        Conv3x3Shape shape)
    {
        Require.Length(input, shape.InLength, nameof(input));
        Require.Length(output, shape.OutLength, nameof(output));
        RequireEnd(gate, shape, gateNeeded: false);
        weights.RequireChannels(shape);
        s_forward.Run(device, new ForwardArguments(input, weights, output, gate, shape));
    }

    /// <summary>dx = beta dx + conv's transpose applied to dz.</summary>
    /// <param name="device">The device of all buffers.</param>
    /// <param name="gradOutput">dy, as large as y.</param>
    /// <param name="gate">The gate of the forward pass; default only without ReLU.</param>
    /// <param name="weights">w.</param>
    /// <param name="gradInput">dx, (height, width, in).</param>
    /// <param name="shape">The shape of the forward pass.</param>
    /// <param name="beta">0 to overwrite dx (its old content is not read), 1 to add to it.</param>
    public static void BackwardData(
        ComputeDevice device, ArrayView<float> gradOutput, ArrayView<uint> gate, Conv3x3Weights weights,
        ArrayView<float> gradInput,
        Conv3x3Shape shape, float beta)
    {
        Require.Length(gradOutput, shape.OutLength, nameof(gradOutput));
        Require.Length(gradInput, shape.InLength, nameof(gradInput));
        RequireEnd(gate, shape, gateNeeded: true);
        weights.RequireChannels(shape);
        s_backwardData.Run(device, new BackwardDataArguments(gradOutput, gate, weights, gradInput, shape, beta));
    }

    /// <summary>
    /// Computes dz from dy: the backward pass of ReLU and pooling alone, for <see cref="BackwardWeights"/> and
    /// <see cref="BackwardBias"/>.
    /// </summary>
    /// <param name="gradOutput">dy, as large as y.</param>
    /// <param name="gate">The gate of the forward pass.</param>
    /// <param name="gradPreactivation">
    /// dz, the gradient with respect to the convolution's output before its activation, (height, width, out);
    /// overwritten.
    /// </param>
    /// <param name="shape">The shape of the forward pass; with ReLU.</param>
    public static void BackwardEnd(
        ComputeDevice device, ArrayView<float> gradOutput, ArrayView<uint> gate, ArrayView<float> gradPreactivation,
        Conv3x3Shape shape)
    {
        Require.Length(gradOutput, shape.OutLength, nameof(gradOutput));
        Require.Length(gradPreactivation, shape.PreactivationLength, nameof(gradPreactivation));
        RequireEnd(gate, shape, gateNeeded: true);
        ReluPoolOp.Backward(device, gradOutput, gate, gradPreactivation, shape);
    }

    /// <summary>dw = beta dw + sum over pixels of x dz.</summary>
    /// <param name="device">The device of all buffers.</param>
    /// <param name="input">x, (height, width, in).</param>
    /// <param name="gradPreactivation">
    /// dz, the gradient with respect to the convolution's output before its activation, (height, width, out).
    /// </param>
    /// <param name="gradFilter">dw, (3, 3, in, out).</param>
    /// <param name="shape">The sizes of the forward pass.</param>
    /// <param name="beta">0 to overwrite dw, 1 to add to it.</param>
    public static void BackwardWeights(
        ComputeDevice device, ArrayView<float> input, ArrayView<float> gradPreactivation, ArrayView<float> gradFilter,
        Conv3x3Shape shape, float beta)
    {
        Require.Length(input, shape.InLength, nameof(input));
        Require.Length(gradPreactivation, shape.PreactivationLength, nameof(gradPreactivation));
        Require.Length(gradFilter, shape.FilterLength, nameof(gradFilter));
        s_backwardWeights.Run(device, new BackwardWeightsArguments(input, gradPreactivation, gradFilter, shape, beta));
    }

    /// <summary>
    /// db = beta db + sum over pixels of dz. The sum is that of <see cref="ConvolutionOp"/>: a window's size does not
    /// matter to it.
    /// </summary>
    /// <inheritdoc cref="BackwardWeights"/>
    /// <param name="gradBias">db, (out).</param>
    public static void BackwardBias(
        ComputeDevice device, ArrayView<float> gradPreactivation, ArrayView<float> gradBias, Conv3x3Shape shape,
        float beta) => ConvolutionOp.BackwardBias(
            device, gradPreactivation, gradBias,
            new ConvolutionShape(shape.Height, shape.Width, shape.InChannels, shape.OutChannels, Kernel: 1), beta);

    private static void PlainForward(ComputeDevice device, ForwardArguments a)
    {
        Conv3x3Shape bare = a.Shape with { Relu = false, Pooling = Pooling.None };
        if (a.Shape.Pooling != Pooling.None)
        {
            // Computes z by the best form that does not pool.
            using DeviceBuffer<float> preactivation = device.Allocate<float>(a.Shape.PreactivationLength);
            s_forward.Run(device, a with { Output = preactivation.View, Gate = default, Shape = bare });
            ReluPoolOp.Forward(device, preactivation.View, a.Output, a.Gate, a.Shape);
            return;
        }

        device.Launch(
            ForwardKernel, a.Output.Length, a.Input, a.Weights.Filter, a.Weights.Bias, a.Output, a.Shape.Sizes);
        if (a.Shape.Relu) ReluPoolOp.Forward(device, a.Output, a.Output, a.Gate, a.Shape);
    }

    private static void PlainBackwardData(ComputeDevice device, BackwardDataArguments a)
    {
        if (!a.Shape.Relu)
        {
            device.Launch(
                BackwardDataKernel, a.GradInput.Length, a.GradOutput, a.Weights.Filter, a.GradInput, a.Shape.Sizes,
                a.Beta);
            return;
        }

        using DeviceBuffer<float> gradPreactivation = device.Allocate<float>(a.Shape.PreactivationLength);
        ReluPoolOp.Backward(device, a.GradOutput, a.Gate, gradPreactivation.View, a.Shape);
        Conv3x3Shape bare = a.Shape with { Relu = false, Pooling = Pooling.None };
        s_backwardData.Run(device, a with { GradOutput = gradPreactivation.View, Gate = default, Shape = bare });
    }

    private static (string Shape, Work Work) WorkOf(Conv3x3Shape shape)
    {
        string pooled = shape.Pooling == Pooling.None ? "" : " pooled";
        return (
            $"{shape.Height}x{shape.Width}, {shape.InChannels} -> {shape.OutChannels}{pooled}",
            new Work(
                2.0 * shape.Pixels * shape.FilterLength,
                4.0 * (shape.InLength + shape.OutLength + shape.FilterLength)));
    }

    private static void RequireEnd(ArrayView<uint> gate, Conv3x3Shape shape, bool gateNeeded)
    {
        if (shape.Pooling != Pooling.None && !shape.Relu)
            throw new ArgumentException("a convolution pools only after ReLU", nameof(shape));
        if (shape.Pooling == Pooling.L2)
        {
            throw new ArgumentException(
                "L2 pooling is an operator of its own, not the end of a convolution", nameof(shape));
        }

        if (!shape.Relu && gate.IsValid) throw new ArgumentException("without ReLU there is no gate", nameof(gate));
        if (gate.IsValid || (gateNeeded && shape.Relu)) Require.Length(gate, shape.GateLength, nameof(gate));
    }
}
