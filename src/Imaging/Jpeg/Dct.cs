using System.Runtime.Intrinsics;

namespace NativeStyle.Imaging.Jpeg;

/// <summary>
/// The 8x8 discrete cosine transform (T.81, A.3.3) as two matrix products with the orthonormal basis
/// A[u, x] = c(u)/2 cos((2x + 1) u π / 16): forward F = A f Aᵀ, inverse f = Aᵀ F A.
/// </summary>
internal static class Dct
{
    private static readonly float[] s_basis = Basis(transposed: false);
    private static readonly float[] s_transposed = Basis(transposed: true);

    /// <summary>In place: coefficients to samples around zero.</summary>
    public static void Inverse(Span<float> block) => Product(s_transposed, block, s_basis);

    /// <summary>In place: samples around zero to coefficients.</summary>
    public static void Forward(Span<float> block) => Product(s_basis, block, s_transposed);

    /// <summary>block = left block right, all 8x8; a row is a vector.</summary>
    private static void Product(float[] left, Span<float> block, float[] right)
    {
        Span<float> half = stackalloc float[64];
        for (int row = 0; row < 8; row++)
        {
            Vector256<float> sum = default;
            for (int k = 0; k < 8; k++)
            {
                sum = Vector256.FusedMultiplyAdd(
                    Vector256.Create(block[(8 * row) + k]), Vector256.Create<float>(right.AsSpan(8 * k, 8)), sum);
            }

            sum.CopyTo(half[(8 * row)..]);
        }

        for (int row = 0; row < 8; row++)
        {
            Vector256<float> sum = default;
            for (int k = 0; k < 8; k++)
            {
                sum = Vector256.FusedMultiplyAdd(
                    Vector256.Create(left[(8 * row) + k]), Vector256.Create<float>(half.Slice(8 * k, 8)), sum);
            }

            sum.CopyTo(block[(8 * row)..]);
        }
    }

    private static float[] Basis(bool transposed)
    {
        float[] basis = new float[64];
        for (int u = 0; u < 8; u++)
        for (int x = 0; x < 8; x++)
        {
            double value = (u == 0 ? Math.Sqrt(0.5) : 1) / 2 * Math.Cos(((2 * x) + 1) * u * Math.PI / 16);
            basis[transposed ? (8 * x) + u : (8 * u) + x] = (float)value;
        }

        return basis;
    }
}
