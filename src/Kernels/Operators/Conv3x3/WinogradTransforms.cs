using System.Runtime.CompilerServices;
using NativeStyle.Kernels.Simd;

namespace NativeStyle.Kernels.Operators.Conv3x3;

/// <summary>
/// The transforms of Winograd's F(4, 3) in one dimension, for vectors of channels: G, Bᵀ and Aᵀ (Lavin and Gray 2016,
/// section 4.3), and Gᵀ and A, which the gradient to weights takes. Two dimensions apply one to columns, then to rows.
/// </summary>
internal static unsafe class WinogradTransforms
{
    /// <summary>Pixels of a patch, and the places of its transform.</summary>
    public const int Points = 36;

    /// <summary>
    /// Floats added to strides that are powers of two, so that rows and matrices fall on different cache sets.
    /// </summary>
    public const int Skew = 16;

    /// <summary>
    /// G g in one dimension: six points of a polynomial of degree two, at 0, 1, -1, 2, -2 and infinity.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Filter<T>(T g0, T g1, T g2, float* to, long stride) where T : unmanaged, ILanes<T>
    {
        T sixth = T.Broadcast(1f / 6f);
        T outer = (g0 + g2) * T.Broadcast(-1f / 6f), inner = g1 * sixth;
        T even = T.MultiplyAdd(g0, T.Broadcast(1f / 24f), g2 * sixth), odd = g1 * T.Broadcast(1f / 12f);
        (g0 * T.Broadcast(0.25f)).Store(to);
        (outer - inner).Store(to + stride);
        (outer + inner).Store(to + (2 * stride));
        (even + odd).Store(to + (3 * stride));
        (even - odd).Store(to + (4 * stride));
        g2.Store(to + (5 * stride));
    }

    /// <summary>Bᵀ d in one dimension.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Input<T>(T d0, T d1, T d2, T d3, T d4, T d5, float* to, long stride)
        where T : unmanaged, ILanes<T>
    {
        T four = T.Broadcast(4f), minusFour = T.Broadcast(-4f), minusFive = T.Broadcast(-5f);
        T even = T.MultiplyAdd(minusFour, d2, d4), odd = T.MultiplyAdd(minusFour, d1, d3);
        T difference = d4 - d2, twice = T.Broadcast(2f) * (d3 - d1);
        T.MultiplyAdd(four, d0, T.MultiplyAdd(minusFive, d2, d4)).Store(to);
        (even + odd).Store(to + stride);
        (even - odd).Store(to + (2 * stride));
        (difference + twice).Store(to + (3 * stride));
        (difference - twice).Store(to + (4 * stride));
        T.MultiplyAdd(four, d1, T.MultiplyAdd(minusFive, d3, d5)).Store(to + (5 * stride));
    }

    /// <summary>Aᵀ m in one dimension.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Output<T>(T m0, T m1, T m2, T m3, T m4, T m5, T* to, int stride)
        where T : unmanaged, ILanes<T>
    {
        T sum = m1 + m2, difference = m1 - m2, outerSum = m3 + m4, outerDifference = m3 - m4;
        to[0] = m0 + sum + outerSum;
        to[stride] = T.MultiplyAdd(T.Broadcast(2f), outerDifference, difference);
        to[2 * stride] = T.MultiplyAdd(T.Broadcast(4f), outerSum, sum);
        to[3 * stride] = T.MultiplyAdd(T.Broadcast(8f), outerDifference, difference) + m5;
    }

    /// <summary>A y in one dimension.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Gradient<T>(T y0, T y1, T y2, T y3, float* to, long stride) where T : unmanaged, ILanes<T>
    {
        T four = T.Broadcast(4f), even = y0 + y2, odd = y1 + y3;
        T outerEven = T.MultiplyAdd(four, y2, y0), outerOdd = T.Broadcast(2f) * T.MultiplyAdd(four, y3, y1);
        y0.Store(to);
        (even + odd).Store(to + stride);
        (even - odd).Store(to + (2 * stride));
        (outerEven + outerOdd).Store(to + (3 * stride));
        (outerEven - outerOdd).Store(to + (4 * stride));
        y3.Store(to + (5 * stride));
    }

    /// <summary>Gᵀ s in one dimension.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void FilterGradient<T>(T s0, T s1, T s2, T s3, T s4, T s5, T* to, int stride)
        where T : unmanaged, ILanes<T>
    {
        T sixth = T.Broadcast(1f / 6f), inner = (s1 + s2) * sixth, outer = s3 + s4;
        to[0] = T.MultiplyAdd(T.Broadcast(0.25f), s0, T.MultiplyAdd(T.Broadcast(1f / 24f), outer, default(T) - inner));
        to[stride] = T.MultiplyAdd(T.Broadcast(1f / 12f), s3 - s4, (s2 - s1) * sixth);
        to[2 * stride] = T.MultiplyAdd(sixth, outer, s5 - inner);
    }
}
