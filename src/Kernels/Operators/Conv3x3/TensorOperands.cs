using ILGPU;
using ILGPU.Algorithms;
using NativeStyle.Kernels.Operators.MatrixProduct;

namespace NativeStyle.Kernels.Operators.Conv3x3;

/// <summary>
/// The pixels that the taps see, for tensor cores: row p, step (t, c) is x[p + t - 1, c]. Rows go in
/// <see cref="WindowOrder"/>. A slice has 16 channels of one tap. The nine taps of the same channels follow each other,
/// since they see almost the same pixels: eight of nine reads find them in the multiprocessor's own cache.
/// </summary>
/// <param name="Channels">Channels of the picture, a multiple of <see cref="TensorProduct.Slice"/>.</param>
internal readonly record struct TensorPicture(ArrayView<float> Picture, ConvSizes Sizes, int Channels) : ITensorOperand
{
    public QuadOrder Order => QuadOrder.AlongDepth;

    public bool IsRounded => false;

    /// <summary>The row and column of the first tap's pixel.</summary>
    public Index2D Line(int line) => new(WindowOrder.RowOf(line, Sizes) - 1, WindowOrder.ColumnOf(line, Sizes) - 1);

    /// <summary>The tap, numbered by <see cref="Taps"/>, and the channel.</summary>
    public Index2D Step(int k) => new(0, k);

    public Index2D Next(Index2D step)
    {
        int tap = Taps.Next(step.X);
        return Taps.Exists(tap) ? new Index2D(tap, step.Y) : new Index2D(0, step.Y + TensorProduct.Slice);
    }

    public Float4 DepthQuad(Index2D line, Index2D step)
    {
        int y = line.X + Taps.RowOf(step.X);
        int x = line.Y + Taps.ColumnOf(step.X);
        if (Sizes.Padding == Padding.Replicate)
        {
            y = XMath.Clamp(y, 0, Sizes.Height - 1);
            x = XMath.Clamp(x, 0, Sizes.Width - 1);
        }

        Float4 quad = Float4.Broadcast(0f);
        // A negative number is a large one without its sign.
        if ((uint)y < (uint)Sizes.Height & (uint)x < (uint)Sizes.Width)
            quad = Picture.Cast<Float4>()[((((y * Sizes.Width) + x) * Channels) + step.Y) >> 2];
        return quad;
    }
}

/// <summary>A filter in the order of <see cref="DirectTensor.OrderKernel"/>.</summary>
/// <param name="Columns">Channels of the pass's result.</param>
internal readonly record struct TensorFilter(ArrayView<Float4> Filter, int Columns) : ITensorOperand
{
    public QuadOrder Order => QuadOrder.Across;

    public bool IsRounded => true;

    /// <summary>The column, and whether it exists.</summary>
    public Index2D Line(int line) => new(line, line < Columns ? 1 : 0);

    /// <summary>The offset of the step's quads.</summary>
    public Index2D Step(int k) => new(k / 4 * Columns, 0);

    public Index2D Next(Index2D step) => new(step.X + (TensorProduct.Slice / 4 * Columns), 0);

    public Float4 DepthQuad(Index2D line, Index2D step)
    {
        Float4 quad = Float4.Broadcast(0f);
        if (line.Y > 0) quad = Filter[line.X + step.X];
        return quad;
    }
}
