using ILGPU;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Memory;
using NativeStyle.Kernels.Operators.MatrixProduct;
using NativeStyle.Kernels.Translation;

namespace NativeStyle.Kernels.Operators.Convolution;

/// <summary>
/// A convolution of any kernel size and stride for GPUs: matrix products by tiles whose operands read patches; see
/// ConvolutionOperands.cs.
/// </summary>
internal static class ConvolutionGpu
{
    /// <summary>Groups that keep a GPU busy: pieces of the pixels make up for few tiles of dw.</summary>
    private const int ManyGroups = 512;

    /// <summary>The least pixels of a piece.</summary>
    private const int LeastPixels = 256;

    /// <summary>Pieces of dy that the gradient with respect to the bias adds.</summary>
    private const int BiasPieces = 256;

    /// <summary>How four neighbouring channels of inputs (x or dx) and of outputs are read or written.</summary>
    internal readonly record struct Widths(LoadWidth Inputs, LoadWidth Outputs);

    /// <summary>Where a tile of sums goes.</summary>
    private interface ITarget
    {
        /// <summary>Stores four columns of a row, if they exist.</summary>
        void Store(int row, int column, Float4 sums);
    }

    /// <summary>Computes y of 64 pixels and 64 channels.</summary>
    [GroupItems(64)]
    internal static void ForwardKernel(
        ArrayView<float> input,
        ArrayView<float> filter,
        ArrayView<float> bias,
        ArrayView<float> output,
        ConvolutionShape shape,
        Widths widths)
    {
        ArrayView<Float4> sharedA = SharedMemory.Allocate<Float4>(TileProduct.SmallBuffers);
        ArrayView<Float4> sharedB = SharedMemory.Allocate<Float4>(TileProduct.SmallBuffers);
        int depth = shape.Kernel * shape.Kernel * shape.InChannels;
        int pixels = shape.OutHeight * shape.OutWidth;
        int row = Grid.IdxX * TileProduct.Small;
        int column = Grid.IdxY * TileProduct.Small;
        RegisterTile sums = TileProduct.Multiply(
            new PatchOperand(input, shape, 0, pixels, QuadOrder.AlongDepth, widths.Inputs),
            new MatrixOperand(
                filter, 0, shape.OutChannels, depth, shape.OutChannels, QuadOrder.Across, widths.Outputs),
            row, column, depth, sharedA, sharedB, TileProduct.Small).Near;
        StoreTile(new Output(output, bias, pixels, shape.OutChannels, widths.Outputs), row, column, sums);
    }

    /// <summary>Computes dx of 64 pixels of a phase and 64 channels.</summary>
    [GroupItems(64)]
    internal static void BackwardDataKernel(
        ArrayView<float> gradOutput,
        ArrayView<float> filter,
        ArrayView<float> gradInput,
        ConvolutionShape shape,
        Widths widths,
        float beta)
    {
        ArrayView<Float4> sharedA = SharedMemory.Allocate<Float4>(TileProduct.SmallBuffers);
        ArrayView<Float4> sharedB = SharedMemory.Allocate<Float4>(TileProduct.SmallBuffers);
        var phase = new Phase(shape, Grid.IdxZ);
        int row = Grid.IdxX * TileProduct.Small;
        int column = Grid.IdxY * TileProduct.Small;
        RegisterTile sums = TileProduct.Multiply(
            new GradientPatchOperand(gradOutput, phase, widths.Outputs),
            new PhaseFilterOperand(filter, phase, widths.Outputs),
            row, column, phase.Depth, sharedA, sharedB, TileProduct.Small).Near;
        StoreTile(new GradInput(gradInput, phase, widths.Inputs, beta), row, column, sums);
    }

    /// <summary>Computes a piece's sums of dw, for 64 places of a window and 64 output channels.</summary>
    [GroupItems(64)]
    internal static void BackwardWeightsKernel(
        ArrayView<float> input,
        ArrayView<float> gradOutput,
        ArrayView<float> pieces,
        ConvolutionShape shape,
        Widths widths,
        int piecePixels)
    {
        ArrayView<Float4> sharedA = SharedMemory.Allocate<Float4>(TileProduct.SmallBuffers);
        ArrayView<Float4> sharedB = SharedMemory.Allocate<Float4>(TileProduct.SmallBuffers);
        int places = shape.Kernel * shape.Kernel * shape.InChannels;
        int pixels = shape.OutHeight * shape.OutWidth;
        int first = Grid.IdxZ * piecePixels;
        int end = first + piecePixels < pixels ? first + piecePixels : pixels;
        int row = Grid.IdxX * TileProduct.Small;
        int column = Grid.IdxY * TileProduct.Small;
        RegisterTile sums = TileProduct.Multiply(
            new PatchOperand(input, shape, first, end, QuadOrder.Across, widths.Inputs),
            new MatrixOperand(
                gradOutput, first * shape.OutChannels, shape.OutChannels, end - first, shape.OutChannels,
                QuadOrder.Across, widths.Outputs),
            row, column, end - first, sharedA, sharedB, TileProduct.Small).Near;
        StoreTile(
            new Piece(pieces, Grid.IdxZ * places * shape.OutChannels, places, shape.OutChannels, widths.Outputs),
            row, column, sums);
    }

    /// <summary>Computes a piece's sum of db for one channel. Neighbours read neighbouring memory.</summary>
    internal static void BiasPiecesKernel(
        Index1D index, ArrayView<float> gradOutput, ArrayView<float> pieces)
    {
        float sum = 0f;
        for (int i = index; i < gradOutput.IntLength; i += pieces.IntLength) sum += gradOutput[i];
        pieces[index] = sum;
    }

    /// <summary>Adds one element of all pieces, in their order.</summary>
    internal static void AddPiecesKernel(
        Index1D index, ArrayView<float> pieces, ArrayView<float> gradient, float beta)
    {
        float sum = 0f;
        for (int i = index; i < pieces.IntLength; i += gradient.IntLength) sum += pieces[i];
        Accumulate.Into(ref gradient[index], sum, beta);
    }

    /// <inheritdoc cref="ConvolutionOp.Forward"/>
    public static void Forward(ComputeDevice device, ConvolutionOp.ForwardArguments a) => device.LaunchGrouped(
        ForwardKernel,
        ConfigOf(a.Shape.OutPixels, a.Shape.OutChannels, 1),
        a.Input, a.Filter, a.Bias, a.Output, a.Shape,
        new Widths(
            WidthOf(a.Input, a.Shape.InChannels),
            Narrower(
                WidthOf(a.Bias, a.Shape.OutChannels),
                Narrower(WidthOf(a.Filter, a.Shape.OutChannels), WidthOf(a.Output, a.Shape.OutChannels)))));

    /// <inheritdoc cref="ConvolutionOp.BackwardData"/>
    public static void BackwardData(ComputeDevice device, ConvolutionOp.BackwardDataArguments a)
    {
        // The first phase has the most pixels.
        var phase = new Phase(a.Shape, 0);
        device.LaunchGrouped(
            BackwardDataKernel,
            ConfigOf((long)phase.Height * phase.Width, a.Shape.InChannels, a.Shape.Stride * a.Shape.Stride),
            a.GradOutput, a.Filter, a.GradInput, a.Shape,
            new Widths(
                WidthOf(a.GradInput, a.Shape.InChannels),
                Narrower(WidthOf(a.Filter, a.Shape.OutChannels), WidthOf(a.GradOutput, a.Shape.OutChannels))),
            a.Beta);
    }

    /// <inheritdoc cref="ConvolutionOp.BackwardWeights"/>
    public static void BackwardWeights(ComputeDevice device, ConvolutionOp.BackwardWeightsArguments a)
    {
        long places = a.Shape.FilterLength / a.Shape.OutChannels;
        long tiles = TilesOf(places) * TilesOf(a.Shape.OutChannels);
        long wanted = Math.Clamp(ManyGroups / tiles, 1, Math.Max(1, a.Shape.OutPixels / LeastPixels));
        int piecePixels = (int)((a.Shape.OutPixels + wanted - 1) / wanted);
        int pieces = (int)((a.Shape.OutPixels + piecePixels - 1) / piecePixels);
        using DeviceBuffer<float> sums = device.Allocate<float>(pieces * a.Shape.FilterLength);
        device.LaunchGrouped(
            BackwardWeightsKernel, ConfigOf(places, a.Shape.OutChannels, pieces),
            a.Input, a.GradOutput, sums.View, a.Shape,
            new Widths(
                WidthOf(a.Input, a.Shape.InChannels),
                Narrower(WidthOf(a.GradOutput, a.Shape.OutChannels), WidthOf(sums.View, a.Shape.OutChannels))),
            piecePixels);
        device.Launch(AddPiecesKernel, a.GradFilter.Length, sums.View, a.GradFilter, a.Beta);
    }

    /// <inheritdoc cref="ConvolutionOp.BackwardBias"/>
    public static void BackwardBias(ComputeDevice device, ConvolutionOp.BackwardBiasArguments a)
    {
        using DeviceBuffer<float> sums = device.Allocate<float>(BiasPieces * a.GradBias.Length);
        device.Launch(BiasPiecesKernel, sums.Length, a.GradOutput, sums.View);
        device.Launch(AddPiecesKernel, a.GradBias.Length, sums.View, a.GradBias, a.Beta);
    }

    private static LoadWidth WidthOf(ArrayView<float> view, int channels) =>
        MatrixOperand.WidthOf(view.StartsAt16Bytes, channels, 0, 0);

    private static LoadWidth Narrower(LoadWidth a, LoadWidth b) => a == LoadWidth.Scalar ? a : b;

    private static long TilesOf(long length) => (length + TileProduct.Small - 1) / TileProduct.Small;

    private static KernelConfig ConfigOf(long rows, int columns, int batches) =>
        new(new Index3D((int)TilesOf(rows), (int)TilesOf(columns), batches), new Index3D(8, 8, 1));

    private static void StoreTile<T>(T target, int row, int column, RegisterTile sums) where T : struct, ITarget
    {
        row += Group.IdxY * 4;
        column += Group.IdxX * 4;
        target.Store(row, column, sums.UpperLeft0);
        target.Store(row + 1, column, sums.UpperLeft1);
        target.Store(row + 2, column, sums.UpperLeft2);
        target.Store(row + 3, column, sums.UpperLeft3);
        target.Store(row, column + 32, sums.UpperRight0);
        target.Store(row + 1, column + 32, sums.UpperRight1);
        target.Store(row + 2, column + 32, sums.UpperRight2);
        target.Store(row + 3, column + 32, sums.UpperRight3);
        target.Store(row + 32, column, sums.LowerLeft0);
        target.Store(row + 33, column, sums.LowerLeft1);
        target.Store(row + 34, column, sums.LowerLeft2);
        target.Store(row + 35, column, sums.LowerLeft3);
        target.Store(row + 32, column + 32, sums.LowerRight0);
        target.Store(row + 33, column + 32, sums.LowerRight1);
        target.Store(row + 34, column + 32, sums.LowerRight2);
        target.Store(row + 35, column + 32, sums.LowerRight3);
    }

    /// <summary>y, which gets the bias.</summary>
    private readonly record struct Output(
        ArrayView<float> View, ArrayView<float> Bias, int Pixels, int Channels, LoadWidth Width) : ITarget
    {
        public void Store(int row, int column, Float4 sums)
        {
            int room = row < Pixels ? Channels - column : 0;
            Float4 biases = Quads.Load(Bias, column, room, Width);
            Quads.Accumulate(View, (row * Channels) + column, room, sums + biases, Width, 0f);
        }
    }

    /// <summary>The pixels of dx that belong to a phase.</summary>
    private readonly record struct GradInput(
        ArrayView<float> View, Phase Phase, LoadWidth Width, float Beta) : ITarget
    {
        public void Store(int row, int column, Float4 sums)
        {
            ConvolutionShape shape = Phase.Shape;
            int y = row / Phase.Width;
            int x = row - (y * Phase.Width);
            int room = y < Phase.Height ? shape.InChannels - column : 0;
            int pixel = (((y * shape.Stride) + Phase.Row) * shape.Width) + (x * shape.Stride) + Phase.Column;
            Quads.Accumulate(View, (pixel * shape.InChannels) + column, room, sums, Width, Beta);
        }
    }

    /// <summary>A piece's sums of dw.</summary>
    private readonly record struct Piece(
        ArrayView<float> View, int First, int Rows, int Columns, LoadWidth Width) : ITarget
    {
        public void Store(int row, int column, Float4 sums) => Quads.Accumulate(
            View, First + (row * Columns) + column, row < Rows ? Columns - column : 0, sums, Width, 0f);
    }
}
