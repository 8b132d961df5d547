using ILGPU;
using NativeStyle.Kernels.Operators.Relu;

namespace NativeStyle.Autodiff.Operators;

/// <summary>ReLU on the tape, for networks that do not fuse it into the convolution.</summary>
public static class ReluOperator
{
    /// <summary>y = max(0, x).</summary>
    public static Tensor Relu(this Tape tape, Tensor x)
    {
        Tensor y = tape.Output(x.Shape, x);
        ReluOp.Forward(tape.Device, x.Data, y.Data);
        y.SaveForBackward();
        return tape.Record(y, () =>
        {
            (ArrayView<float> dx, float beta) = x.Accumulate();
            ReluOp.Backward(tape.Device, y.Gradient, y.Data, dx, beta);
        });
    }
}
