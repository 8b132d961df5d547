using ILGPU;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Operators.MatrixProduct;
using NativeStyle.Kernels.Translation;

namespace NativeStyle.Kernels.Operators.Conv3x3;

/// <summary>
/// <see cref="DirectGpu"/> in TF32, by tensor cores. A group computes 32 windows of 2 x 2 pixels and 64 channels.
/// <para>
/// In TF32 it also takes what <see cref="WinogradGpu"/> takes in float32. Tensor cores multiply eight times as fast
/// (A100 data sheet: 156 to 19.5 TFLOP/s). Winograd makes four times fewer products, but its transforms move eleven
/// times a map's bytes and take memory. Winograd itself stays in float32: its transforms multiply the rounding errors
/// of its factors by about ten, and TF32 has no digit to spare.
/// </para>
/// </summary>
internal static class DirectTensor
{
    /// <summary>
    /// The least channels. With fewer channels most of a slice or of a tile is empty, and float32 is as fast.
    /// </summary>
    private const int LeastChannels = 16;

    /// <summary>Quads of a pixel in shared memory.</summary>
    private const int RowQuads = TensorProduct.Columns / 4;

    /// <summary>Computes y of 32 windows and 64 channels.</summary>
    [GroupItems(TensorProduct.Items)]
    [LeastArchitecture(8, 0)]
    internal static void ForwardKernel(
        ArrayView<float> input,
        ArrayView<float> filter,
        ArrayView<float> bias,
        ArrayView<float> output,
        ArrayView<uint> gate,
        DirectGpu.Layer layer) =>
        Forward(default(TensorCore), input, filter, bias, output, gate, layer);

    /// <summary>Does the same, with an exchange between lanes instead of the instruction.</summary>
    [GroupItems(TensorProduct.Items)]
    [LeastArchitecture(7, 0)]
    internal static void ExchangedForwardKernel(
        ArrayView<float> input,
        ArrayView<float> filter,
        ArrayView<float> bias,
        ArrayView<float> output,
        ArrayView<uint> gate,
        DirectGpu.Layer layer) =>
        Forward(
            new ExchangedTensorCore(SharedMemory.Allocate<Float4>(ExchangedTensorCore.SharedQuads)),
            input, filter, bias, output, gate, layer);

    /// <summary>Computes dx of 32 windows and 64 channels.</summary>
    [GroupItems(TensorProduct.Items)]
    [LeastArchitecture(8, 0)]
    internal static void BackwardDataKernel(
        ArrayView<float> gradOutput,
        ArrayView<uint> gate,
        ArrayView<float> filter,
        ArrayView<float> gradInput,
        DirectGpu.Layer layer,
        float beta) =>
        BackwardData(default(TensorCore), gradOutput, gate, filter, gradInput, layer, beta);

    /// <summary>Does the same, with an exchange between lanes instead of the instruction.</summary>
    [GroupItems(TensorProduct.Items)]
    [LeastArchitecture(7, 0)]
    internal static void ExchangedBackwardDataKernel(
        ArrayView<float> gradOutput,
        ArrayView<uint> gate,
        ArrayView<float> filter,
        ArrayView<float> gradInput,
        DirectGpu.Layer layer,
        float beta) =>
        BackwardData(
            new ExchangedTensorCore(SharedMemory.Allocate<Float4>(ExchangedTensorCore.SharedQuads)),
            gradOutput, gate, filter, gradInput, layer, beta);

    /// <summary>Whether this form takes a convolution.</summary>
    public static bool Fits(ComputeDevice device, Conv3x3Shape shape) =>
        device.UsesTensorCores && Math.Min(shape.InChannels, shape.OutChannels) >= LeastChannels;

    /// <inheritdoc cref="Conv3x3Op.Forward"/>
    public static void Forward(ComputeDevice device, Conv3x3Op.ForwardArguments a) => device.LaunchGrouped(
        ForwardKernel, Config(a.Shape, a.Shape.OutChannels),
        a.Input, a.Weights.Filter, a.Weights.Bias, a.Output, a.Gate, DirectGpu.LayerOf(a));

    /// <summary>
    /// Does the same as <see cref="Forward(ComputeDevice, Conv3x3Op.ForwardArguments)"/>, without tensor cores.
    /// </summary>
    public static void ExchangedForward(ComputeDevice device, Conv3x3Op.ForwardArguments a) => device.LaunchGrouped(
        ExchangedForwardKernel, Config(a.Shape, a.Shape.OutChannels),
        a.Input, a.Weights.Filter, a.Weights.Bias, a.Output, a.Gate, DirectGpu.LayerOf(a));

    /// <inheritdoc cref="Conv3x3Op.BackwardData"/>
    public static void BackwardData(ComputeDevice device, Conv3x3Op.BackwardDataArguments a) => device.LaunchGrouped(
        BackwardDataKernel, Config(a.Shape, a.Shape.InChannels),
        a.GradOutput, a.Gate, a.Weights.Filter, a.GradInput, DirectGpu.LayerOf(a), a.Beta);

    /// <summary>
    /// Does the same as <see cref="BackwardData(ComputeDevice, Conv3x3Op.BackwardDataArguments)"/>, without tensor
    /// cores.
    /// </summary>
    public static void ExchangedBackwardData(ComputeDevice device, Conv3x3Op.BackwardDataArguments a) =>
        device.LaunchGrouped(
            ExchangedBackwardDataKernel, Config(a.Shape, a.Shape.InChannels),
            a.GradOutput, a.Gate, a.Weights.Filter, a.GradInput, DirectGpu.LayerOf(a), a.Beta);

    private static KernelConfig Config(Conv3x3Shape shape, int channels) =>
        new(DirectGpu.Grids(shape, TensorProduct.Rows / 4, channels), new Index3D(TensorProduct.Items, 1, 1));

    private static void Forward<TCore>(
        TCore core,
        ArrayView<float> input,
        ArrayView<float> filter,
        ArrayView<float> bias,
        ArrayView<float> output,
        ArrayView<uint> gate,
        DirectGpu.Layer layer)
        where TCore : struct, ITensorCore
    {
        ArrayView<Float4> shared = SharedMemory.Allocate<Float4>(TensorProduct.SharedQuads);
        ArrayView<uint> opens = SharedMemory.Allocate<uint>(WindowOutput.Windows * WindowOutput.ChannelQuads);
        ConvSizes sizes = layer.Sizes;
        int firstLine = Grid.IdxX * TensorProduct.Rows;
        int firstChannel = Grid.IdxY * TensorProduct.Columns;
        TensorProduct.Sums sums = TensorProduct.Multiply(
            new PictureOperand(input, sizes, layer.Inputs), DirectGpu.FilterOperand(filter, layer), core,
            firstLine, firstChannel, 9 * sizes.InChannels, shared);
        var target = new WindowOutput(bias, output, gate, sizes, layer.End, layer.Outputs);
        for (int half = 0; half < 2; half++)
        {
            TensorProduct.Exchange(sums, half, shared);
            int firstWindow = (firstLine / 4) + (half * WindowOutput.Windows);
            for (int place = Group.IdxX; place < WindowOutput.Windows * RowQuads; place += TensorProduct.Items)
            {
                int from = (place / RowQuads * 4 * RowQuads) + (place % RowQuads);
                opens[place] = target.Store(
                    firstWindow + (place / RowQuads), firstChannel + (place % RowQuads * 4),
                    shared[from],
                    shared[from + RowQuads],
                    shared[from + (2 * RowQuads)],
                    shared[from + (3 * RowQuads)]);
            }

            Group.Barrier();
            if (layer.End.Gate == GateUse.Used)
                target.StoreGates(opens, firstWindow, firstChannel, Group.IdxX, TensorProduct.Items);
        }
    }

    private static void BackwardData<TCore>(
        TCore core,
        ArrayView<float> gradOutput,
        ArrayView<uint> gate,
        ArrayView<float> filter,
        ArrayView<float> gradInput,
        DirectGpu.Layer layer,
        float beta)
        where TCore : struct, ITensorCore
    {
        ArrayView<Float4> shared = SharedMemory.Allocate<Float4>(TensorProduct.SharedQuads);
        ConvSizes sizes = layer.Sizes;
        int firstLine = Grid.IdxX * TensorProduct.Rows;
        int firstChannel = Grid.IdxY * TensorProduct.Columns;
        TensorProduct.Sums sums = TensorProduct.Multiply(
            new GradientOperand(new GradientQuads(gradOutput, gate, sizes, layer.End, layer.Outputs)),
            new TransposedFilterOperand(filter, sizes, layer.Outputs), core,
            firstLine, firstChannel, 9 * sizes.OutChannels, shared);
        for (int half = 0; half < 2; half++)
        {
            TensorProduct.Exchange(sums, half, shared);
            int line = firstLine + (half * TensorProduct.HalfRows);
            for (int place = Group.IdxX; place < TensorProduct.HalfRows * RowQuads; place += TensorProduct.Items)
            {
                int c = firstChannel + (place % RowQuads * 4);
                DirectGpu.StoreQuad(gradInput, line + (place / RowQuads), c, shared[place], layer, beta);
            }
        }
    }
}
