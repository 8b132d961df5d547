using NativeStyle.Kernels;

namespace NativeStyle.Autodiff;

/// <summary>What a Wasserstein loss compares with: mean, covariance and its square root, computed once.</summary>
public sealed class WassersteinTarget : IDisposable
{
    /// <param name="mean">(n).</param>
    /// <param name="moment">The second moment about zero, (n, n).</param>
    public WassersteinTarget(Tensor mean, Tensor moment)
    {
        Accelerator accelerator = mean.Accelerator;
        Mean = new Tensor(accelerator, mean.Shape);
        Covariance = new Tensor(accelerator, moment.Shape);
        Root = new Tensor(accelerator, moment.Shape);
        VectorOps.Copy(accelerator, Mean.Data, mean.Data);
        Wasserstein.Covariance(accelerator, mean.Data, moment.Data, Covariance.Data);
        Wasserstein.SquareRoot(accelerator, Covariance.Data, Root.Data, mean.Shape[0]);
    }

    internal Tensor Mean { get; }

    internal Tensor Covariance { get; }

    internal Tensor Root { get; }

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
    /// <param name="moment">The second moment about zero, (n, n).</param>
    public static Tensor WassersteinDistance(this Tape tape, Tensor mean, Tensor moment, WassersteinTarget target, float scale)
    {
        Accelerator accelerator = tape.Accelerator;
        Tensor loss = tape.Output(Shape.Scalar, [mean, moment]).Keep();
        MemoryBuffer<float> root = tape.Keep(accelerator.Allocate<float>(moment.Shape.Length));
        using (MemoryBuffer<float> covariance = accelerator.Allocate<float>(moment.Shape.Length))
        {
            Wasserstein.Covariance(accelerator, mean.Data, moment.Data, covariance.View);
            Wasserstein.Forward(
                accelerator, mean.Data, covariance.View, target.Mean.Data, target.Covariance.Data, target.Root.Data, root.View, loss.Data, scale);
        }

        mean.SaveForBackward();
        return tape.Record(loss, () =>
        {
            (ArrayView<float> dMean, float betaMean) = mean.Accumulate();
            (ArrayView<float> dMoment, float betaMoment) = moment.Accumulate();
            Wasserstein.Backward(
                accelerator, mean.Data, target.Mean.Data, target.Root.Data, root.View, loss.Gradient, dMean, betaMean, dMoment, betaMoment, scale);
        });
    }
}
