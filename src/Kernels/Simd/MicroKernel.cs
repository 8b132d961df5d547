using System.Runtime.Intrinsics;

namespace NativeStyle.Kernels;

/// <summary>
/// The inner loop of every matrix product on the CPU: a 6 x 16 block of C held in 12 vector registers while the
/// whole depth streams past, two vectors of B and one broadcast element of A at a time (Goto and van de Geijn 2008,
/// "Anatomy of high-performance matrix multiplication"; 12 accumulators + 2 + 1 of AVX2's 16 registers).
/// </summary>
internal static unsafe class MicroKernel
{
    public const int Rows = 6;
    public const int Columns = 16;

    /// <summary>
    /// C[r, j] = (accumulate ? C[r, j] : 0) + sum over k of A[r, k] B[k, j], for r below 6 and j below 16, where
    /// A[r, k] = a[r aRow + k aStep] and B[k, j] = b[k bStep + j].
    /// </summary>
    public static void Run(
        int depth, float* a, nint aRow, nint aStep, float* b, nint bStep, float* c, nint cRow, bool accumulate)
    {
        Vector256<float> c00 = default, c01 = default, c10 = default, c11 = default, c20 = default, c21 = default;
        Vector256<float> c30 = default, c31 = default, c40 = default, c41 = default, c50 = default, c51 = default;
        float* lower = a + (3 * aRow);
        for (int k = 0; k < depth; k++)
        {
            Vector256<float> b0 = Vector256.Load(b);
            Vector256<float> b1 = Vector256.Load(b + 8);
            Vector256<float> x = Vector256.Create(a[0]);
            c00 = Vector256.FusedMultiplyAdd(x, b0, c00);
            c01 = Vector256.FusedMultiplyAdd(x, b1, c01);
            x = Vector256.Create(a[aRow]);
            c10 = Vector256.FusedMultiplyAdd(x, b0, c10);
            c11 = Vector256.FusedMultiplyAdd(x, b1, c11);
            x = Vector256.Create(a[2 * aRow]);
            c20 = Vector256.FusedMultiplyAdd(x, b0, c20);
            c21 = Vector256.FusedMultiplyAdd(x, b1, c21);
            x = Vector256.Create(lower[0]);
            c30 = Vector256.FusedMultiplyAdd(x, b0, c30);
            c31 = Vector256.FusedMultiplyAdd(x, b1, c31);
            x = Vector256.Create(lower[aRow]);
            c40 = Vector256.FusedMultiplyAdd(x, b0, c40);
            c41 = Vector256.FusedMultiplyAdd(x, b1, c41);
            x = Vector256.Create(lower[2 * aRow]);
            c50 = Vector256.FusedMultiplyAdd(x, b0, c50);
            c51 = Vector256.FusedMultiplyAdd(x, b1, c51);
            a += aStep;
            lower += aStep;
            b += bStep;
        }

        Store(c, c00, c01, accumulate);
        Store(c + cRow, c10, c11, accumulate);
        Store(c + (2 * cRow), c20, c21, accumulate);
        Store(c + (3 * cRow), c30, c31, accumulate);
        Store(c + (4 * cRow), c40, c41, accumulate);
        Store(c + (5 * cRow), c50, c51, accumulate);
    }

    private static void Store(float* c, Vector256<float> left, Vector256<float> right, bool accumulate)
    {
        if (accumulate)
        {
            left += Vector256.Load(c);
            right += Vector256.Load(c + 8);
        }

        left.Store(c);
        right.Store(c + 8);
    }
}
