using ILGPU;
using ILGPU.Runtime;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Memory;
using NativeStyle.Kernels.Operators.MatrixProduct;
using NativeStyle.Kernels.Operators.Reduction;
using NativeStyle.Kernels.Operators.SquaredError;
using NativeStyle.Kernels.Operators.Vectors;

namespace NativeStyle.Kernels.Operators.Wasserstein;

// The squared 2-Wasserstein distance of two normal distributions, per channel (Olkin and Pukelsheim 1982; Vacher and
// Davies 2020; in the form that crowsonkb's style-transfer-pytorch uses). It describes style as mean and covariance of
// the features. A feature map F has the mean m, the second moment M = Fᵀ F / pixels and the covariance
// C = M - m mᵀ + ε I. The target has m' and C'. There are n channels, and S = C'^½:
//
//   forward   L = s / n (‖m - m'‖² + tr(C' + C - 2 A^½))       A = S C S
//   backward  dC = dL s / n (I - S A^-½ S)                      dM = dC
//             dm = dL s / n 2 (m - m') - 2 dC m
//
// Mean and second moment may be about any point, the same for both sides: M - m mᵀ is the same, but in float32 it
// cancels if that point is many deviations away from m. Callers take a point near the target's mean.
//
// Square roots use Newton and Schulz's iteration (Higham 2008, "Functions of matrices", eq. 6.35), from
// Y = A / ‖A‖, Z = I:
//
//   T = (3 I - Z Y) / 2,  Y = Y T,  Z = T Z                     ‖A‖^½ Y → A^½
//
// A^-½ is computed from R = A^½ alone, as the backward pass of the square root would do it. That pass solves the
// Lyapunov equation R X + X R = I, whose solution is X = R^-1 / 2, by the iteration for the matrix sign (Lin and Maji
// 2017, "Improved bilinear pooling with CNNs"), from Q = I / ‖R‖, B = R / ‖R‖:
//
//   T = (3 I - B B) / 2,  Q = Q T,  B = B T                     Q → R^-1
//
// Each iteration takes twelve steps, as crowsonkb's does. They do not yet reach eigenvalues below about 10^-4 of the
// norm. This prevents directions that hardly vary from dominating the gradient. It also is part of the loss: with fewer
// pixels than channels, exact roots would give another loss. ε keeps A regular there.

/// <summary>The Wasserstein-2 loss on mean and second moment, forward and backward.</summary>
public static class WassersteinOp
{
    /// <summary>Added to each variance.</summary>
    public const float Epsilon = 1e-4f;

    private const int Steps = 12;

    private static readonly Operator<CovarianceArguments> s_covariance = new Operator<CovarianceArguments>(
            "Wasserstein.Covariance", a => ($"{a.Mean.Length}", Work.Each(a.Moment.Length, 2, 2)))
        .Plain((device, a) => device.Launch(
            CovarianceKernel, a.Moment.Length, a.Mean, a.Moment, a.Covariance, Epsilon));

    // These are composed of operators that choose their own forms, so they have one form for all devices.
    private static readonly Operator<ForwardArguments> s_forward = new Operator<ForwardArguments>(
            "Wasserstein.Forward", a => ($"{a.Mean.Length}", WorkOf(a.Mean.Length, 3)))
        .Plain(RunForward);

    private static readonly Operator<BackwardArguments> s_backward = new Operator<BackwardArguments>(
            "Wasserstein.Backward", a => ($"{a.Mean.Length}", WorkOf(a.Mean.Length, 2)))
        .Plain(RunBackward);

    private readonly record struct CovarianceArguments(
        ArrayView<float> Mean, ArrayView<float> Moment, ArrayView<float> Covariance);

    private readonly record struct ForwardArguments(
        ArrayView<float> Mean,
        ArrayView<float> Covariance,
        ArrayView<float> TargetMean,
        ArrayView<float> TargetCovariance,
        ArrayView<float> TargetRoot,
        ArrayView<float> Root,
        ArrayView<float> Loss,
        float Scale);

    private readonly record struct BackwardArguments(
        ArrayView<float> Mean,
        ArrayView<float> TargetMean,
        ArrayView<float> TargetRoot,
        ArrayView<float> Root,
        ArrayView<float> GradLoss,
        ArrayView<float> GradMean,
        float BetaMean,
        ArrayView<float> GradMoment,
        float BetaMoment,
        float Scale);

    /// <summary>C = M - m mᵀ + ε I.</summary>
    internal static void CovarianceKernel(
        Index1D index, ArrayView<float> mean, ArrayView<float> moment, ArrayView<float> covariance, float epsilon)
    {
        int n = mean.IntLength;
        int row = index / n;
        int column = index % n;
        covariance[index] = moment[index] - (mean[row] * mean[column]) + (row == column ? epsilon : 0f);
    }

    /// <summary>T = (3 I - P) / 2.</summary>
    internal static void StepKernel(Index1D index, ArrayView<float> product, ArrayView<float> t, int n) =>
        t[index] = 0.5f * ((index / n == index % n ? 3f : 0f) - product[index]);

    /// <summary>y = a I.</summary>
    internal static void IdentityKernel(Index1D index, ArrayView<float> y, int n, float a) =>
        y[index] = index / n == index % n ? a : 0f;

    /// <summary>The diagonal of C' + C - 2 R.</summary>
    internal static void DiagonalKernel(
        Index1D index,
        ArrayView<float> target,
        ArrayView<float> covariance,
        ArrayView<float> root,
        ArrayView<float> diagonal,
        int n)
    {
        int at = index * (n + 1);
        diagonal[index] = target[at] + covariance[at] - (2f * root[at]);
    }

    /// <summary>dM = beta dM + dC with dC = dL scale (I - P).</summary>
    internal static void MomentBackwardKernel(
        Index1D index,
        ArrayView<float> product,
        ArrayView<float> gradLoss,
        ArrayView<float> gradMoment,
        int n,
        float scale,
        float beta)
    {
        float gradient = gradLoss[0] * scale * ((index / n == index % n ? 1f : 0f) - product[index]);
        Accumulate.Into(ref gradMoment[index], gradient, beta);
    }

    /// <summary>dm = beta dm + dL scale 2 (m - m' - (I - P) m).</summary>
    internal static void MeanBackwardKernel(
        Index1D index,
        ArrayView<float> mean,
        ArrayView<float> target,
        ArrayView<float> product,
        ArrayView<float> gradLoss,
        ArrayView<float> gradMean,
        float scale,
        float beta)
    {
        int n = mean.IntLength;
        // m - (I - P) m = P m.
        float sum = -target[index];
        for (int j = 0; j < n; j++) sum += product[(index * n) + j] * mean[j];
        Accumulate.Into(ref gradMean[index], 2f * scale * gradLoss[0] * sum, beta);
    }

    /// <summary>C = M - m mᵀ + ε I.</summary>
    /// <param name="mean">m, (n).</param>
    /// <param name="moment">M, (n, n).</param>
    public static void Covariance(
        ComputeDevice device, ArrayView<float> mean, ArrayView<float> moment, ArrayView<float> covariance) =>
        s_covariance.Run(device, new CovarianceArguments(mean, moment, covariance));

    /// <summary>root = A^½ of a symmetric positive matrix (n, n).</summary>
    public static void SquareRoot(ComputeDevice device, ArrayView<float> a, ArrayView<float> root, int n)
    {
        float norm = VectorOps.Norm(device, a);
        Iterate(device, a, root, n, norm, inverse: false);
        VectorOps.Scale(device, root, MathF.Sqrt(norm));
    }

    /// <summary>inverse = R^-1 of a symmetric positive matrix (n, n).</summary>
    public static void Inverse(ComputeDevice device, ArrayView<float> r, ArrayView<float> inverse, int n)
    {
        float norm = VectorOps.Norm(device, r);
        Iterate(device, r, inverse, n, norm, inverse: true);
        if (norm > 0) VectorOps.Scale(device, inverse, 1f / norm);
    }

    /// <summary>
    /// Runs either iteration on the matrix divided by its norm. The root uses Y and Z as above, and is Y. The inverse
    /// uses B and Q in their places, and is Q.
    /// </summary>
    private static void Iterate(
        ComputeDevice device, ArrayView<float> matrix, ArrayView<float> result, int n, float norm, bool inverse)
    {
        using DeviceBuffer<float> t = device.Allocate<float>(matrix.Length);
        using DeviceBuffer<float> product = device.Allocate<float>(matrix.Length);
        using DeviceBuffer<float> first = device.Allocate<float>(matrix.Length);
        using DeviceBuffer<float> second = device.Allocate<float>(matrix.Length);
        using DeviceBuffer<float> third = device.Allocate<float>(matrix.Length);
        (ArrayView<float> y, ArrayView<float> z, ArrayView<float> next) = (first.View, second.View, third.View);
        VectorOps.Copy(device, y, matrix);
        if (norm > 0) VectorOps.Scale(device, y, 1f / norm);
        device.Launch(IdentityKernel, matrix.Length, z, n, 1f);
        for (int step = 0; step < Steps; step++)
        {
            MatrixProductOp.Square(device, inverse ? y : z, y, product.View, n);
            device.Launch(StepKernel, matrix.Length, product.View, t.View, n);
            bool last = step == Steps - 1;
            if (inverse || !last)
            {
                MatrixProductOp.Square(device, inverse ? z : t.View, inverse ? t.View : z, next, n);
                (z, next) = (next, z);
            }

            if (inverse && last) break;
            MatrixProductOp.Square(device, y, t.View, next, n);
            (y, next) = (next, y);
        }

        VectorOps.Copy(device, result, inverse ? z : y);
    }

    /// <summary>
    /// loss[0] = scale / n (‖m - m'‖² + tr(C' + C - 2 R)). Leaves R = (S C S)^½ in <paramref name="root"/>.
    /// </summary>
    /// <param name="mean">m, (n).</param>
    /// <param name="covariance">C, (n, n), from <see cref="Covariance"/>.</param>
    /// <param name="targetMean">m', (n).</param>
    /// <param name="targetCovariance">C', (n, n).</param>
    /// <param name="targetRoot">S = C'^½, (n, n).</param>
    /// <param name="root">R, (n, n), for backward.</param>
    public static void Forward(
        ComputeDevice device, ArrayView<float> mean, ArrayView<float> covariance, ArrayView<float> targetMean,
        ArrayView<float> targetCovariance, ArrayView<float> targetRoot, ArrayView<float> root, ArrayView<float> loss,
        float scale)
    {
        s_forward.Run(
            device,
            new ForwardArguments(mean, covariance, targetMean, targetCovariance, targetRoot, root, loss, scale));
    }

    /// <summary>dM = betaMoment dM + ..., dm = betaMean dm + ..., as above.</summary>
    /// <param name="root">R from <see cref="Forward"/>.</param>
    public static void Backward(
        ComputeDevice device, ArrayView<float> mean, ArrayView<float> targetMean, ArrayView<float> targetRoot,
        ArrayView<float> root, ArrayView<float> gradLoss, ArrayView<float> gradMean, float betaMean,
        ArrayView<float> gradMoment, float betaMoment, float scale)
    {
        s_backward.Run(
            device,
            new BackwardArguments(
                mean, targetMean, targetRoot, root, gradLoss, gradMean, betaMean, gradMoment, betaMoment, scale));
    }

    private static Work WorkOf(long n, int products) => new((products + (3 * Steps)) * 2.0 * n * n * n, 4.0 * n * n);

    private static void RunForward(ComputeDevice device, ForwardArguments a)
    {
        int n = a.Mean.IntLength;
        using DeviceBuffer<float> half = device.Allocate<float>(a.Covariance.Length);
        using DeviceBuffer<float> product = device.Allocate<float>(a.Covariance.Length);
        MatrixProductOp.Square(device, a.TargetRoot, a.Covariance, half.View, n);
        MatrixProductOp.Square(device, half.View, a.TargetRoot, product.View, n);
        SquareRoot(device, product.View, a.Root, n);
        using DeviceBuffer<float> diagonal = device.Allocate<float>(n), trace = device.Allocate<float>(1);
        device.Launch(DiagonalKernel, n, a.TargetCovariance, a.Covariance, a.Root, diagonal.View, n);
        ReductionOp.Sum(device, diagonal.View, trace.View, a.Scale / n);
        SquaredErrorOp.Forward(device, a.Mean, a.TargetMean, a.Loss, a.Scale / n);
        VectorOps.Axpy(device, a.Loss, trace.View, 1f);
    }

    private static void RunBackward(ComputeDevice device, BackwardArguments a)
    {
        int n = a.Mean.IntLength;
        using DeviceBuffer<float> half = device.Allocate<float>(a.Root.Length);
        using DeviceBuffer<float> product = device.Allocate<float>(a.Root.Length);
        Inverse(device, a.Root, product.View, n);
        MatrixProductOp.Square(device, a.TargetRoot, product.View, half.View, n);
        MatrixProductOp.Square(device, half.View, a.TargetRoot, product.View, n);
        device.Launch(
            MomentBackwardKernel, a.Root.Length, product.View, a.GradLoss, a.GradMoment, n, a.Scale / n, a.BetaMoment);
        device.Launch(
            MeanBackwardKernel, n, a.Mean, a.TargetMean, product.View, a.GradLoss, a.GradMean, a.Scale / n, a.BetaMean);
    }
}
