using ILGPU;
using ILGPU.Runtime;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Memory;
using NativeStyle.Kernels.Operators.Reduction;
using NativeStyle.Kernels.Simd;

namespace NativeStyle.Kernels.Operators.TotalVariation;

// Total variation sums a function φ of the differences d of neighbouring pixels. φ is d² (Mahendran and Vedaldi
// 2015, "Understanding deep image representations by inverting them", eq. 6 with beta 2) or |d| (Rudin, Osher and
// Fatemi 1992, in its anisotropic form).
//
//   forward   L = sum over pixels, channels of  a φ(x[r, c+1] - x[r, c]) + b φ(x[r+1, c] - x[r, c])
//                                             + e (φ(x[r+1, c+1] - x[r, c]) + φ(x[r+1, c] - x[r, c+1]))
//   backward  dx[q] = dL sum over the up to eight neighbours n of q of w(q, n) φ'(x[q] - x[n])
//
// The diagonal terms make the nine-point stencil, which treats directions more alike. They are those of a picture
// padded by repeating its border, as in crowsonkb's style-transfer-pytorch: over the edge, a diagonal becomes a
// difference along the border, and each such difference counts twice. Inner leaves out the last row's differences
// across and the last column's differences down, as jcjohnson's neural-style does.

/// <summary>The weights of the differences of neighbouring pixels.</summary>
/// <param name="Across">The weight of a pixel's difference from the one to its right.</param>
/// <param name="Down">The weight of a pixel's difference from the one below.</param>
/// <param name="Diagonal">The weight of a pixel's differences from those below to its right and left.</param>
/// <param name="Norm">The function of the differences.</param>
/// <param name="Border">The differences that count at the last row and column.</param>
public readonly record struct VariationWeights(
    float Across,
    float Down,
    float Diagonal = 0f,
    VariationNorm Norm = VariationNorm.Squared,
    VariationBorder Border = VariationBorder.All);

/// <summary>The function φ of a difference d.</summary>
public enum VariationNorm
{
    /// <summary>d².</summary>
    Squared,

    /// <summary>|d|.</summary>
    Absolute,
}

/// <summary>The differences that are summed up.</summary>
public enum VariationBorder
{
    /// <summary>All of them.</summary>
    All,

    /// <summary>All but the last row's differences across and the last column's differences down.</summary>
    Inner,
}

/// <summary>Total variation of a picture (height, width, channels) in its L1, L2 and nine-point forms.</summary>
public static unsafe class TotalVariationOp
{
    private static readonly Operator<ForwardArguments> s_forward = new Operator<ForwardArguments>(
            "TotalVariation.Forward", a => ($"{a.X.Length}", Work.Each(a.X.Length, 6, 1)))
        .Vectorized(VectorForward)
        .Plain(
            (device, a) => ReductionOp.Steps(
                device, a.X.Length, a.Loss, 1f,
                partials => device.Launch(PartsKernel, partials.Length, a.X, partials, a.Size, a.Weights)));

    private static readonly Operator<BackwardArguments> s_backward = new Operator<BackwardArguments>(
            "TotalVariation.Backward", a => ($"{a.X.Length}", Work.Each(a.X.Length, 9, 2)))
        .Vectorized(VectorBackward)
        .Plain((device, a) => device.Launch(
            BackwardKernel, a.X.Length, a.X, a.GradLoss, a.GradX, a.Size, a.Weights, a.Beta));

    internal readonly record struct PictureSize(int Height, int Width, int Channels)
    {
        public int RowLength => Width * Channels;
    }

    private readonly record struct ForwardArguments(
        ArrayView<float> X, ArrayView<float> Loss, PictureSize Size, VariationWeights Weights);

    private readonly record struct BackwardArguments(
        ArrayView<float> X,
        ArrayView<float> GradLoss,
        ArrayView<float> GradX,
        PictureSize Size,
        VariationWeights Weights,
        float Beta);

    internal static void PartsKernel(
        Index1D part, ArrayView<float> x, ArrayView<float> partials, PictureSize size, VariationWeights weights)
    {
        float sum = 0f;
        for (int i = part; i < x.IntLength; i += partials.IntLength) sum += Terms(x, i, size, weights);
        partials[part] = sum;
    }

    internal static void BackwardKernel(
        Index1D index,
        ArrayView<float> x,
        ArrayView<float> gradLoss,
        ArrayView<float> gradX,
        PictureSize size,
        VariationWeights weights,
        float beta) =>
        Accumulate.Into(ref gradX[index], gradLoss[0] * Slopes(x, index, size, weights), beta);

    /// <summary>loss[0] = the weighted sum of φ of neighbour differences.</summary>
    public static void Forward(
        ComputeDevice device, ArrayView<float> x, ArrayView<float> loss, int height, int width, int channels,
        VariationWeights weights)
    {
        Require.Length(x, (long)height * width * channels, nameof(x));
        Require.Length(loss, 1, nameof(loss));
        s_forward.Run(device, new ForwardArguments(x, loss, new(height, width, channels), weights));
    }

    /// <summary>dx = beta dx + the gradient of <see cref="Forward"/> times dL.</summary>
    public static void Backward(
        ComputeDevice device, ArrayView<float> x, ArrayView<float> gradLoss, ArrayView<float> gradX, int height,
        int width, int channels, VariationWeights weights, float beta)
    {
        Require.Length(x, (long)height * width * channels, nameof(x));
        Require.Length(gradX, x.Length, nameof(gradX));
        Require.Length(gradLoss, 1, nameof(gradLoss));
        s_backward.Run(device, new BackwardArguments(x, gradLoss, gradX, new(height, width, channels), weights, beta));
    }

    private static void VectorForward(CpuDevice cpu, ForwardArguments a) =>
        *a.Loss.Pointer = (float)Rows.SumParts(cpu, a.X.Length, (start, count) =>
        {
            double part = 0;
            for (int i = (int)start; i < start + count; i++) part += Terms(a.X, i, a.Size, a.Weights);
            return part;
        });

    private static void VectorBackward(CpuDevice cpu, BackwardArguments a)
    {
        float* gradX = a.GradX.Pointer;
        float gradLoss = *a.GradLoss.Pointer;
        Rows.ForEachPart(cpu, a.X.Length, (start, count) =>
        {
            for (int i = (int)start; i < start + count; i++)
                Accumulate.Into(ref gradX[i], gradLoss * Slopes(a.X, i, a.Size, a.Weights), a.Beta);
        });
    }

    /// <summary>The sum of the terms whose left or upper element is element i.</summary>
    private static float Terms(ArrayView<float> x, int i, PictureSize size, VariationWeights weights)
    {
        (int rowLength, int channels) = (size.RowLength, size.Channels);
        int row = i / rowLength;
        int column = i % rowLength / channels;
        bool hasRight = column + 1 < size.Width;
        bool hasLower = row + 1 < size.Height;
        float center = x[i];
        float sum = 0f;
        if (hasRight) sum += AcrossWeight(row, size, weights) * Size(x[i + channels] - center, weights.Norm);
        if (hasLower) sum += DownWeight(column, size, weights) * Size(x[i + rowLength] - center, weights.Norm);
        if (weights.Diagonal != 0f && hasRight && hasLower)
        {
            sum += weights.Diagonal * (Size(x[i + rowLength + channels] - center, weights.Norm)
                + Size(x[i + rowLength] - x[i + channels], weights.Norm));
        }

        return sum;
    }

    /// <summary>The gradient of all terms that element i is part of.</summary>
    private static float Slopes(ArrayView<float> x, int i, PictureSize size, VariationWeights weights)
    {
        (int rowLength, int channels) = (size.RowLength, size.Channels);
        int row = i / rowLength;
        int column = i % rowLength / channels;
        bool hasLeft = column > 0;
        bool hasRight = column + 1 < size.Width;
        bool hasUpper = row > 0;
        bool hasLower = row + 1 < size.Height;
        float center = x[i];
        float across = AcrossWeight(row, size, weights);
        float down = DownWeight(column, size, weights);
        float sum = 0f;
        if (hasLeft) sum += across * Slope(center - x[i - channels], weights.Norm);
        if (hasRight) sum += across * Slope(center - x[i + channels], weights.Norm);
        if (hasUpper) sum += down * Slope(center - x[i - rowLength], weights.Norm);
        if (hasLower) sum += down * Slope(center - x[i + rowLength], weights.Norm);
        if (weights.Diagonal != 0f)
        {
            float corners = 0f;
            if (hasUpper && hasLeft) corners += Slope(center - x[i - rowLength - channels], weights.Norm);
            if (hasUpper && hasRight) corners += Slope(center - x[i - rowLength + channels], weights.Norm);
            if (hasLower && hasLeft) corners += Slope(center - x[i + rowLength - channels], weights.Norm);
            if (hasLower && hasRight) corners += Slope(center - x[i + rowLength + channels], weights.Norm);
            sum += weights.Diagonal * corners;
        }

        return sum;
    }

    private static float AcrossWeight(int row, PictureSize size, VariationWeights weights)
    {
        bool last = row + 1 == size.Height;
        int borders = (row == 0 ? 1 : 0) + (last ? 1 : 0);
        return last && weights.Border == VariationBorder.Inner
            ? 0f
            : weights.Across + (2f * borders * weights.Diagonal);
    }

    private static float DownWeight(int column, PictureSize size, VariationWeights weights)
    {
        bool last = column + 1 == size.Width;
        int borders = (column == 0 ? 1 : 0) + (last ? 1 : 0);
        return last && weights.Border == VariationBorder.Inner
            ? 0f
            : weights.Down + (2f * borders * weights.Diagonal);
    }

    /// <summary>φ.</summary>
    private static float Size(float difference, VariationNorm norm) =>
        norm == VariationNorm.Absolute ? MathF.Abs(difference) : difference * difference;

    /// <summary>φ'; at 0 the subgradient of |d| is 0.</summary>
    private static float Slope(float difference, VariationNorm norm)
    {
        float sign = difference > 0f ? 1f : difference < 0f ? -1f : 0f;
        return norm == VariationNorm.Absolute ? sign : 2f * difference;
    }
}
