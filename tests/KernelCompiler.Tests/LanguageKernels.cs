using NativeStyle.Kernels;

namespace NativeStyle.KernelCompiler.Tests;

/// <summary>One kernel for each feature of the language; each work item writes to its place in the output.</summary>
public static class LanguageKernels
{
    private const int Size = 16;
    private const float Third = 1f / 3f;
    private const uint Mask = 0xF0F0u;

    [Kernel]
    public static void IntegerArithmetic(Index1D index, ArrayView<int> a, ArrayView<int> b, ArrayView<int> output)
    {
        int x = a[index];
        int y = b[index];
        int divisor = (y & 7) + 1;
        output[index] = (x + y) - (x / divisor) + (x % divisor) + (x >> 3) + ((x & 255) << 2) + (x ^ y) + (~x | y) - -x;
    }

    [Kernel]
    public static void UnsignedArithmetic(Index1D index, ArrayView<uint> a, ArrayView<uint> output, uint factor)
    {
        uint x = a[index];
        output[index] = (x * factor) + (x >> 5) + (x << 7) + (x / 3u) + (x % 17u) + (x & Mask) + (uint)(int)x;
    }

    [Kernel]
    public static void Conversions(Index1D index, ArrayView<float> a, ArrayView<int> integers, ArrayView<uint> naturals, ArrayView<float> floats)
    {
        float x = a[index];
        integers[index] = (int)x;
        naturals[index] = (uint)x;
        int half = index / 2;
        floats[index] = half + (x > 0f ? 1 : 2);
    }

    [Kernel]
    public static void Mathematics(Index1D index, ArrayView<float> a, ArrayView<float> output)
    {
        float x = a[index];
        float positive = MathF.Abs(x) + 0.5f;
        output[index] = MathF.Sqrt(positive) + MathF.Exp(-positive) + MathF.Log(positive) + MathF.Pow(positive, 1.5f) + MathF.Sin(x)
            + MathF.Cos(x) + MathF.Floor(x) + MathF.Ceiling(x) + MathF.Round(x) + MathF.Truncate(x) + MathF.Min(x, 0.25f)
            + MathF.Max(x, Third) + MathF.FusedMultiplyAdd(x, x, 1f) + MathF.Tanh(x) + MathF.Atan2(x, positive) + MathF.Cbrt(x);
    }

    [Kernel]
    public static void NotANumber(Index1D index, ArrayView<float> a, ArrayView<float> output) =>
        output[index] = MathF.Max(a[index], 1f) + MathF.Min(a[index], 1f);

    [Kernel]
    public static void IntegerMathematics(Index1D index, ArrayView<int> a, ArrayView<int> output) =>
        output[index] = Math.Abs(a[index]) + Math.Max(a[index], 5) + Math.Min(a[index], -5) + Math.Clamp(a[index], -10, 10);

    [Kernel]
    public static void Loops(Index1D index, ArrayView<int> output)
    {
        int sum = 0;
        for (int i = 0; i < Size; i++)
        {
            if (i == 3) continue;
            if (i > index % 13) break;
            sum += i;
        }

        int left = index;
        while (left > 0)
        {
            left /= 2;
            sum += 100;
        }

        do
        {
            sum--;
            left++;
        }
        while (left < 3);

        // Two counters, and one that goes down.
        for (int up = 0, down = 8; up < down; up++, down--) sum += down;
        output[index] = sum;
    }

    [Kernel]
    public static void Conditions(Index1D index, ArrayView<int> a, ArrayView<int> output)
    {
        int x = a[index];
        bool even = x % 2 == 0;
        bool small = x < 10 && x > -10;
        if (even && !small) output[index] = 1;
        else if (even || small) output[index] = 2;
        else output[index] = x > 0 ? 3 : x < -100 ? 4 : 5;
    }

    [Kernel]
    public static void Helpers(Index1D index, ArrayView<int> a, ArrayView<int> output)
    {
        ArrayView<int> copy = LocalMemory.Allocate<int>(4);
        for (int i = 0; i < 4; i++) copy[i] = a[(index + i) % 64];
        // The same helper on global and on private memory.
        output[index] = Largest(a, 64) + (3 * Largest(copy, 4)) + Square(index % 10);
    }

    [Kernel]
    public static void TwoDimensions(Index2D index, ArrayView<int> output, int width) =>
        output[(index.Y * width) + index.X] = (index.X * 1000) + index.Y;

    [Kernel]
    public static void ThreeDimensions(Index3D index, ArrayView<int> output, int width, int height) =>
        output[(((index.Z * height) + index.Y) * width) + index.X] = (index.X * 10000) + (index.Y * 100) + index.Z;

    [Kernel]
    public static void Groups(ArrayView<int> output)
    {
        Index3D place = Grid.GlobalIndex;
        int global = ((Grid.GlobalIndex.Y * Grid.DimX * Group.DimX) + place.X);
        output[global] = (Group.IdxX * 1000000) + (Group.IdxY * 100000) + (Grid.IdxX * 1000) + (Grid.IdxY * 100) + (Group.DimX * 10) + Grid.DimY;
    }

    [Kernel]
    public static void SharedReverse(ArrayView<int> input, ArrayView<int> output)
    {
        ArrayView<int> shared = SharedMemory.Allocate<int>(Size * 2);
        int lane = Group.IdxX;
        int start = Grid.IdxX * Size;
        for (int round = 0; round < 2; round++)
        {
            shared[(round * Size) + lane] = input[start + lane] + round;
            Group.Barrier();
            output[start + lane] += shared[(round * Size) + Size - 1 - lane];
            Group.Barrier();
        }
    }

    [Kernel]
    public static void Atomics(Index1D index, ArrayView<int> a, ArrayView<int> output, ArrayView<uint> count)
    {
        Atomic.Add(ref output[0], a[index]);
        Atomic.Max(ref output[1], a[index]);
        Atomic.Min(ref output[2], a[index]);
        Atomic.CompareExchange(ref output[3], 0, 7);
        Atomic.Add(ref count[index % 4], 2u);
    }

    [Kernel]
    public static void Vectors(Index1D index, ArrayView<float> a, ArrayView<float> output)
    {
        Float4 x = Float4.Load(a, index * 4);
        Float4 y = new Float4(1f, 2f, 3f, 4f);
        Float4 z = Float4.MultiplyAdd(x, y, Float4.Broadcast(0.5f));
        Float4 result = Float4.Max((z - x) * (x + y), Float4.Broadcast(-3f));
        result.Store(output, index * 4);
        output[index * 4] += result.W + z.X;
    }

    [Kernel]
    public static void Doubles(Index1D index, ArrayView<double> a, ArrayView<double> output, double factor)
    {
        double x = a[index] * factor;
        output[index] = Math.Sqrt(x + 1.0) + (x * 1e-9) + (float)x;
    }

    [Kernel]
    public static void LongIntegers(Index1D index, ArrayView<uint> output, long start)
    {
        long x = start + ((long)index * 3000000000L);
        ulong bits = (ulong)x ^ 0x123456789UL;
        output[index] = (uint)(bits >> 16) + (uint)(x % 1000L);
    }

    [Kernel]
    public static void Views(Index1D index, ArrayView<int> a, ArrayView<int> optional, ArrayView<int> output)
    {
        ArrayView<int> tail = a.SubView(a.Length - 4, 4);
        output[index] = tail[index % 4] + a.IntLength + (optional.IsValid ? 1000 : 0);
    }

    /// <summary>Names that mean something else in OpenCL C.</summary>
    [Kernel]
    public static void ReservedNames(Index1D index, ArrayView<int> global, ArrayView<int> kernel, int half, int max)
    {
        int local = half + max;
        int constant = Math.Max(local, global[index]);
        kernel[index] = constant;
    }

    private static int Largest(ArrayView<int> values, int count)
    {
        int best = values[0];
        for (int i = 1; i < count; i++) best = Math.Max(best, values[i]);
        return best;
    }

    private static int Square(int x) => x * x;
}
