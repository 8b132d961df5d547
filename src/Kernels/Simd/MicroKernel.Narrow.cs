namespace NativeStyle.Kernels.Simd;

/// <summary>
/// The inner loop for a single vector of columns. Its 12 sums keep the multiply-add units of every machine busy, and
/// leave two registers of 16.
/// </summary>
internal static unsafe partial class MicroKernel<T>
{
    private static void RunNarrow(
        int rows, int depth, float* a, nint aRow, nint aStep, float* b, nint bStep, float* c, nint cRow,
        bool accumulate)
    {
        int row = 0;
        for (; row + 12 <= rows; row += 12)
            RunNarrow12(depth, a + (row * aRow), aRow, aStep, b, bStep, c + (row * cRow), cRow, accumulate);
        if (row < rows)
            RunNarrow6(depth, a + (row * aRow), aRow, aStep, b, bStep, c + (row * cRow), cRow, accumulate);
    }

    private static void RunNarrow6(
        int depth, float* a, nint aRow, nint aStep, float* b, nint bStep, float* c, nint cRow, bool accumulate)
    {
        T c0 = default, c1 = default, c2 = default, c3 = default, c4 = default, c5 = default;
        float* a3 = a + (3 * aRow);
        for (int k = 0; k < depth; k++)
        {
            T row = T.Load(b);
            c0 = T.MultiplyAdd(T.Broadcast(a[0]), row, c0);
            c1 = T.MultiplyAdd(T.Broadcast(a[aRow]), row, c1);
            c2 = T.MultiplyAdd(T.Broadcast(a[2 * aRow]), row, c2);
            c3 = T.MultiplyAdd(T.Broadcast(a3[0]), row, c3);
            c4 = T.MultiplyAdd(T.Broadcast(a3[aRow]), row, c4);
            c5 = T.MultiplyAdd(T.Broadcast(a3[2 * aRow]), row, c5);
            a += aStep;
            a3 += aStep;
            b += bStep;
        }

        if (accumulate)
        {
            c0 += T.Load(c);
            c1 += T.Load(c + cRow);
            c2 += T.Load(c + (2 * cRow));
            c3 += T.Load(c + (3 * cRow));
            c4 += T.Load(c + (4 * cRow));
            c5 += T.Load(c + (5 * cRow));
        }

        c0.Store(c);
        c1.Store(c + cRow);
        c2.Store(c + (2 * cRow));
        c3.Store(c + (3 * cRow));
        c4.Store(c + (4 * cRow));
        c5.Store(c + (5 * cRow));
    }

    private static void RunNarrow12(
        int depth, float* a, nint aRow, nint aStep, float* b, nint bStep, float* c, nint cRow, bool accumulate)
    {
        T c0 = default, c1 = default, c2 = default, c3 = default, c4 = default, c5 = default;
        T c6 = default, c7 = default, c8 = default, c9 = default, c10 = default, c11 = default;
        float* a3 = a + (3 * aRow);
        float* a6 = a + (6 * aRow);
        float* a9 = a + (9 * aRow);
        for (int k = 0; k < depth; k++)
        {
            T row = T.Load(b);
            c0 = T.MultiplyAdd(T.Broadcast(a[0]), row, c0);
            c1 = T.MultiplyAdd(T.Broadcast(a[aRow]), row, c1);
            c2 = T.MultiplyAdd(T.Broadcast(a[2 * aRow]), row, c2);
            c3 = T.MultiplyAdd(T.Broadcast(a3[0]), row, c3);
            c4 = T.MultiplyAdd(T.Broadcast(a3[aRow]), row, c4);
            c5 = T.MultiplyAdd(T.Broadcast(a3[2 * aRow]), row, c5);
            c6 = T.MultiplyAdd(T.Broadcast(a6[0]), row, c6);
            c7 = T.MultiplyAdd(T.Broadcast(a6[aRow]), row, c7);
            c8 = T.MultiplyAdd(T.Broadcast(a6[2 * aRow]), row, c8);
            c9 = T.MultiplyAdd(T.Broadcast(a9[0]), row, c9);
            c10 = T.MultiplyAdd(T.Broadcast(a9[aRow]), row, c10);
            c11 = T.MultiplyAdd(T.Broadcast(a9[2 * aRow]), row, c11);
            a += aStep;
            a3 += aStep;
            a6 += aStep;
            a9 += aStep;
            b += bStep;
        }

        if (accumulate)
        {
            c0 += T.Load(c);
            c1 += T.Load(c + cRow);
            c2 += T.Load(c + (2 * cRow));
            c3 += T.Load(c + (3 * cRow));
            c4 += T.Load(c + (4 * cRow));
            c5 += T.Load(c + (5 * cRow));
            c6 += T.Load(c + (6 * cRow));
            c7 += T.Load(c + (7 * cRow));
            c8 += T.Load(c + (8 * cRow));
            c9 += T.Load(c + (9 * cRow));
            c10 += T.Load(c + (10 * cRow));
            c11 += T.Load(c + (11 * cRow));
        }

        c0.Store(c);
        c1.Store(c + cRow);
        c2.Store(c + (2 * cRow));
        c3.Store(c + (3 * cRow));
        c4.Store(c + (4 * cRow));
        c5.Store(c + (5 * cRow));
        c6.Store(c + (6 * cRow));
        c7.Store(c + (7 * cRow));
        c8.Store(c + (8 * cRow));
        c9.Store(c + (9 * cRow));
        c10.Store(c + (10 * cRow));
        c11.Store(c + (11 * cRow));
    }
}
