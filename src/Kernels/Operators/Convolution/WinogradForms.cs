using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Memory;
using NativeStyle.Kernels.Operators.Conv3x3;

namespace NativeStyle.Kernels.Operators.Convolution;

/// <summary>
/// The CPU's forms of 3x3 convolutions with stride 1: Winograd's F(4x4, 3x3), see <see cref="WinogradCpu"/>.
/// </summary>
internal static unsafe class WinogradForms
{
    /// <summary>Whether these forms take a shape: they also need whole vectors of channels.</summary>
    public static bool Fits(CpuDevice cpu, ConvolutionShape shape) =>
        shape is { Kernel: 3, Stride: 1 } && WinogradCpu.Fits(cpu, shape.InChannels, shape.OutChannels);

    /// <inheritdoc cref="ConvolutionOp.Forward"/>
    public static void Forward(CpuDevice cpu, ConvolutionOp.ForwardArguments a)
    {
        WinogradGeometry geometry = Geometry(a.Shape);
        var inputs = new WinogradInputs(geometry, a.Shape.InChannels, a.Input.Pointer);
        var outputs = new WinogradOutputs(geometry, a.Shape.OutChannels, a.Output.Pointer, a.Bias.Pointer);
        cpu.Vectorize(new WinogradCpu(geometry, inputs, a.Filter.Pointer, outputs));
    }

    /// <summary>
    /// Runs backward to data as a convolution of dy in a frame of two zeros, with filters rotated by 180 degrees and in
    /// and out exchanged. The filter changes with each step of a training, so it is rotated each time.
    /// </summary>
    /// <inheritdoc cref="ConvolutionOp.BackwardData"/>
    public static void BackwardData(CpuDevice cpu, ConvolutionOp.BackwardDataArguments a)
    {
        ConvolutionShape shape = a.Shape;
        var geometry = new WinogradGeometry(shape.OutHeight, shape.OutWidth, shape.Height, shape.Width, Offset: 2);
        using DeviceBuffer<float> rotated = cpu.Allocate<float>(shape.FilterLength);
        Conv3x3Weights.Rotate(cpu, a.Filter.Pointer, rotated.View.Pointer, shape.InChannels, shape.OutChannels);
        var inputs = new WinogradInputs(geometry, shape.OutChannels, a.GradOutput.Pointer);
        var outputs = new WinogradOutputs(
            geometry, shape.InChannels, a.GradInput.Pointer, bias: null, beta: a.Beta);
        cpu.Vectorize(new WinogradCpu(geometry, inputs, rotated.View.Pointer, outputs));
    }

    /// <inheritdoc cref="ConvolutionOp.BackwardWeights"/>
    public static void BackwardWeights(CpuDevice cpu, ConvolutionOp.BackwardWeightsArguments a)
    {
        WinogradGeometry geometry = Geometry(a.Shape);
        var inputs = new WinogradInputs(geometry, a.Shape.InChannels, a.Input.Pointer);
        cpu.Vectorize(new WinogradWeightGradientCpu(
            geometry, inputs, a.Shape.OutChannels, a.GradOutput.Pointer, a.GradFilter.Pointer, a.Beta));
    }

    private static WinogradGeometry Geometry(ConvolutionShape shape) =>
        new(shape.Height, shape.Width, shape.OutHeight, shape.OutWidth, Offset: 0);
}
