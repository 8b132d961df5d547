namespace NativeStyle.Kernels.Simd;

/// <summary>
/// The inner loop of every matrix product on the CPU. It holds a block of C, <see cref="Rows"/> by two vectors, in
/// registers while the whole depth streams past, two vectors of B and one broadcast element of A at a time (Goto and
/// van de Geijn 2008, "Anatomy of high-performance matrix multiplication"). AVX2 and NEON hold 6 rows: of 16 registers,
/// 12 for sums, 2 for B and 1 for A (NEON's vectors are pairs: 30 of 32). AVX-512 holds 12 rows: 24 sums of 32
/// registers.
/// </summary>
internal static unsafe partial class MicroKernel<T> where T : unmanaged, ILanes<T>
{
    /// <summary>Rows of a block. The rows of A and C are rounded up to a multiple of it.</summary>
    public static int Rows => 6;

    /// <summary>Columns of a block: two vectors.</summary>
    public static int Columns => 2 * T.Count;

    /// <summary>
    /// C[r, j] = (accumulate ? C[r, j] : 0) + sum over k of A[r, k] B[k, j], the sum in the order of k, for j below
    /// <see cref="Columns"/>, where A[r, k] = a[r aRow + k aStep] and B[k, j] = b[k bStep + j].
    /// </summary>
    /// <param name="rows">A multiple of <see cref="Rows"/>.</param>
    public static void Run(
        int rows, int depth, float* a, nint aRow, nint aStep, float* b, nint bStep, float* c, nint cRow,
        bool accumulate) =>
        Run(rows, 1, 0, depth, a, aRow, aStep, b, bStep, c, cRow, accumulate);

    /// <summary>
    /// Does the same for a depth of several runs of A, of <paramref name="depth"/> steps each, that lie apart: A's
    /// element k of run n is a[n run + r aRow + k aStep], and B's rows of all runs follow each other.
    /// </summary>
    /// <param name="rows">A multiple of <see cref="Rows"/>.</param>
    /// <param name="runs">The number of runs.</param>
    /// <param name="run">The distance from run to run.</param>
    public static void Run(
        int rows, int runs, nint run, int depth, float* a, nint aRow, nint aStep, float* b, nint bStep, float* c,
        nint cRow, bool accumulate)
    {
        nint jump = run - (depth * aStep);
        int row = 0;
        if (T.MicroRows == 12)
        {
            for (; row + 12 <= rows; row += 12)
                Run12(runs, jump, depth, a + (row * aRow), aRow, aStep, b, bStep, c + (row * cRow), cRow, accumulate);
        }

        for (; row < rows; row += 6)
            Run6(runs, jump, depth, a + (row * aRow), aRow, aStep, b, bStep, c + (row * cRow), cRow, accumulate);
    }

    /// <summary>The same for the first columns of a block only: one vector of them takes half of the time.</summary>
    /// <param name="columns">At most <see cref="Columns"/>; whole vectors of C are written.</param>
    /// <inheritdoc cref="Run(int, int, float*, nint, nint, float*, nint, float*, nint, bool)"/>
    public static void Run(
        int rows, int columns, int depth, float* a, nint aRow, nint aStep, float* b, nint bStep, float* c, nint cRow,
        bool accumulate)
    {
        if (columns <= T.Count) RunNarrow(rows, depth, a, aRow, aStep, b, bStep, c, cRow, accumulate);
        else Run(rows, depth, a, aRow, aStep, b, bStep, c, cRow, accumulate);
    }

    public static int RoundUpRows(int rows) => (rows + Rows - 1) / Rows * Rows;

    /// <summary>The number of blocks of <see cref="Columns"/> that hold the given columns.</summary>
    public static int Panels(int columns) => (columns + Columns - 1) / Columns;

    private static void Run6(
        int runs, nint jump, int depth, float* a, nint aRow, nint aStep, float* b, nint bStep, float* c, nint cRow,
        bool accumulate)
    {
        T c00 = default, c01 = default, c10 = default, c11 = default, c20 = default, c21 = default;
        T c30 = default, c31 = default, c40 = default, c41 = default, c50 = default, c51 = default;
        float* a3 = a + (3 * aRow);
        for (int n = 0; n < runs; n++)
        {
            for (int k = 0; k < depth; k++)
            {
                T b0 = T.Load(b), b1 = T.Load(b + T.Count);
                T x = T.Broadcast(a[0]);
                c00 = T.MultiplyAdd(x, b0, c00);
                c01 = T.MultiplyAdd(x, b1, c01);
                x = T.Broadcast(a[aRow]);
                c10 = T.MultiplyAdd(x, b0, c10);
                c11 = T.MultiplyAdd(x, b1, c11);
                x = T.Broadcast(a[2 * aRow]);
                c20 = T.MultiplyAdd(x, b0, c20);
                c21 = T.MultiplyAdd(x, b1, c21);
                x = T.Broadcast(a3[0]);
                c30 = T.MultiplyAdd(x, b0, c30);
                c31 = T.MultiplyAdd(x, b1, c31);
                x = T.Broadcast(a3[aRow]);
                c40 = T.MultiplyAdd(x, b0, c40);
                c41 = T.MultiplyAdd(x, b1, c41);
                x = T.Broadcast(a3[2 * aRow]);
                c50 = T.MultiplyAdd(x, b0, c50);
                c51 = T.MultiplyAdd(x, b1, c51);
                a += aStep;
                a3 += aStep;
                b += bStep;
            }

            a += jump;
            a3 += jump;
        }

        if (accumulate)
        {
            c00 += T.Load(c);
            c01 += T.Load(c + T.Count);
            c10 += T.Load(c + cRow);
            c11 += T.Load(c + cRow + T.Count);
            c20 += T.Load(c + (2 * cRow));
            c21 += T.Load(c + (2 * cRow) + T.Count);
            c30 += T.Load(c + (3 * cRow));
            c31 += T.Load(c + (3 * cRow) + T.Count);
            c40 += T.Load(c + (4 * cRow));
            c41 += T.Load(c + (4 * cRow) + T.Count);
            c50 += T.Load(c + (5 * cRow));
            c51 += T.Load(c + (5 * cRow) + T.Count);
        }

        c00.Store(c);
        c01.Store(c + T.Count);
        c10.Store(c + cRow);
        c11.Store(c + cRow + T.Count);
        c20.Store(c + (2 * cRow));
        c21.Store(c + (2 * cRow) + T.Count);
        c30.Store(c + (3 * cRow));
        c31.Store(c + (3 * cRow) + T.Count);
        c40.Store(c + (4 * cRow));
        c41.Store(c + (4 * cRow) + T.Count);
        c50.Store(c + (5 * cRow));
        c51.Store(c + (5 * cRow) + T.Count);
    }

    private static void Run12(
        int runs, nint jump, int depth, float* a, nint aRow, nint aStep, float* b, nint bStep, float* c, nint cRow,
        bool accumulate)
    {
        T c00 = default, c01 = default, c10 = default, c11 = default, c20 = default, c21 = default;
        T c30 = default, c31 = default, c40 = default, c41 = default, c50 = default, c51 = default;
        T c60 = default, c61 = default, c70 = default, c71 = default, c80 = default, c81 = default;
        T c90 = default, c91 = default, c100 = default, c101 = default, c110 = default, c111 = default;
        float* a3 = a + (3 * aRow);
        float* a6 = a + (6 * aRow);
        float* a9 = a + (9 * aRow);
        for (int n = 0; n < runs; n++)
        {
            for (int k = 0; k < depth; k++)
            {
                T b0 = T.Load(b), b1 = T.Load(b + T.Count);
                T x = T.Broadcast(a[0]);
                c00 = T.MultiplyAdd(x, b0, c00);
                c01 = T.MultiplyAdd(x, b1, c01);
                x = T.Broadcast(a[aRow]);
                c10 = T.MultiplyAdd(x, b0, c10);
                c11 = T.MultiplyAdd(x, b1, c11);
                x = T.Broadcast(a[2 * aRow]);
                c20 = T.MultiplyAdd(x, b0, c20);
                c21 = T.MultiplyAdd(x, b1, c21);
                x = T.Broadcast(a3[0]);
                c30 = T.MultiplyAdd(x, b0, c30);
                c31 = T.MultiplyAdd(x, b1, c31);
                x = T.Broadcast(a3[aRow]);
                c40 = T.MultiplyAdd(x, b0, c40);
                c41 = T.MultiplyAdd(x, b1, c41);
                x = T.Broadcast(a3[2 * aRow]);
                c50 = T.MultiplyAdd(x, b0, c50);
                c51 = T.MultiplyAdd(x, b1, c51);
                x = T.Broadcast(a6[0]);
                c60 = T.MultiplyAdd(x, b0, c60);
                c61 = T.MultiplyAdd(x, b1, c61);
                x = T.Broadcast(a6[aRow]);
                c70 = T.MultiplyAdd(x, b0, c70);
                c71 = T.MultiplyAdd(x, b1, c71);
                x = T.Broadcast(a6[2 * aRow]);
                c80 = T.MultiplyAdd(x, b0, c80);
                c81 = T.MultiplyAdd(x, b1, c81);
                x = T.Broadcast(a9[0]);
                c90 = T.MultiplyAdd(x, b0, c90);
                c91 = T.MultiplyAdd(x, b1, c91);
                x = T.Broadcast(a9[aRow]);
                c100 = T.MultiplyAdd(x, b0, c100);
                c101 = T.MultiplyAdd(x, b1, c101);
                x = T.Broadcast(a9[2 * aRow]);
                c110 = T.MultiplyAdd(x, b0, c110);
                c111 = T.MultiplyAdd(x, b1, c111);
                a += aStep;
                a3 += aStep;
                a6 += aStep;
                a9 += aStep;
                b += bStep;
            }

            a += jump;
            a3 += jump;
            a6 += jump;
            a9 += jump;
        }

        if (accumulate)
        {
            c00 += T.Load(c);
            c01 += T.Load(c + T.Count);
            c10 += T.Load(c + cRow);
            c11 += T.Load(c + cRow + T.Count);
            c20 += T.Load(c + (2 * cRow));
            c21 += T.Load(c + (2 * cRow) + T.Count);
            c30 += T.Load(c + (3 * cRow));
            c31 += T.Load(c + (3 * cRow) + T.Count);
            c40 += T.Load(c + (4 * cRow));
            c41 += T.Load(c + (4 * cRow) + T.Count);
            c50 += T.Load(c + (5 * cRow));
            c51 += T.Load(c + (5 * cRow) + T.Count);
            c60 += T.Load(c + (6 * cRow));
            c61 += T.Load(c + (6 * cRow) + T.Count);
            c70 += T.Load(c + (7 * cRow));
            c71 += T.Load(c + (7 * cRow) + T.Count);
            c80 += T.Load(c + (8 * cRow));
            c81 += T.Load(c + (8 * cRow) + T.Count);
            c90 += T.Load(c + (9 * cRow));
            c91 += T.Load(c + (9 * cRow) + T.Count);
            c100 += T.Load(c + (10 * cRow));
            c101 += T.Load(c + (10 * cRow) + T.Count);
            c110 += T.Load(c + (11 * cRow));
            c111 += T.Load(c + (11 * cRow) + T.Count);
        }

        c00.Store(c);
        c01.Store(c + T.Count);
        c10.Store(c + cRow);
        c11.Store(c + cRow + T.Count);
        c20.Store(c + (2 * cRow));
        c21.Store(c + (2 * cRow) + T.Count);
        c30.Store(c + (3 * cRow));
        c31.Store(c + (3 * cRow) + T.Count);
        c40.Store(c + (4 * cRow));
        c41.Store(c + (4 * cRow) + T.Count);
        c50.Store(c + (5 * cRow));
        c51.Store(c + (5 * cRow) + T.Count);
        c60.Store(c + (6 * cRow));
        c61.Store(c + (6 * cRow) + T.Count);
        c70.Store(c + (7 * cRow));
        c71.Store(c + (7 * cRow) + T.Count);
        c80.Store(c + (8 * cRow));
        c81.Store(c + (8 * cRow) + T.Count);
        c90.Store(c + (9 * cRow));
        c91.Store(c + (9 * cRow) + T.Count);
        c100.Store(c + (10 * cRow));
        c101.Store(c + (10 * cRow) + T.Count);
        c110.Store(c + (11 * cRow));
        c111.Store(c + (11 * cRow) + T.Count);
    }
}
