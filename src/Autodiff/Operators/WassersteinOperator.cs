using ILGPU;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Memory;
using NativeStyle.Kernels.Operators.Vectors;
using NativeStyle.Kernels.Operators.Wasserstein;

namespace NativeStyle.Autodiff.Operators;

/// <summary>The target of a Wasserstein loss: mean, covariance and its square root, computed once.</summary>
public sealed class WassersteinTarget : IDisposable
{
    /// <param name="mean">(n).</param>
    /// <param name="moment">The second moment, (n, n), about the same point as the mean.</param>
    public WassersteinTarget(Tensor mean, Tensor moment)
    {
        ComputeDevice device = mean.Device;
        Mean = new Tensor(device, mean.Shape);
        try
        {
            Covariance = new Tensor(device, moment.Shape);
            Root = new Tensor(device, moment.Shape);
            VectorOps.Copy(device, Mean.Data, mean.Data);
            WassersteinOp.Covariance(device, mean.Data, moment.Data, Covariance.Data);
            WassersteinOp.SquareRoot(device, Covariance.Data, Root.Data, mean.Shape[0]);
        }
        catch
        {
            Mean.Dispose();
            Covariance?.Dispose();
            Root?.Dispose();
            throw;
        }
    }

    internal Tensor Mean { get; }

    internal Tensor Covariance { get; }

    internal Tensor Root { get; }

    /// <summary>Gives the memory back.</summary>
    public void Dispose()
    {
        Mean.Dispose();
        Covariance.Dispose();
        Root.Dispose();
    }
}

/// <summary>The Wasserstein-2 loss on the tape.</summary>
public static class WassersteinOperator
{
    /// <summary>L = scale / n (‖m - m'‖² + tr(C' + C - 2 (C'^½ C C'^½)^½)).</summary>
    /// <param name="mean">m, (n).</param>
    /// <param name="moment">
    /// The second moment, (n, n). Mean and moment are about one point, and so are the target's (see
    /// <see cref="StatisticsOperators.Centre"/>). Float32 loses no digits that matter if it is near the target's mean.
    /// </param>
    public static Tensor WassersteinDistance(
        this Tape tape, Tensor mean, Tensor moment, WassersteinTarget target, float scale)
    {
        ComputeDevice device = tape.Device;
        Tensor loss = tape.Output(Shape.Scalar, [mean, moment]).Retain();
        DeviceBuffer<float> root = tape.Own(device.Allocate<float>(moment.Shape.Length));
        using (DeviceBuffer<float> covariance = device.Allocate<float>(moment.Shape.Length))
        {
            WassersteinOp.Covariance(device, mean.Data, moment.Data, covariance.View);
            WassersteinOp.Forward(
                device, mean.Data, covariance.View, target.Mean.Data, target.Covariance.Data, target.Root.Data,
                root.View, loss.Data, scale);
        }

        mean.SaveForBackward();
        return tape.Record(loss, () =>
        {
            (ArrayView<float> dMean, float betaMean) = mean.Accumulate();
            (ArrayView<float> dMoment, float betaMoment) = moment.Accumulate();
            WassersteinOp.Backward(
                device, mean.Data, target.Mean.Data, target.Root.Data, root.View, loss.Gradient, dMean, betaMean,
                dMoment, betaMoment, scale);
        });
    }
}
