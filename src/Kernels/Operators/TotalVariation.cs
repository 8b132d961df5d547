namespace NativeStyle.Kernels;

// Total variation: differences d of neighbouring pixels under a function φ, which is d² (Mahendran and Vedaldi 2015,
// "Understanding deep image representations by inverting them", eq. 6 with beta 2) or |d| (Rudin, Osher and Fatemi 1992,
// in its anisotropic form).
//
//   forward   L = sum over pixels, channels of  a φ(x[r, c+1] - x[r, c]) + b φ(x[r+1, c] - x[r, c])
//                                             + e (φ(x[r+1, c+1] - x[r, c]) + φ(x[r+1, c] - x[r, c+1]))
//   backward  dx[q] = dL sum over the up to eight neighbours n of q of w(q, n) φ'(x[q] - x[n])
//
// The diagonal terms make the nine-point stencil, which treats directions more alike. They are those of a picture padded
// by repeating its border, as in crowsonkb's style-transfer-pytorch: over the edge a diagonal becomes a difference along
// the border, twice for each. Inner leaves out the last row's differences across and the last column's down, as
// jcjohnson's neural-style does.

/// <summary>What differences of neighbouring pixels count.</summary>
/// <param name="Across">Of a pixel and the one to its right.</param>
/// <param name="Down">Of a pixel and the one below.</param>
/// <param name="Diagonal">Of a pixel and those below to its right and left.</param>
/// <param name="Absolute">|d| instead of d².</param>
/// <param name="Inner">Without the last row's differences across and the last column's down.</param>
public readonly record struct VariationWeights(
    float Across, float Down, float Diagonal = 0f, bool Absolute = false, bool Inner = false);

/// <summary>Total variation of a picture (height, width, channels) in its L1, L2 and nine-point forms.</summary>
public static class TotalVariation
{
    [Kernel]
    public static void PartsKernel(
        Index1D part, ArrayView<float> x, ArrayView<float> partials, int height, int width, int channels, float across,
        float down, float diagonal, int absolute, int inner)
    {
        int length = height * width * channels;
        float sum = 0f;
        for (int i = part; i < length; i += Reduction.Parts)
            sum += Terms(x, i, height, width, channels, across, down, diagonal, absolute, inner);
        partials[part] = sum;
    }

    [Kernel]
    public static void BackwardKernel(
        Index1D index, ArrayView<float> x, ArrayView<float> gradLoss, ArrayView<float> gradX, int height, int width,
        int channels, float across, float down, float diagonal, int absolute, int inner, float beta)
    {
        int rowLength = width * channels;
        int row = index / rowLength;
        int column = index % rowLength / channels;
        float center = x[index];
        float sum = 0f;
        float wAcross = AcrossWeight(row, height, across, diagonal, inner);
        float wDown = DownWeight(column, width, down, diagonal, inner);
        if (column > 0) sum += wAcross * Slope(center - x[index - channels], absolute);
        if (column + 1 < width) sum += wAcross * Slope(center - x[index + channels], absolute);
        if (row > 0) sum += wDown * Slope(center - x[index - rowLength], absolute);
        if (row + 1 < height) sum += wDown * Slope(center - x[index + rowLength], absolute);
        if (diagonal != 0f)
        {
            float corners = 0f;
            if (row > 0 && column > 0) corners += Slope(center - x[index - rowLength - channels], absolute);
            if (row > 0 && column + 1 < width) corners += Slope(center - x[index - rowLength + channels], absolute);
            if (row + 1 < height && column > 0) corners += Slope(center - x[index + rowLength - channels], absolute);
            if (row + 1 < height && column + 1 < width) corners += Slope(center - x[index + rowLength + channels], absolute);
            sum += diagonal * corners;
        }

        float gradient = gradLoss[0] * sum;
        gradX[index] = beta == 0f ? gradient : (beta * gradX[index]) + gradient;
    }

    /// <summary>loss[0] = the weighted sum of φ of neighbour differences.</summary>
    public static void Forward(
        Accelerator accelerator, ArrayView<float> x, ArrayView<float> loss, int height, int width, int channels,
        VariationWeights weights)
    {
        Require.Length(x, (long)height * width * channels, nameof(x));
        Require.Length(loss, 1, nameof(loss));
        using Profiler.Scope scope = accelerator.Measure("TotalVariation.Forward", x.Length, 6, 1);
        (float across, float down, float diagonal) = (weights.Across, weights.Down, weights.Diagonal);
        (int absolute, int inner) = (weights.Absolute ? 1 : 0, weights.Inner ? 1 : 0);
        if (accelerator is CpuAccelerator { Path: CpuPath.Vectorized } cpu)
        {
            double sum = Rows.SumParts(cpu, x.Length, (start, count) =>
            {
                double part = 0;
                for (int i = (int)start; i < start + count; i++)
                    part += Terms(x, i, height, width, channels, across, down, diagonal, absolute, inner);
                return part;
            });
            VectorOps.Fill(accelerator, loss, (float)sum);
            return;
        }

        Reduction.TwoSteps(accelerator, loss, 1f, partials => accelerator.Launch(
            PartsKernel, (Index1D)Reduction.Parts, x, partials, height, width, channels, across, down, diagonal, absolute, inner));
    }

    /// <summary>dx = beta dx + the gradient of <see cref="Forward"/> times dL.</summary>
    public static void Backward(
        Accelerator accelerator, ArrayView<float> x, ArrayView<float> gradLoss, ArrayView<float> gradX, int height,
        int width, int channels, VariationWeights weights, float beta)
    {
        Require.Length(x, (long)height * width * channels, nameof(x));
        Require.Length(gradX, x.Length, nameof(gradX));
        Require.Length(gradLoss, 1, nameof(gradLoss));
        using Profiler.Scope scope = accelerator.Measure("TotalVariation.Backward", x.Length, 9, 2);
        (float across, float down, float diagonal) = (weights.Across, weights.Down, weights.Diagonal);
        (int absolute, int inner) = (weights.Absolute ? 1 : 0, weights.Inner ? 1 : 0);
        if (accelerator is CpuAccelerator { Path: CpuPath.Vectorized } cpu)
        {
            Rows.ForEachRange(cpu, x.Length, (start, end) =>
            {
                for (int i = start; i < end; i++)
                    BackwardKernel(i, x, gradLoss, gradX, height, width, channels, across, down, diagonal, absolute, inner, beta);
            });
            return;
        }

        accelerator.Launch(
            BackwardKernel, (Index1D)x.IntLength, x, gradLoss, gradX, height, width, channels, across, down, diagonal, absolute,
            inner, beta);
    }

    /// <summary>The terms whose left or upper element is element i.</summary>
    private static float Terms(
        ArrayView<float> x, int i, int height, int width, int channels, float across, float down, float diagonal,
        int absolute, int inner)
    {
        int rowLength = width * channels;
        int row = i / rowLength;
        int column = i % rowLength / channels;
        float sum = 0f;
        if (column + 1 < width)
            sum += AcrossWeight(row, height, across, diagonal, inner) * Size(x[i + channels] - x[i], absolute);
        if (row + 1 < height)
            sum += DownWeight(column, width, down, diagonal, inner) * Size(x[i + rowLength] - x[i], absolute);
        if (diagonal != 0f && column + 1 < width && row + 1 < height)
        {
            sum += diagonal * (Size(x[i + rowLength + channels] - x[i], absolute)
                + Size(x[i + rowLength] - x[i + channels], absolute));
        }

        return sum;
    }

    private static float AcrossWeight(int row, int height, float across, float diagonal, int inner)
    {
        int borders = (row == 0 ? 1 : 0) + (row + 1 == height ? 1 : 0);
        return inner != 0 && row + 1 == height ? 0f : across + (2f * borders * diagonal);
    }

    private static float DownWeight(int column, int width, float down, float diagonal, int inner)
    {
        int borders = (column == 0 ? 1 : 0) + (column + 1 == width ? 1 : 0);
        return inner != 0 && column + 1 == width ? 0f : down + (2f * borders * diagonal);
    }

    /// <summary>φ.</summary>
    private static float Size(float difference, int absolute) =>
        absolute != 0 ? MathF.Abs(difference) : difference * difference;

    /// <summary>φ'; at 0 the subgradient 0 of |d|.</summary>
    private static float Slope(float difference, int absolute)
    {
        float sign = difference > 0f ? 1f : difference < 0f ? -1f : 0f;
        return absolute != 0 ? sign : 2f * difference;
    }
}
