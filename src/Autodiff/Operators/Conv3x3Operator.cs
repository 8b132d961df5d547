using ILGPU;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Memory;
using NativeStyle.Kernels.Operators.Conv3x3;
using NativeStyle.Kernels.Operators.Pool2x2;

namespace NativeStyle.Autodiff.Operators;

/// <summary>The weights of a convolution as tensors. Frozen weights cost no gradient.</summary>
public sealed class Conv3x3Layer : IDisposable
{
    /// <param name="kernel">(3, 3, in, out).</param>
    /// <param name="bias">(out).</param>
    /// <param name="frozen">
    /// Whether the weights never change. Then only gradients with respect to data are computed.
    /// </param>
    public Conv3x3Layer(ComputeDevice device, ReadOnlySpan<float> kernel, ReadOnlySpan<float> bias, bool frozen)
        : this(device, new Conv3x3Weights(device, kernel, bias), frozen)
    {
    }

    /// <summary>
    /// Frozen weights of undefined values. Rehearsals use them, because only their memory counts there.
    /// </summary>
    public Conv3x3Layer(ComputeDevice device, int inChannels, int outChannels)
        : this(device, new Conv3x3Weights(device, inChannels, outChannels), frozen: true)
    {
    }

    private Conv3x3Layer(ComputeDevice device, Conv3x3Weights weights, bool frozen)
    {
        Weights = weights;
        Filter = new Tensor(
            device, new Shape(3, 3, Weights.InChannels, Weights.OutChannels), Weights.Filter, !frozen).Retain();
        Bias = new Tensor(device, new Shape(Weights.OutChannels), Weights.Bias, !frozen).Retain();
    }

    /// <summary>The filters, (3, 3, in, out).</summary>
    public Tensor Filter { get; }

    /// <summary>The bias, (out).</summary>
    public Tensor Bias { get; }

    internal Conv3x3Weights Weights { get; }

    /// <summary>Must be called after an optimiser has changed the kernel.</summary>
    public void Changed() => Weights.Invalidate();

    /// <summary>Gives the memory back.</summary>
    public void Dispose()
    {
        Filter.Dispose();
        Bias.Dispose();
        Weights.Dispose();
    }
}

/// <summary>3x3 convolution with bias, and optionally with ReLU and pooling, on the tape.</summary>
public static class Conv3x3Operator
{
    /// <summary>y = pool(relu(conv(x, w) + b)). The shape is (height, width, out), or that after pooling.</summary>
    /// <param name="x">(height, width, in).</param>
    /// <param name="pooling">It is fused into the convolution: the unpooled map is never in memory.</param>
    public static Tensor Conv3x3(
        this Tape tape, Tensor x, Conv3x3Layer layer, bool relu = true, Padding padding = Padding.Zero,
        Pooling pooling = Pooling.None, PoolEdge edge = PoolEdge.Floor)
    {
        ComputeDevice device = tape.Device;
        (int height, int width, int channels) = x.Shape;
        var shape = new Conv3x3Shape(height, width, channels, layer.Weights.OutChannels, padding, relu, pooling, edge);
        Shape outShape = pooling == Pooling.None
            ? new Shape(height, width, shape.OutChannels)
            : new Shape(shape.PoolShape.OutHeight, shape.PoolShape.OutWidth, shape.OutChannels);
        Tensor y = tape.Output(outShape, [x, layer.Filter, layer.Bias]);
        DeviceBuffer<uint>? gate = relu && y.RequiresGradient
            ? tape.Own(device.Allocate<uint>(shape.GateLength, Lifetime.Pass)) : null;
        Conv3x3Op.Forward(device, x.Data, layer.Weights, y.Data, gate?.View ?? default, shape);
        if (layer.Filter.RequiresGradient) x.SaveForBackward();
        return tape.Record(y, () =>
        {
            ArrayView<uint> open = gate?.View ?? default;
            if (x.RequiresGradient)
            {
                (ArrayView<float> dx, float beta) = x.Accumulate();
                Conv3x3Op.BackwardData(device, y.Gradient, open, layer.Weights, dx, shape, beta);
            }

            if (layer.Filter.RequiresGradient)
            {
                // dz = dL/dz of z = conv(x, w) + b, before the activation. Without ReLU, z is y and dz is y.Gradient.
                using DeviceBuffer<float>? gradPreactivation =
                    relu ? device.Allocate<float>(shape.PreactivationLength) : null;
                if (gradPreactivation is not null)
                    Conv3x3Op.BackwardEnd(device, y.Gradient, open, gradPreactivation.View, shape);
                ArrayView<float> dz = gradPreactivation?.View ?? y.Gradient;
                (ArrayView<float> dw, float betaW) = layer.Filter.Accumulate();
                Conv3x3Op.BackwardWeights(device, x.Data, dz, dw, shape, betaW);
                (ArrayView<float> db, float betaB) = layer.Bias.Accumulate();
                Conv3x3Op.BackwardBias(device, dz, db, shape, betaB);
            }

            gate?.Dispose();
        });
    }
}
