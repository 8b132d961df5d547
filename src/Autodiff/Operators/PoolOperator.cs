using NativeStyle.Kernels;

namespace NativeStyle.Autodiff;

/// <summary>2x2 pooling with stride 2 on the tape.</summary>
public static class PoolOperator
{
    /// <summary>y = the mean of each 2x2 window of x.</summary>
    public static Tensor AvgPool(this Tape tape, Tensor x, PoolEdge edge)
    {
        PoolShape shape = ShapeOf(x, edge);
        Tensor y = tape.Output(new Shape(shape.OutHeight, shape.OutWidth, shape.Channels), x);
        Kernels.AvgPool.Forward(tape.Accelerator, x.Data, y.Data, shape);
        return tape.Record(y, () =>
        {
            (ArrayView<float> dx, float beta) = x.Accumulate();
            Kernels.AvgPool.Backward(tape.Accelerator, y.Gradient, dx, shape, beta);
        });
    }

    /// <summary>y = the largest of each 2x2 window of x.</summary>
    public static Tensor MaxPool(this Tape tape, Tensor x, PoolEdge edge)
    {
        PoolShape shape = ShapeOf(x, edge);
        Tensor y = tape.Output(new Shape(shape.OutHeight, shape.OutWidth, shape.Channels), x);
        Kernels.MaxPool.Forward(tape.Accelerator, x.Data, y.Data, shape);
        x.SaveForBackward();
        return tape.Record(y, () =>
        {
            (ArrayView<float> dx, float beta) = x.Accumulate();
            Kernels.MaxPool.Backward(tape.Accelerator, y.Gradient, x.Data, dx, shape, beta);
        });
    }

    /// <summary>y = the 2-norm of each 2x2 window of x.</summary>
    public static Tensor L2Pool(this Tape tape, Tensor x, PoolEdge edge)
    {
        PoolShape shape = ShapeOf(x, edge);
        Tensor y = tape.Output(new Shape(shape.OutHeight, shape.OutWidth, shape.Channels), x);
        Kernels.L2Pool.Forward(tape.Accelerator, x.Data, y.Data, shape);
        x.SaveForBackward();
        y.SaveForBackward();
        return tape.Record(y, () =>
        {
            (ArrayView<float> dx, float beta) = x.Accumulate();
            Kernels.L2Pool.Backward(tape.Accelerator, y.Gradient, x.Data, y.Data, dx, shape, beta);
        });
    }

    private static PoolShape ShapeOf(Tensor x, PoolEdge edge)
    {
        (int height, int width, int channels) = x.Shape;
        return new PoolShape(height, width, channels, edge);
    }
}
