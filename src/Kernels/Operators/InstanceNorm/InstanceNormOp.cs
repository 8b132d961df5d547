using ILGPU;
using ILGPU.Runtime;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Memory;
using NativeStyle.Kernels.Operators.Expand;
using NativeStyle.Kernels.Operators.Reduction;

namespace NativeStyle.Kernels.Operators.InstanceNorm;

// Instance normalisation (Ulyanov, Vedaldi and Lempitsky 2016, eq. 3): each channel c of a map x of n pixels p gets the
// mean shift[c] and the deviation scale[c], over the positions of this map alone.
//
//   statistics  m = 1/n sum over p of x[p]        M = sum over p of (x[p] - m)²        r = (M / n + eps)^-1/2
//   forward     x^ = (x - m) r        z = scale x^ + shift        y = expand(act(z) + residual)
//   backward    g = dz = act'(z) expand^T(dy)     dshift = sum over p of g             dscale = sum over p of g x^
//               dx = scale r (g - dshift / n - x^ dscale / n)
//
// The last line is batch normalisation's (Ioffe and Szegedy 2015, section 3). x[q] is in x^[p] directly and through m
// and r. With dm/dx[q] = 1/n and dr/dx[q] = -r³ (x[q] - m) / n = -r² x^[q] / n,
//
//   dx^[p]/dx[q] = r (1 if p = q, else 0) - r / n - (x[p] - m) r² x^[q] / n = r ((1 if p = q) - 1/n - x^[p] x^[q] / n)
//
// Multiplied by scale g[p] and summed over p, this is dx[q].
//
// A map is cut into pieces that stay in a core's cache while their mean and then their deviations from it are summed.
// Pieces k of n_k pixels are combined by Chan, Golub and LeVeque's formula (1983, "Algorithms for computing the sample
// variance"): m = sum of n_k m_k / n, M = sum of M_k + n_k (m_k - m)². Nothing of the size of m² is ever subtracted.

/// <summary>Instance normalisation with what surrounds it in feed-forward networks, forward and backward.</summary>
public static partial class InstanceNormOp
{
    /// <summary>What is added to the variance, so that a constant channel has a finite factor.</summary>
    public const float Epsilon = 1e-5f;

    /// <summary>
    /// Elements of a piece, which fit in a core's first cache. Their number decides the order of the additions.
    /// </summary>
    private const int PieceElements = 8192;

    /// <summary>Pieces, or sums of pieces, that are combined at a time.</summary>
    private const int Fan = 32;

    private static readonly Operator<StatisticsArguments> s_statistics = new Operator<StatisticsArguments>(
            "InstanceNorm.Statistics", a => ($"{a.X.Length}", Work.Each(a.X.Length, 4, 1)))
        .Vectorized((cpu, a) => CombinePieces(
            cpu, a, (moments, shape) => InstanceNormCpu.PieceMoments(cpu, a.X, moments, shape)))
        .Plain((device, a) => CombinePieces(device, a, (moments, shape) => device.Launch(
            PieceMomentsKernel, (long)shape.Pieces * shape.Channels, a.X, moments, shape)));

    private static readonly Operator<FactorsArguments> s_factors = new Operator<FactorsArguments>(
            "InstanceNorm.Factors", a => ($"{a.Scale.Length}", Work.Each(a.Scale.Length, 4, 8)))
        .Plain((device, a) => device.Launch(
            FactorsKernel, a.Scale.Length, a.Moments, a.Scale, a.Shift, a.Factors, a.Pixels));

    private static readonly Operator<NormalizeArguments> s_normalize = new Operator<NormalizeArguments>(
            "InstanceNorm.Normalize", a => WorkOf(a.Shape))
        .Vectorized(InstanceNormCpu.Normalize)
        .Plain((device, a) => device.Launch(
            NormalizeKernel, a.Output.Length, a.X, a.Factors, a.Residual, a.Output, a.Shape));

    private static readonly Operator<SumsArguments> s_sums = new Operator<SumsArguments>(
            "InstanceNorm.GradientSums", a => ($"{a.X.Length}", Work.Each(a.X.Length, 6, 2)))
        .Vectorized((cpu, a) => AddPieces(
            cpu, a, (sums, shape) => InstanceNormCpu.PieceSums(cpu, a, sums, shape)))
        .Plain((device, a) => AddPieces(device, a, (sums, shape) => device.Launch(
            PieceSumsKernel, (long)shape.Pieces * shape.Channels, a.Gradient, a.X, a.Factors, sums, shape,
            a.Activation)));

    private static readonly Operator<BackwardArguments> s_backward = new Operator<BackwardArguments>(
            "InstanceNorm.Backward", a => ($"{a.X.Length}", Work.Each(a.X.Length, 8, 3)))
        .Vectorized(InstanceNormCpu.Backward)
        .Plain((device, a) => device.Launch(
            BackwardKernel, a.GradX.Length, a.Gradient, a.X, a.Factors, a.Sums, a.GradX, a.Shape));

    private readonly record struct StatisticsArguments(
        ArrayView<float> X, ArrayView<float> Moments, int Pixels, int Channels);

    private readonly record struct FactorsArguments(
        ArrayView<float> Moments, ArrayView<float> Scale, ArrayView<float> Shift, ArrayView<float> Factors, int Pixels);

    internal readonly record struct NormalizeArguments(
        ArrayView<float> X, ArrayView<float> Factors, ArrayView<float> Residual, ArrayView<float> Output,
        NormalizeShape Shape);

    internal readonly record struct SumsArguments(
        ArrayView<float> Gradient, ArrayView<float> X, ArrayView<float> Factors, ArrayView<float> Sums, int Pixels,
        int Channels, Activation Activation);

    internal readonly record struct BackwardArguments(
        ArrayView<float> Gradient, ArrayView<float> X, ArrayView<float> Factors, ArrayView<float> Sums,
        ArrayView<float> GradX, BackwardShape Shape);

    /// <summary>Computes the mean and the sum of squared deviations from it of each channel.</summary>
    /// <param name="x">(pixels, channels).</param>
    /// <param name="moments">(2, channels): m, then M; overwritten.</param>
    /// <exception cref="ArgumentException">A view's length does not fit pixels and channels.</exception>
    public static void Statistics(
        ComputeDevice device, ArrayView<float> x, ArrayView<float> moments, int pixels, int channels)
    {
        Require.Length(x, (long)pixels * channels, nameof(x));
        Require.Length(moments, 2L * channels, nameof(moments));
        s_statistics.Run(device, new StatisticsArguments(x, moments, pixels, channels));
    }

    /// <summary>Computes what <see cref="Normalize"/> needs of each channel.</summary>
    /// <param name="moments">(2, channels), see <see cref="Statistics"/>.</param>
    /// <param name="scale">(channels).</param>
    /// <param name="shift">(channels).</param>
    /// <param name="factors">(4, channels): m, r, scale r, shift; overwritten.</param>
    /// <param name="pixels">n, the pixels of the map that the moments are of.</param>
    /// <exception cref="ArgumentException">A view's length does not fit the others.</exception>
    public static void Factors(
        ComputeDevice device, ArrayView<float> moments, ArrayView<float> scale, ArrayView<float> shift,
        ArrayView<float> factors, int pixels)
    {
        Require.Length(moments, 2 * scale.Length, nameof(moments));
        Require.Length(shift, scale.Length, nameof(shift));
        Require.Length(factors, 4 * scale.Length, nameof(factors));
        s_factors.Run(device, new FactorsArguments(moments, scale, shift, factors, pixels));
    }

    /// <summary>y = expand(act(scale r (x - m) + shift) + residual), of a whole map or of windows.</summary>
    /// <param name="x">(height, width, channels).</param>
    /// <param name="factors">(4, channels), see <see cref="Factors"/>.</param>
    /// <param name="residual">
    /// (height + 2 margin, width + 2 margin, channels), whose interior is added; not read without a residual.
    /// </param>
    /// <param name="output">y, (rows, columns, channels) of the result; overwritten.</param>
    /// <exception cref="ArgumentException">
    /// A view's length does not fit the shape, the padding is not smaller than the upsampled map, or a window does not
    /// lie where it must.
    /// </exception>
    public static void Normalize(
        ComputeDevice device, ArrayView<float> x, ArrayView<float> factors, ArrayView<float> residual,
        ArrayView<float> output, NormalizeShape shape)
    {
        shape.Expand.RequireValid();
        Require.Length(x, shape.Expand.InLength, nameof(x));
        Require.Length(factors, 4L * shape.Expand.Channels, nameof(factors));
        Require.Length(residual, shape.ResidualLength, nameof(residual));
        Require.Length(output, shape.Expand.OutLength, nameof(output));
        s_normalize.Run(device, new NormalizeArguments(x, factors, residual, output, shape));
    }

    /// <summary>Computes the gradients of shift and scale.</summary>
    /// <param name="gradient">The gradient of act(z), (pixels, channels).</param>
    /// <param name="x">(pixels, channels).</param>
    /// <param name="factors">(4, channels), see <see cref="Factors"/>.</param>
    /// <param name="sums">(2, channels): dshift, then dscale; overwritten.</param>
    /// <exception cref="ArgumentException">A view's length does not fit pixels and channels.</exception>
    public static void GradientSums(
        ComputeDevice device, ArrayView<float> gradient, ArrayView<float> x, ArrayView<float> factors,
        ArrayView<float> sums, int pixels, int channels, Activation activation)
    {
        Require.Length(x, (long)pixels * channels, nameof(x));
        Require.Length(gradient, x.Length, nameof(gradient));
        Require.Length(factors, 4L * channels, nameof(factors));
        Require.Length(sums, 2L * channels, nameof(sums));
        s_sums.Run(device, new SumsArguments(gradient, x, factors, sums, pixels, channels, activation));
    }

    /// <summary>dx = beta dx + scale r (g - dshift / n - x^ dscale / n).</summary>
    /// <param name="sums">(2, channels), see <see cref="GradientSums"/>.</param>
    /// <param name="gradX">dx, (pixels, channels).</param>
    /// <param name="beta">0 to overwrite dx (its old content is not read), 1 to add to it.</param>
    /// <inheritdoc cref="GradientSums"/>
    public static void Backward(
        ComputeDevice device, ArrayView<float> gradient, ArrayView<float> x, ArrayView<float> factors,
        ArrayView<float> sums, ArrayView<float> gradX, int pixels, int channels, Activation activation, float beta)
    {
        Require.Length(x, (long)pixels * channels, nameof(x));
        Require.Length(gradient, x.Length, nameof(gradient));
        Require.Length(factors, 4L * channels, nameof(factors));
        Require.Length(sums, 2L * channels, nameof(sums));
        Require.Length(gradX, x.Length, nameof(gradX));
        var shape = new BackwardShape(pixels, channels, activation, beta);
        s_backward.Run(device, new BackwardArguments(gradient, x, factors, sums, gradX, shape));
    }

    /// <summary>Computes the moments of pieces, and combines them until one is left.</summary>
    private static void CombinePieces(
        ComputeDevice device, StatisticsArguments a, Action<ArrayView<float>, PieceShape> fill)
    {
        PieceShape shape = PiecesOf(a.Pixels, a.Channels);
        DeviceBuffer<float>? fine = MomentsOf(shape.Pieces);
        fill(fine?.View ?? a.Moments, shape);
        while (fine is not null)
        {
            int groups = (shape.Pieces + Fan - 1) / Fan;
            DeviceBuffer<float>? coarse = MomentsOf(groups);
            device.Launch(CombineKernel, (long)groups * a.Channels, fine.View, coarse?.View ?? a.Moments, shape);
            fine.Dispose();
            int pixels = (int)Math.Min((long)Fan * shape.PiecePixels, a.Pixels);
            (fine, shape) = (coarse, shape with { Pieces = groups, PiecePixels = pixels });
        }

        DeviceBuffer<float>? MomentsOf(int pieces) =>
            pieces > 1 ? device.Allocate<float>(2L * pieces * a.Channels) : null;
    }

    /// <summary>Computes the sums of pieces, and adds them.</summary>
    private static void AddPieces(ComputeDevice device, SumsArguments a, Action<ArrayView<float>, PieceShape> fill)
    {
        PieceShape shape = PiecesOf(a.Pixels, a.Channels);
        using DeviceBuffer<float> pieces = device.Allocate<float>(2L * shape.Pieces * a.Channels);
        fill(pieces.View, shape);
        ReductionOp.SumPieces(device, pieces.View, a.Sums, 1f);
    }

    private static PieceShape PiecesOf(int pixels, int channels)
    {
        int each = Math.Clamp(PieceElements / channels, 1, pixels);
        return new PieceShape(pixels, channels, each, (int)(((long)pixels + each - 1) / each));
    }

    private static (string Shape, Work Work) WorkOf(NormalizeShape shape) => (
        $"{shape.Expand.Height}x{shape.Expand.Width} -> {shape.Expand.Rows.Count}x{shape.Expand.Columns.Count}, "
            + $"{shape.Expand.Channels}",
        new Work(
            4.0 * shape.Expand.InLength,
            sizeof(float) * ((double)shape.Expand.InLength + shape.Expand.OutLength
                + (shape.Margin < 0 ? 0 : shape.Expand.InLength))));
}
