using ILGPU;
using NativeStyle.Kernels.Operators.Pool2x2;

namespace NativeStyle.Autodiff.Operators;

/// <summary>2x2 pooling with stride 2 on the tape.</summary>
public static class PoolOperator
{
    /// <summary>y = the mean of each 2x2 window of x.</summary>
    public static Tensor AvgPool(this Tape tape, Tensor x, PoolEdge edge)
    {
        PoolShape shape = ShapeOf(x, edge);
        Tensor y = tape.Output(new Shape(shape.OutHeight, shape.OutWidth, shape.Channels), x);
        AveragePoolOp.Forward(tape.Device, x.Data, y.Data, shape);
        return tape.Record(y, () =>
        {
            (ArrayView<float> dx, float beta) = x.Accumulate();
            AveragePoolOp.Backward(tape.Device, y.Gradient, dx, shape, beta);
        });
    }

    /// <summary>y = the largest element of each 2x2 window of x.</summary>
    public static Tensor MaxPool(this Tape tape, Tensor x, PoolEdge edge)
    {
        PoolShape shape = ShapeOf(x, edge);
        Tensor y = tape.Output(new Shape(shape.OutHeight, shape.OutWidth, shape.Channels), x);
        MaxPoolOp.Forward(tape.Device, x.Data, y.Data, shape);
        x.SaveForBackward();
        return tape.Record(y, () =>
        {
            (ArrayView<float> dx, float beta) = x.Accumulate();
            MaxPoolOp.Backward(tape.Device, y.Gradient, x.Data, dx, shape, beta);
        });
    }

    /// <summary>y = the 2-norm of each 2x2 window of x.</summary>
    public static Tensor L2Pool(this Tape tape, Tensor x, PoolEdge edge)
    {
        PoolShape shape = ShapeOf(x, edge);
        Tensor y = tape.Output(new Shape(shape.OutHeight, shape.OutWidth, shape.Channels), x);
        L2PoolOp.Forward(tape.Device, x.Data, y.Data, shape);
        x.SaveForBackward();
        y.SaveForBackward();
        return tape.Record(y, () =>
        {
            (ArrayView<float> dx, float beta) = x.Accumulate();
            L2PoolOp.Backward(tape.Device, y.Gradient, x.Data, y.Data, dx, shape, beta);
        });
    }

    private static PoolShape ShapeOf(Tensor x, PoolEdge edge)
    {
        (int height, int width, int channels) = x.Shape;
        return new PoolShape(height, width, channels, edge);
    }
}
