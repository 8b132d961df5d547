using ILGPU;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Memory;
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
/// <para>
/// What would cost instructions for each element within the product is done once before it. The filter is brought into
/// the order in which it is read. The backward pass computes dz first, and is then the same product as the forward one.
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

    /// <summary>
    /// Brings four steps of the depth of a column together, which lie in different rows of the filter, and rounds them:
    /// ordered[k / 4, column] is w[t, i, column] of four steps k = (t, i) forward, and w[8 - t, column, o] of four
    /// steps (t, o) backward. The steps go in the order of <see cref="TensorPicture"/>.
    /// </summary>
    internal static void OrderKernel(
        Index1D index, ArrayView<float> filter, ArrayView<Float4> ordered, ConvSizes sizes, Direction direction)
    {
        bool backward = direction == Direction.Backward;
        int columns = backward ? sizes.InChannels : sizes.OutChannels;
        int channels = backward ? sizes.OutChannels : sizes.InChannels;
        int column = index % columns;
        int k = index / columns * 4;
        int slice = k / TensorProduct.Slice;
        int tap = slice % 9;
        int c = (slice / 9 * TensorProduct.Slice) + (k & (TensorProduct.Slice - 1));
        int at = backward
            ? ((((8 - tap) * columns) + column) * channels) + c
            : (((tap * channels) + c) * columns) + column;
        int step = backward ? 1 : columns;
        ordered[index] = TensorFloat.Round(
            new Float4(filter[at], filter[at + step], filter[at + (2 * step)], filter[at + (3 * step)]));
    }

    /// <summary>Computes y of 32 windows and 64 channels.</summary>
    /// <param name="filter">w, as <see cref="OrderKernel"/> orders it.</param>
    [GroupItems(TensorProduct.Items)]
    [LeastArchitecture(8, 0)]
    internal static void ForwardKernel(
        ArrayView<float> input,
        ArrayView<Float4> filter,
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
        ArrayView<Float4> filter,
        ArrayView<float> bias,
        ArrayView<float> output,
        ArrayView<uint> gate,
        DirectGpu.Layer layer) =>
        Forward(
            new ExchangedTensorCore(SharedMemory.Allocate<Float4>(ExchangedTensorCore.SharedQuads)),
            input, filter, bias, output, gate, layer);

    /// <summary>Computes dx of 32 windows and 64 channels.</summary>
    /// <param name="gradPreactivation">
    /// dz, the gradient with respect to the convolution's output before its activation.
    /// </param>
    /// <param name="filter">w, as <see cref="OrderKernel"/> orders it.</param>
    [GroupItems(TensorProduct.Items)]
    [LeastArchitecture(8, 0)]
    internal static void BackwardDataKernel(
        ArrayView<float> gradPreactivation,
        ArrayView<Float4> filter,
        ArrayView<float> gradInput,
        DirectGpu.Layer layer,
        float beta) =>
        BackwardData(default(TensorCore), gradPreactivation, filter, gradInput, layer, beta);

    /// <summary>Does the same, with an exchange between lanes instead of the instruction.</summary>
    [GroupItems(TensorProduct.Items)]
    [LeastArchitecture(7, 0)]
    internal static void ExchangedBackwardDataKernel(
        ArrayView<float> gradPreactivation,
        ArrayView<Float4> filter,
        ArrayView<float> gradInput,
        DirectGpu.Layer layer,
        float beta) =>
        BackwardData(
            new ExchangedTensorCore(SharedMemory.Allocate<Float4>(ExchangedTensorCore.SharedQuads)),
            gradPreactivation, filter, gradInput, layer, beta);

    /// <summary>Whether the shape and the views fit the forward pass: a slice never crosses from tap to tap.</summary>
    public static bool Fits(Conv3x3Op.ForwardArguments a) =>
        HasChannels(a.Shape.InChannels, a.Shape.OutChannels) && a.Input.StartsAt16Bytes;

    /// <summary>Whether the shape and the views fit the backward pass.</summary>
    public static bool Fits(Conv3x3Op.BackwardDataArguments a) =>
        HasChannels(a.Shape.OutChannels, a.Shape.InChannels) && a.Shape.Padding == Padding.Zero
        && (a.Shape.Relu || a.GradOutput.StartsAt16Bytes);

    /// <inheritdoc cref="Conv3x3Op.Forward"/>
    public static void Forward(ComputeDevice device, Conv3x3Op.ForwardArguments a) => Forward(
        device, a, filter => device.LaunchGrouped(
            ForwardKernel, Config(a.Shape, a.Shape.OutChannels),
            a.Input, filter, a.Weights.Bias, a.Output, a.Gate, DirectGpu.LayerOf(a)));

    /// <summary>
    /// Does the same as <see cref="Forward(ComputeDevice, Conv3x3Op.ForwardArguments)"/>, without tensor cores.
    /// </summary>
    public static void ExchangedForward(ComputeDevice device, Conv3x3Op.ForwardArguments a) => Forward(
        device, a, filter => device.LaunchGrouped(
            ExchangedForwardKernel, Config(a.Shape, a.Shape.OutChannels),
            a.Input, filter, a.Weights.Bias, a.Output, a.Gate, DirectGpu.LayerOf(a)));

    /// <inheritdoc cref="Conv3x3Op.BackwardData"/>
    public static void BackwardData(ComputeDevice device, Conv3x3Op.BackwardDataArguments a) => BackwardData(
        device, a, (gradPreactivation, filter) => device.LaunchGrouped(
            BackwardDataKernel, Config(a.Shape, a.Shape.InChannels),
            gradPreactivation, filter, a.GradInput, DirectGpu.LayerOf(a), a.Beta));

    /// <summary>
    /// Does the same as <see cref="BackwardData(ComputeDevice, Conv3x3Op.BackwardDataArguments)"/>, without tensor
    /// cores.
    /// </summary>
    public static void ExchangedBackwardData(ComputeDevice device, Conv3x3Op.BackwardDataArguments a) => BackwardData(
        device, a, (gradPreactivation, filter) => device.LaunchGrouped(
            ExchangedBackwardDataKernel, Config(a.Shape, a.Shape.InChannels),
            gradPreactivation, filter, a.GradInput, DirectGpu.LayerOf(a), a.Beta));

    private static bool HasChannels(int channels, int columns) =>
        channels % TensorProduct.Slice == 0 && columns >= LeastChannels;

    private static void Forward(
        ComputeDevice device, Conv3x3Op.ForwardArguments a, Action<ArrayView<Float4>> launch)
    {
        using DeviceBuffer<float> filter = Order(device, a.Weights, a.Shape, Direction.Forward);
        launch(filter.View.Cast<Float4>());
    }

    private static void BackwardData(
        ComputeDevice device, Conv3x3Op.BackwardDataArguments a, Action<ArrayView<float>, ArrayView<Float4>> launch)
    {
        using DeviceBuffer<float> filter = Order(device, a.Weights, a.Shape, Direction.Backward);
        if (!a.Shape.Relu)
        {
            launch(a.GradOutput, filter.View.Cast<Float4>());
            return;
        }

        using DeviceBuffer<float> gradPreactivation = device.Allocate<float>(a.Shape.PreactivationLength);
        ReluPoolOp.Backward(device, a.GradOutput, a.Gate, gradPreactivation.View, a.Shape);
        launch(gradPreactivation.View, filter.View.Cast<Float4>());
    }

    private static DeviceBuffer<float> Order(
        ComputeDevice device, Conv3x3Weights weights, Conv3x3Shape shape, Direction direction)
    {
        DeviceBuffer<float> ordered = device.Allocate<float>(weights.Filter.Length);
        device.Launch(
            OrderKernel, weights.Filter.Length / 4, weights.Filter, ordered.View.Cast<Float4>(), shape.Sizes,
            direction);
        return ordered;
    }

    private static KernelConfig Config(Conv3x3Shape shape, int channels) =>
        new(DirectGpu.Grids(shape, TensorProduct.Rows / 4, channels), new Index3D(TensorProduct.Items, 1, 1));

    private static void Forward<TCore>(
        TCore core,
        ArrayView<float> input,
        ArrayView<Float4> filter,
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
            new TensorPicture(input, sizes, sizes.InChannels), new TensorFilter(filter, sizes.OutChannels), core,
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
        ArrayView<float> gradPreactivation,
        ArrayView<Float4> filter,
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
            new TensorPicture(gradPreactivation, sizes, sizes.OutChannels), new TensorFilter(filter, sizes.InChannels),
            core, firstLine, firstChannel, 9 * sizes.OutChannels, shared);
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
