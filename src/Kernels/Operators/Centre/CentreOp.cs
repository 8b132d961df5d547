using ILGPU;
using ILGPU.Runtime;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Memory;
using NativeStyle.Kernels.Simd;

namespace NativeStyle.Kernels.Operators.Centre;

// Moves the origin of a feature map's channels to a constant point, so that moments about that point cancel less.
//
//   forward   y[p, c] = x[p, c] - m[c]          backward  dx = dy

/// <summary>Subtracts a constant from each channel of a feature map.</summary>
public static unsafe class CentreOp
{
    private static readonly Operator<Arguments> s_forward = new Operator<Arguments>(
            "Centre.Forward", a => ($"{a.X.Length}", Work.Each(a.X.Length, 1, 2)))
        .Vectorized((cpu, a) =>
        {
            float* x = a.X.Pointer, m = a.Point.Pointer, y = a.Y.Pointer;
            int channels = a.Point.IntLength;
            Rows.ForEachPart(cpu, a.X.Length, (start, count) =>
            {
                int length;
                for (long i = start; i < start + count; i += length)
                {
                    int c = (int)(i % channels);
                    length = (int)Math.Min(channels - c, start + count - i);
                    new ReadOnlySpan<float>(x + i, length).CopyTo(new Span<float>(y + i, length));
                    Rows.AddScaled(y + i, m + c, -1f, length);
                }
            });
        })
        .Plain((device, a) => device.Launch(ForwardKernel, a.X.Length, a.X, a.Point, a.Y));

    private readonly record struct Arguments(ArrayView<float> X, ArrayView<float> Point, ArrayView<float> Y);

    internal static void ForwardKernel(
        Index1D index, ArrayView<float> x, ArrayView<float> point, ArrayView<float> y) =>
        y[index] = x[index] - point[index % point.IntLength];

    /// <summary>y = x - m.</summary>
    /// <param name="x">(pixels, channels).</param>
    /// <param name="point">m, (channels).</param>
    public static void Forward(
        ComputeDevice device, ArrayView<float> x, ArrayView<float> point, ArrayView<float> y)
    {
        Require.Length(y, x.Length, nameof(y));
        Require.Length(x, x.Length / point.Length * point.Length, nameof(x));
        s_forward.Run(device, new Arguments(x, point, y));
    }
}
