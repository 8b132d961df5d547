using ILGPU;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Memory;
using NativeStyle.Kernels.Operators.MatrixProduct;
using NativeStyle.Kernels.Translation;

namespace NativeStyle.Kernels.Operators.Conv3x3;

/// <summary>
/// Direct convolution for GPUs, for what <see cref="WinogradGpu"/> does not take: few channels, such as the first
/// layer's 3, and replicate padding. It is a matrix product of pixels and weights by tiles; see DirectOperands.cs.
/// Bias, ReLU, pooling and gate bits are done while the sums are still in registers.
/// </summary>
internal static class DirectGpu
{
    /// <summary>The most channels of x that <see cref="FewInputsKernel"/> takes.</summary>
    private const int FewInputs = 4;

    /// <summary>
    /// Pixels of a group of <see cref="FewInputsKernel"/> along each side; a work item has four of a row.
    /// </summary>
    private const int BlockWidth = 32, BlockHeight = 8;

    /// <summary>Channels of dz that <see cref="FewInputsKernel"/> holds in shared memory at a time.</summary>
    private const int SliceChannels = 8;

    /// <summary>
    /// The length of a row of the block with its border in shared memory. Work items that read together are four
    /// columns or a row apart; with this length they never share a bank.
    /// </summary>
    private const int BlockRow = 37;

    /// <summary>The length of one channel of the block with its border.</summary>
    private const int Plane = (BlockHeight + 2) * BlockRow;

    /// <summary>A convolution, as an argument of kernels.</summary>
    /// <param name="Inputs">How x or dx is read or written.</param>
    /// <param name="Outputs">How y or dy, w and b are read or written.</param>
    internal readonly record struct Layer(ConvSizes Sizes, ConvEnd End, LoadWidth Inputs, LoadWidth Outputs);

    /// <summary>Computes y of 16 windows of 2 x 2 pixels and 64 channels.</summary>
    [GroupItems(64)]
    internal static void ForwardKernel(
        ArrayView<float> input,
        ArrayView<float> filter,
        ArrayView<float> bias,
        ArrayView<float> output,
        ArrayView<uint> gate,
        Layer layer)
    {
        ArrayView<Float4> sharedA = SharedMemory.Allocate<Float4>(TileProduct.SmallBuffers);
        ArrayView<Float4> sharedB = SharedMemory.Allocate<Float4>(TileProduct.SmallBuffers);
        ArrayView<uint> opens = SharedMemory.Allocate<uint>(WindowOutput.Windows * WindowOutput.ChannelQuads);
        ConvSizes sizes = layer.Sizes;
        int firstWindow = Grid.IdxX * WindowOutput.Windows;
        int firstChannel = Grid.IdxY * TileProduct.Small;
        RegisterTile sums = TileProduct.Multiply(
            new PictureOperand(input, sizes, layer.Inputs), FilterOperand(filter, layer), firstWindow * 4, firstChannel,
            9 * sizes.InChannels,
            sharedA, sharedB, TileProduct.Small).Near;
        var target = new WindowOutput(bias, output, gate, sizes, layer.End, layer.Outputs);
        int window = firstWindow + Group.IdxY;
        int c = firstChannel + (Group.IdxX * 4);
        int at = (Group.IdxY * WindowOutput.ChannelQuads) + Group.IdxX;
        opens[at] = target.Store(window, c, sums.UpperLeft0, sums.UpperLeft1, sums.UpperLeft2, sums.UpperLeft3);
        opens[at + 8] = target.Store(
            window, c + 32, sums.UpperRight0, sums.UpperRight1, sums.UpperRight2, sums.UpperRight3);
        at += 8 * WindowOutput.ChannelQuads;
        opens[at] = target.Store(window + 8, c, sums.LowerLeft0, sums.LowerLeft1, sums.LowerLeft2, sums.LowerLeft3);
        opens[at + 8] = target.Store(
            window + 8, c + 32, sums.LowerRight0, sums.LowerRight1, sums.LowerRight2, sums.LowerRight3);
        Group.Barrier();
        int item = (Group.IdxY * 8) + Group.IdxX;
        if (layer.End.Gate == GateUse.Used) target.StoreGates(opens, firstWindow, firstChannel, item, 64);
    }

    /// <summary>Computes dx of 16 windows of 2 x 2 pixels and 64 channels.</summary>
    [GroupItems(64)]
    internal static void BackwardDataKernel(
        ArrayView<float> gradOutput,
        ArrayView<uint> gate,
        ArrayView<float> filter,
        ArrayView<float> gradInput,
        Layer layer,
        float beta)
    {
        ArrayView<Float4> sharedA = SharedMemory.Allocate<Float4>(TileProduct.SmallBuffers);
        ArrayView<Float4> sharedB = SharedMemory.Allocate<Float4>(TileProduct.SmallBuffers);
        ConvSizes sizes = layer.Sizes;
        int line = Grid.IdxX * TileProduct.Small;
        int c = Grid.IdxY * TileProduct.Small;
        RegisterTile sums = TileProduct.Multiply(
            new GradientOperand(new GradientQuads(gradOutput, gate, sizes, layer.End, layer.Outputs)),
            new TransposedFilterOperand(filter, sizes, layer.Outputs), line, c, 9 * sizes.OutChannels,
            sharedA, sharedB, TileProduct.Small).Near;
        line += Group.IdxY * 4;
        c += Group.IdxX * 4;
        StorePixel(gradInput, line, c, sums.UpperLeft0, sums.UpperRight0, layer, beta);
        StorePixel(gradInput, line + 1, c, sums.UpperLeft1, sums.UpperRight1, layer, beta);
        StorePixel(gradInput, line + 2, c, sums.UpperLeft2, sums.UpperRight2, layer, beta);
        StorePixel(gradInput, line + 3, c, sums.UpperLeft3, sums.UpperRight3, layer, beta);
        StorePixel(gradInput, line + 32, c, sums.LowerLeft0, sums.LowerRight0, layer, beta);
        StorePixel(gradInput, line + 33, c, sums.LowerLeft1, sums.LowerRight1, layer, beta);
        StorePixel(gradInput, line + 34, c, sums.LowerLeft2, sums.LowerRight2, layer, beta);
        StorePixel(gradInput, line + 35, c, sums.LowerLeft3, sums.LowerRight3, layer, beta);
    }

    /// <summary>
    /// Computes dx of up to four channels. A work item keeps all of them for four pixels of a row: 32 x 8 pixels by 64
    /// work items. A tile of the matrix product would compute 64 columns for these few.
    /// </summary>
    [GroupItems(64)]
    internal static void FewInputsKernel(
        ArrayView<float> gradOutput,
        ArrayView<uint> gate,
        ArrayView<float> filter,
        ArrayView<float> gradInput,
        Layer layer,
        float beta)
    {
        ArrayView<float> block = SharedMemory.Allocate<float>(SliceChannels * Plane);
        ArrayView<Float4> weights = SharedMemory.Allocate<Float4>(SliceChannels * 9);
        ConvSizes sizes = layer.Sizes;
        var gradient = new GradientQuads(gradOutput, gate, sizes, layer.End, layer.Outputs);
        int item = (Group.IdxY * 8) + Group.IdxX;
        int blocksAcross = (sizes.Width + BlockWidth - 1) / BlockWidth;
        int firstRow = Grid.IdxX / blocksAcross * BlockHeight;
        int firstColumn = Grid.IdxX % blocksAcross * BlockWidth;
        int row = firstRow + Group.IdxY;
        int column = firstColumn + (Group.IdxX * 4);
        Float4 sum0 = Float4.Broadcast(0f);
        Float4 sum1 = sum0;
        Float4 sum2 = sum0;
        Float4 sum3 = sum0;
        for (int first = 0; first < sizes.OutChannels; first += SliceChannels)
        {
            for (int place = item; place < (BlockHeight + 2) * (BlockWidth + 2) * 2; place += 64)
            {
                int pixel = place / 2;
                int y = pixel / (BlockWidth + 2);
                int x = pixel % (BlockWidth + 2);
                int o = place % 2 * 4;
                Float4 quad = gradient.At(
                    firstRow + y - 1, firstColumn + x - 1, first + o, sizes.OutChannels - first - o);
                int at = (o * Plane) + (y * BlockRow) + x;
                block[at] = quad.X;
                block[at + Plane] = quad.Y;
                block[at + (2 * Plane)] = quad.Z;
                block[at + (3 * Plane)] = quad.W;
            }

            for (int place = item; place < SliceChannels * 9; place += 64)
                weights[place] = WeightsOf(filter, place % 9, first + (place / 9), sizes);
            Group.Barrier();
            for (int o = 0; o < SliceChannels; o++)
            {
                int at = (o * Plane) + (Group.IdxY * BlockRow) + (Group.IdxX * 4);
                for (int tapRow = 0; tapRow < 3; tapRow++)
                {
                    // dz[q - t + 1]: the first row of taps reads the row below.
                    int source = at + ((2 - tapRow) * BlockRow);
                    // With replicate padding, the row outside the border is a copy of it and reads the same row.
                    int copy = at + BlockRow;
                    bool hasCopy = sizes.Padding == Padding.Replicate
                        && ((tapRow == 0 && row == 0) || (tapRow == 2 && row == sizes.Height - 1));
                    float d0 = block[source] + (hasCopy ? block[copy] : 0f);
                    float d1 = block[source + 1] + (hasCopy ? block[copy + 1] : 0f);
                    float d2 = block[source + 2] + (hasCopy ? block[copy + 2] : 0f);
                    float d3 = block[source + 3] + (hasCopy ? block[copy + 3] : 0f);
                    float d4 = block[source + 4] + (hasCopy ? block[copy + 4] : 0f);
                    float d5 = block[source + 5] + (hasCopy ? block[copy + 5] : 0f);
                    Float4 w0 = weights[(o * 9) + (tapRow * 3)];
                    Float4 w1 = weights[(o * 9) + (tapRow * 3) + 1];
                    Float4 w2 = weights[(o * 9) + (tapRow * 3) + 2];
                    sum0 = PlusTaps(sum0, d0, d1, d2, w0, w1, w2, column, sizes);
                    sum1 = PlusTaps(sum1, d1, d2, d3, w0, w1, w2, column + 1, sizes);
                    sum2 = PlusTaps(sum2, d2, d3, d4, w0, w1, w2, column + 2, sizes);
                    sum3 = PlusTaps(sum3, d3, d4, d5, w0, w1, w2, column + 3, sizes);
                }
            }

            Group.Barrier();
        }

        StoreFew(gradInput, row, column, sum0, layer, beta);
        StoreFew(gradInput, row, column + 1, sum1, layer, beta);
        StoreFew(gradInput, row, column + 2, sum2, layer, beta);
        StoreFew(gradInput, row, column + 3, sum3, layer, beta);
    }

    /// <summary>Whether dx has so few channels that their own kernel is faster.</summary>
    public static bool HasFewInputs(Conv3x3Shape shape) => shape.InChannels <= FewInputs;

    /// <inheritdoc cref="Conv3x3Op.Forward"/>
    public static void Forward(ComputeDevice device, Conv3x3Op.ForwardArguments a) => device.LaunchGrouped(
        ForwardKernel,
        new KernelConfig(Grids(a.Shape, WindowOutput.Windows, a.Shape.OutChannels), new Index3D(8, 8, 1)),
        a.Input, a.Weights.Filter, a.Weights.Bias, a.Output, a.Gate, LayerOf(a));

    /// <inheritdoc cref="Conv3x3Op.BackwardData"/>
    public static void BackwardData(ComputeDevice device, Conv3x3Op.BackwardDataArguments a) => device.LaunchGrouped(
        BackwardDataKernel,
        new KernelConfig(Grids(a.Shape, WindowOutput.Windows, a.Shape.InChannels), new Index3D(8, 8, 1)),
        a.GradOutput, a.Gate, a.Weights.Filter, a.GradInput, LayerOf(a), a.Beta);

    /// <summary>Does the same as <see cref="BackwardData"/>, for <see cref="HasFewInputs"/>.</summary>
    public static void BackwardFewInputs(ComputeDevice device, Conv3x3Op.BackwardDataArguments a)
    {
        int blocks = (a.Shape.Width + BlockWidth - 1) / BlockWidth * ((a.Shape.Height + BlockHeight - 1) / BlockHeight);
        device.LaunchGrouped(
            FewInputsKernel, new KernelConfig(new Index3D(blocks, 1, 1), new Index3D(8, 8, 1)),
            a.GradOutput, a.Gate, a.Weights.Filter, a.GradInput, LayerOf(a), a.Beta);
    }

    /// <summary>The grid of groups that each compute the given number of windows and 64 channels.</summary>
    internal static Index3D Grids(Conv3x3Shape shape, int windows, int channels) => new(
        (WindowOrder.Count(shape.Sizes) + windows - 1) / windows,
        (channels + TileProduct.Small - 1) / TileProduct.Small,
        1);

    internal static Layer LayerOf(Conv3x3Op.ForwardArguments a) =>
        LayerOf(a.Shape, a.Input, a.Output, a.Weights, a.Gate.IsValid);

    internal static Layer LayerOf(Conv3x3Op.BackwardDataArguments a) =>
        LayerOf(a.Shape, a.GradInput, a.GradOutput, a.Weights, a.Gate.IsValid);

    /// <summary>w as forward's second factor: step (t, i), column o is w[t, i, o].</summary>
    internal static MatrixOperand FilterOperand(ArrayView<float> filter, Layer layer) => new(
        filter, 0, layer.Sizes.OutChannels, 9 * layer.Sizes.InChannels, layer.Sizes.OutChannels, QuadOrder.Across,
        layer.Outputs);

    private static Layer LayerOf(
        Conv3x3Shape shape, ArrayView<float> inputs, ArrayView<float> outputs, Conv3x3Weights weights, bool usesGate)
    {
        bool aligned = outputs.StartsAt16Bytes && weights.Filter.StartsAt16Bytes && weights.Bias.StartsAt16Bytes;
        return new Layer(
            shape.Sizes, shape.End(usesGate), MatrixOperand.WidthOf(inputs.StartsAt16Bytes, shape.InChannels, 0, 0),
            MatrixOperand.WidthOf(aligned, shape.OutChannels, 0, 0));
    }

    /// <summary>Stores two quads of dx of a pixel, 32 channels apart.</summary>
    private static void StorePixel(
        ArrayView<float> gradInput, int line, int c, Float4 left, Float4 right, Layer layer, float beta)
    {
        StoreQuad(gradInput, line, c, left, layer, beta);
        StoreQuad(gradInput, line, c + 32, right, layer, beta);
    }

    /// <summary>Stores four channels of dx of a pixel, if they exist.</summary>
    internal static void StoreQuad(ArrayView<float> gradInput, int line, int c, Float4 quad, Layer layer, float beta)
    {
        ConvSizes sizes = layer.Sizes;
        int row = WindowOrder.RowOf(line, sizes);
        int column = WindowOrder.ColumnOf(line, sizes);
        int room = row < sizes.Height && column < sizes.Width ? sizes.InChannels - c : 0;
        int at = (((row * sizes.Width) + column) * sizes.InChannels) + c;
        Quads.Accumulate(gradInput, at, room, quad, layer.Inputs, beta);
    }

    private static void StoreFew(ArrayView<float> gradInput, int row, int column, Float4 quad, Layer layer, float beta)
    {
        ConvSizes sizes = layer.Sizes;
        int room = row < sizes.Height && column < sizes.Width ? sizes.InChannels : 0;
        Quads.Accumulate(gradInput, ((row * sizes.Width) + column) * sizes.InChannels, room, quad, layer.Inputs, beta);
    }

    /// <summary>w[t, ., o] of up to four channels, 0 after the last.</summary>
    private static Float4 WeightsOf(ArrayView<float> filter, int tap, int o, ConvSizes sizes)
    {
        (int channels, int stride) = (sizes.InChannels, sizes.OutChannels);
        int at = (tap * channels * stride) + o;
        Float4 quad = Float4.Broadcast(0f);
        if (o < stride)
        {
            float second = channels > 1 ? filter[at + stride] : 0f;
            float third = channels > 2 ? filter[at + (2 * stride)] : 0f;
            float fourth = channels > 3 ? filter[at + (3 * stride)] : 0f;
            quad = new Float4(filter[at], second, third, fourth);
        }

        return quad;
    }

    /// <summary>
    /// Adds a row of three taps for one pixel. The taps see the pixel to the right, the pixel itself and the pixel to
    /// the left.
    /// </summary>
    private static Float4 PlusTaps(
        Float4 sum, float left, float here, float right, Float4 w0, Float4 w1, Float4 w2, int column, ConvSizes sizes)
    {
        bool replicate = sizes.Padding == Padding.Replicate;
        float first = right + (replicate && column == 0 ? here : 0f);
        float last = left + (replicate && column == sizes.Width - 1 ? here : 0f);
        return Float4.MultiplyAdd(last, w2, Float4.MultiplyAdd(here, w1, Float4.MultiplyAdd(first, w0, sum)));
    }
}
