namespace NativeStyle.Kernels;

// The squared 2-Wasserstein distance of two normal distributions, per channel (Olkin and Pukelsheim 1982; Vacher and Davies
// 2020; as crowsonkb's style-transfer-pytorch uses it): style as mean and covariance of the features. With the mean m and
// second moment M = Fᵀ F / pixels of a feature map F, the covariance C = M - m mᵀ + ε I, the target's m' and C', n channels
// and S = C'^½:
//
//   forward   L = s / n (‖m - m'‖² + tr(C' + C - 2 A^½))       A = S C S
//   backward  dC = dL s / n (I - S A^-½ S)                      dM = dC
//             dm = dL s / n 2 (m - m') - 2 dC m
//
// Square roots are Newton and Schulz's iteration (Higham 2008, "Functions of matrices", eq. 6.35), from Y = A / ‖A‖, Z = I:
//
//   T = (3 I - Z Y) / 2,  Y = Y T,  Z = T Z                     ‖A‖^½ Y → A^½
//
// and A^-½ is found from R = A^½ alone, as its own backward pass would (the Lyapunov equation R X + X R = I, whose solution
// is X = R^-1 / 2, by the iteration for the matrix sign; Lin and Maji 2017, "Improved bilinear pooling with CNNs"), from
// Q = I / ‖R‖, B = R / ‖R‖:
//
//   T = (3 I - B B) / 2,  Q = Q T,  B = B T                     Q → R^-1
//
// Twelve steps of each: eigenvalues below about 10^-4 of the norm are not yet reached, which keeps directions that hardly
// vary from ruling the gradient. ε keeps A regular where there are fewer pixels than channels.

/// <summary>The Wasserstein-2 loss on mean and second moment, forward and backward.</summary>
public static class Wasserstein
{
    /// <summary>Added to each variance.</summary>
    public const float Epsilon = 1e-4f;

    private const int Steps = 12;

    /// <summary>C = M - m mᵀ + ε I.</summary>
    [Kernel]
    public static void CovarianceKernel(
        Index1D index, ArrayView<float> mean, ArrayView<float> moment, ArrayView<float> covariance, int n, float epsilon)
    {
        int row = index / n;
        int column = index % n;
        covariance[index] = moment[index] - (mean[row] * mean[column]) + (row == column ? epsilon : 0f);
    }

    /// <summary>T = (3 I - P) / 2.</summary>
    [Kernel]
    public static void StepKernel(Index1D index, ArrayView<float> product, ArrayView<float> t, int n) =>
        t[index] = 0.5f * ((index / n == index % n ? 3f : 0f) - product[index]);

    /// <summary>y = a I.</summary>
    [Kernel]
    public static void IdentityKernel(Index1D index, ArrayView<float> y, int n, float a) =>
        y[index] = index / n == index % n ? a : 0f;

    /// <summary>The diagonal of C' + C - 2 R.</summary>
    [Kernel]
    public static void DiagonalKernel(
        Index1D index, ArrayView<float> target, ArrayView<float> covariance, ArrayView<float> root, ArrayView<float> diagonal, int n)
    {
        int at = index * (n + 1);
        diagonal[index] = target[at] + covariance[at] - (2f * root[at]);
    }

    /// <summary>dM = beta dM + dC with dC = dL scale (I - P).</summary>
    [Kernel]
    public static void MomentBackwardKernel(
        Index1D index, ArrayView<float> product, ArrayView<float> gradLoss, ArrayView<float> gradMoment, int n, float scale, float beta)
    {
        float gradient = gradLoss[0] * scale * ((index / n == index % n ? 1f : 0f) - product[index]);
        gradMoment[index] = beta == 0f ? gradient : (beta * gradMoment[index]) + gradient;
    }

    /// <summary>dm = beta dm + dL scale 2 (m - m' - (I - P) m).</summary>
    [Kernel]
    public static void MeanBackwardKernel(
        Index1D index, ArrayView<float> mean, ArrayView<float> target, ArrayView<float> product, ArrayView<float> gradLoss,
        ArrayView<float> gradMean, int n, float scale, float beta)
    {
        // m - (I - P) m = P m.
        float sum = -target[index];
        for (int j = 0; j < n; j++) sum += product[(index * n) + j] * mean[j];
        float gradient = 2f * scale * gradLoss[0] * sum;
        gradMean[index] = beta == 0f ? gradient : (beta * gradMean[index]) + gradient;
    }

    /// <summary>C = M - m mᵀ + ε I.</summary>
    /// <param name="mean">m, (n).</param>
    /// <param name="moment">M, (n, n).</param>
    public static void Covariance(Accelerator accelerator, ArrayView<float> mean, ArrayView<float> moment, ArrayView<float> covariance) =>
        accelerator.Launch(CovarianceKernel, (Index1D)moment.IntLength, mean, moment, covariance, mean.IntLength, Epsilon);

    /// <summary>root = A^½ of a symmetric positive matrix (n, n).</summary>
    public static void SquareRoot(Accelerator accelerator, ArrayView<float> a, ArrayView<float> root, int n)
    {
        float norm = VectorOps.Norm(accelerator, a);
        Iterate(accelerator, a, root, n, norm, inverse: false);
        VectorOps.Scale(accelerator, root, MathF.Sqrt(norm));
    }

    /// <summary>inverse = R^-1 of a symmetric positive matrix (n, n).</summary>
    public static void Inverse(Accelerator accelerator, ArrayView<float> r, ArrayView<float> inverse, int n)
    {
        float norm = VectorOps.Norm(accelerator, r);
        Iterate(accelerator, r, inverse, n, norm, inverse: true);
        if (norm > 0) VectorOps.Scale(accelerator, inverse, 1f / norm);
    }

    /// <summary>
    /// Both iterations, of the matrix divided by its norm: Y, Z as above for the root, which is Y; B, Q in their places for the
    /// inverse, which is Q.
    /// </summary>
    private static void Iterate(Accelerator accelerator, ArrayView<float> matrix, ArrayView<float> result, int n, float norm, bool inverse)
    {
        using Profiler.Scope scope = accelerator.Measure("Wasserstein.Iterate", $"{n}", new Work(6.0 * Steps * n * n * n, 4.0 * n * n, 2));
        using MemoryBuffer<float> t = accelerator.Allocate<float>(matrix.Length), product = accelerator.Allocate<float>(matrix.Length);
        MemoryBuffer<float> y = accelerator.Allocate<float>(matrix.Length), z = accelerator.Allocate<float>(matrix.Length), next = accelerator.Allocate<float>(matrix.Length);
        VectorOps.Copy(accelerator, y.View, matrix);
        if (norm > 0) VectorOps.Scale(accelerator, y.View, 1f / norm);
        accelerator.Launch(IdentityKernel, (Index1D)matrix.IntLength, z.View, n, 1f);
        for (int step = 0; step < Steps; step++)
        {
            MatrixMultiply.Square(accelerator, inverse ? y.View : z.View, y.View, product.View, n);
            accelerator.Launch(StepKernel, (Index1D)matrix.IntLength, product.View, t.View, n);
            bool last = step == Steps - 1;
            if (inverse || !last)
            {
                MatrixMultiply.Square(accelerator, inverse ? z.View : t.View, inverse ? t.View : z.View, next.View, n);
                (z, next) = (next, z);
            }

            if (inverse && last) break;
            MatrixMultiply.Square(accelerator, y.View, t.View, next.View, n);
            (y, next) = (next, y);
        }

        VectorOps.Copy(accelerator, result, inverse ? z.View : y.View);
        y.Dispose();
        z.Dispose();
        next.Dispose();
    }

    /// <summary>loss[0] = scale / n (‖m - m'‖² + tr(C' + C - 2 R)), with R = (S C S)^½ left in <paramref name="root"/>.</summary>
    /// <param name="mean">m, (n).</param>
    /// <param name="covariance">C, (n, n), of <see cref="Covariance"/>.</param>
    /// <param name="targetMean">m', (n).</param>
    /// <param name="targetCovariance">C', (n, n).</param>
    /// <param name="targetRoot">S = C'^½, (n, n).</param>
    /// <param name="root">R, (n, n), for backward.</param>
    public static void Forward(
        Accelerator accelerator, ArrayView<float> mean, ArrayView<float> covariance, ArrayView<float> targetMean,
        ArrayView<float> targetCovariance, ArrayView<float> targetRoot, ArrayView<float> root, ArrayView<float> loss, float scale)
    {
        int n = mean.IntLength;
        using MemoryBuffer<float> half = accelerator.Allocate<float>(covariance.Length), a = accelerator.Allocate<float>(covariance.Length);
        MatrixMultiply.Square(accelerator, targetRoot, covariance, half.View, n);
        MatrixMultiply.Square(accelerator, half.View, targetRoot, a.View, n);
        SquareRoot(accelerator, a.View, root, n);
        using MemoryBuffer<float> diagonal = accelerator.Allocate<float>(n), trace = accelerator.Allocate<float>(1);
        accelerator.Launch(DiagonalKernel, (Index1D)n, targetCovariance, covariance, root, diagonal.View, n);
        Reduction.Sum(accelerator, diagonal.View, trace.View, scale / n);
        SquaredError.Forward(accelerator, mean, targetMean, loss, scale / n);
        VectorOps.Axpy(accelerator, loss, trace.View, 1f);
    }

    /// <summary>dM = betaMoment dM + ..., dm = betaMean dm + ..., as above.</summary>
    /// <param name="root">R of <see cref="Forward"/>.</param>
    public static void Backward(
        Accelerator accelerator, ArrayView<float> mean, ArrayView<float> targetMean, ArrayView<float> targetRoot, ArrayView<float> root,
        ArrayView<float> gradLoss, ArrayView<float> gradMean, float betaMean, ArrayView<float> gradMoment, float betaMoment, float scale)
    {
        int n = mean.IntLength;
        using MemoryBuffer<float> half = accelerator.Allocate<float>(root.Length), product = accelerator.Allocate<float>(root.Length);
        Inverse(accelerator, root, product.View, n);
        MatrixMultiply.Square(accelerator, targetRoot, product.View, half.View, n);
        MatrixMultiply.Square(accelerator, half.View, targetRoot, product.View, n);
        accelerator.Launch(MomentBackwardKernel, (Index1D)root.IntLength, product.View, gradLoss, gradMoment, n, scale / n, betaMoment);
        accelerator.Launch(MeanBackwardKernel, (Index1D)n, mean, targetMean, product.View, gradLoss, gradMean, n, scale / n, betaMean);
    }
}
