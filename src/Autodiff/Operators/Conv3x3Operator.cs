using NativeStyle.Kernels;

namespace NativeStyle.Autodiff;

/// <summary>The weights of a convolution as tensors. Frozen ones cost no gradient.</summary>
public sealed class Conv3x3Layer : IDisposable
{
    /// <param name="kernel">(3, 3, in, out).</param>
    /// <param name="bias">(out).</param>
    /// <param name="frozen">Whether the weights stay as they are, so that only gradients to data are computed.</param>
    public Conv3x3Layer(Accelerator accelerator, ReadOnlySpan<float> kernel, ReadOnlySpan<float> bias, bool frozen)
    {
        Weights = new Conv3x3Weights(accelerator, kernel, bias);
        Kernel = new Tensor(
            accelerator, new Shape(3, 3, Weights.InChannels, Weights.OutChannels), Weights.Kernel, !frozen).Keep();
        Bias = new Tensor(accelerator, new Shape(Weights.OutChannels), Weights.Bias, !frozen).Keep();
    }

    public Tensor Kernel { get; }

    public Tensor Bias { get; }

    internal Conv3x3Weights Weights { get; }

    /// <summary>To be called after an optimiser changed the kernel.</summary>
    public void Changed() => Weights.Invalidate();

    public void Dispose()
    {
        Kernel.Dispose();
        Bias.Dispose();
        Weights.Dispose();
    }
}

/// <summary>3x3 convolution with bias and optional ReLU on the tape.</summary>
public static class Conv3x3Operator
{
    /// <summary>y = act(conv(x, w) + b), (height, width, out).</summary>
    /// <param name="x">(height, width, in).</param>
    public static Tensor Conv3x3(
        this Tape tape, Tensor x, Conv3x3Layer layer, bool relu = true, Padding padding = Padding.Zero)
    {
        Accelerator accelerator = tape.Accelerator;
        (int height, int width, int channels) = x.Shape;
        var shape = new Conv3x3Shape(height, width, channels, layer.Weights.OutChannels, padding);
        Tensor y = tape.Output(new Shape(height, width, shape.OutChannels), x, layer.Kernel, layer.Bias);
        Kernels.Conv3x3.Forward(accelerator, x.Data, layer.Weights, y.Data, shape, relu);
        return tape.Record(y, () =>
        {
            if (x.RequiresGradient)
            {
                (ArrayView<float> dx, float beta) = x.Accumulate();
                Kernels.Conv3x3.BackwardData(
                    accelerator, y.Gradient, relu ? y.Data : default, layer.Weights, dx, shape, beta);
            }

            if (!layer.Kernel.RequiresGradient) return;
            using MemoryBuffer<float>? masked = relu ? accelerator.Allocate<float>(shape.OutLength) : null;
            if (masked is not null) Kernels.Relu.Backward(accelerator, y.Gradient, y.Data, masked.View, 0f);
            ArrayView<float> dz = masked?.View ?? y.Gradient;
            (ArrayView<float> dw, float betaW) = layer.Kernel.Accumulate();
            Kernels.Conv3x3.BackwardWeights(accelerator, x.Data, dz, dw, shape, betaW);
            (ArrayView<float> db, float betaB) = layer.Bias.Accumulate();
            Kernels.Conv3x3.BackwardBias(accelerator, dz, db, shape, betaB);
        });
    }
}
