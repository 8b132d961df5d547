using ILGPU;
using NativeStyle.Kernels.Operators.Expand;

namespace NativeStyle.Autodiff.Operators;

/// <summary>Upsampling and reflection padding on the tape.</summary>
public static class ExpandOperator
{
    /// <summary>y = x, upsampled and padded.</summary>
    /// <param name="x">(height, width, channels).</param>
    /// <exception cref="ArgumentException">The padding is not smaller than the upsampled map.</exception>
    public static Tensor Expand(this Tape tape, Tensor x, Expansion expansion)
    {
        (int height, int width, int channels) = x.Shape;
        var shape = ExpandShape.Whole(height, width, channels, expansion);
        Tensor y = tape.Output(new Shape(shape.Rows.Count, shape.Columns.Count, channels), x);
        ExpandOp.Forward(tape.Device, x.Data, y.Data, shape);
        return tape.Record(y, () =>
        {
            (ArrayView<float> dx, float beta) = x.Accumulate();
            ExpandOp.Backward(tape.Device, y.Gradient, dx, shape, beta);
        });
    }

    /// <summary>A window of an expanded map, from a window of the map. It has no gradient.</summary>
    /// <param name="x">(height, width, channels), a constant: the map's window.</param>
    /// <param name="rows">The rows of both windows.</param>
    /// <param name="columns">The columns of both windows.</param>
    /// <exception cref="ArgumentException">A window does not lie where it must.</exception>
    /// <exception cref="InvalidOperationException">x has a gradient.</exception>
    public static Tensor ExpandWindow(this Tape tape, Tensor x, ExpansionAxis rows, ExpansionAxis columns)
    {
        RequireConstant(x);
        (int height, int width, int channels) = x.Shape;
        Tensor y = tape.Output(new Shape(rows.Count, columns.Count, channels), x);
        ExpandOp.Forward(tape.Device, x.Data, y.Data, new ExpandShape(rows, columns, height, width, channels));
        return tape.Record(y, () => { });
    }

    internal static void RequireConstant(Tensor x)
    {
        if (x.RequiresGradient) throw new InvalidOperationException("windows of expanded maps have no gradient");
    }
}
