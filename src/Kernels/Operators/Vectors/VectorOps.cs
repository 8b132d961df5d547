using ILGPU;
using ILGPU.Runtime;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Memory;
using NativeStyle.Kernels.Operators.Reduction;
using NativeStyle.Kernels.Simd;

namespace NativeStyle.Kernels.Operators.Vectors;

// The vector operations that optimisers use (BLAS level 1). Dot products are in Reduction.
//
//   Copy   y = x          Fill   y = s          Scale  y = s y
//   Axpy   y = y + s x    Lerp   y = y + t (x - y)

/// <summary>Operations on vectors of any length that stay on the device.</summary>
public static unsafe class VectorOps
{
    private static readonly Operator<One> s_fill = new Operator<One>(
            "Vector.Fill", a => ($"{a.Y.Length}", Work.Each(a.Y.Length, 0, 1)))
        .Vectorized((cpu, a) => cpu.Parallel(1, _ => a.Y.HostSpan.Fill(a.S)))
        .Plain((device, a) => device.Launch(FillKernel, a.Y.Length, a.Y, a.S));

    private static readonly Operator<One> s_scale = new Operator<One>(
            "Vector.Scale", a => ($"{a.Y.Length}", Work.Each(a.Y.Length, 1, 2)))
        .Vectorized((cpu, a) =>
        {
            float* y = a.Y.Pointer;
            Rows.ForEachPart(cpu, a.Y.Length, (start, count) =>
            {
                foreach (ref float value in new Span<float>(y + start, count)) value *= a.S;
            });
        })
        .Plain((device, a) => device.Launch(ScaleKernel, a.Y.Length, a.Y, a.S));

    private static readonly Operator<Two> s_copy = new Operator<Two>(
            "Vector.Copy", a => ($"{a.Y.Length}", Work.Each(a.Y.Length, 0, 2)))
        .Vectorized((cpu, a) => cpu.Parallel(1, _ => a.X.HostSpan.CopyTo(a.Y.HostSpan)))
        .Plain((device, a) => device.Launch(CopyKernel, a.Y.Length, a.Y, a.X));

    private static readonly Operator<Two> s_axpy = new Operator<Two>(
            "Vector.Axpy", a => ($"{a.Y.Length}", Work.Each(a.Y.Length, 2, 3)))
        .Vectorized((cpu, a) =>
        {
            float* to = a.Y.Pointer, from = a.X.Pointer;
            Rows.ForEachPart(cpu, a.Y.Length, (start, count) => Rows.AddScaled(to + start, from + start, a.S, count));
        })
        .Plain((device, a) => device.Launch(AxpyKernel, a.Y.Length, a.Y, a.X, a.S));

    private static readonly Operator<Two> s_lerp = new Operator<Two>(
            "Vector.Lerp", a => ($"{a.Y.Length}", Work.Each(a.Y.Length, 3, 3)))
        .Vectorized((cpu, a) =>
        {
            float* to = a.Y.Pointer, from = a.X.Pointer;
            Rows.ForEachPart(cpu, a.Y.Length, (start, count) =>
            {
                for (long i = start; i < start + count; i++) to[i] += a.S * (from[i] - to[i]);
            });
        })
        .Plain((device, a) => device.Launch(LerpKernel, a.Y.Length, a.Y, a.X, a.S));

    private readonly record struct One(ArrayView<float> Y, float S);

    private readonly record struct Two(ArrayView<float> Y, ArrayView<float> X, float S);

    internal static void CopyKernel(Index1D index, ArrayView<float> y, ArrayView<float> x) => y[index] = x[index];

    internal static void FillKernel(Index1D index, ArrayView<float> y, float value) => y[index] = value;

    internal static void ScaleKernel(Index1D index, ArrayView<float> y, float factor) => y[index] *= factor;

    internal static void AxpyKernel(Index1D index, ArrayView<float> y, ArrayView<float> x, float factor) =>
        y[index] += factor * x[index];

    internal static void LerpKernel(Index1D index, ArrayView<float> y, ArrayView<float> x, float amount) =>
        y[index] += amount * (x[index] - y[index]);

    /// <summary>y = value.</summary>
    public static void Fill(ComputeDevice device, ArrayView<float> y, float value) =>
        s_fill.Run(device, new One(y, value));

    /// <summary>y = factor y.</summary>
    public static void Scale(ComputeDevice device, ArrayView<float> y, float factor) =>
        s_scale.Run(device, new One(y, factor));

    /// <summary>y = x.</summary>
    public static void Copy(ComputeDevice device, ArrayView<float> y, ArrayView<float> x)
    {
        Require.Length(x, y.Length, nameof(x));
        s_copy.Run(device, new Two(y, x, 1f));
    }

    /// <summary>y = y + factor x.</summary>
    public static void Axpy(ComputeDevice device, ArrayView<float> y, ArrayView<float> x, float factor)
    {
        Require.Length(x, y.Length, nameof(x));
        s_axpy.Run(device, new Two(y, x, factor));
    }

    /// <summary>y = y + amount (x - y): a step of an exponential moving average.</summary>
    public static void Lerp(ComputeDevice device, ArrayView<float> y, ArrayView<float> x, float amount)
    {
        Require.Length(x, y.Length, nameof(x));
        s_lerp.Run(device, new Two(y, x, amount));
    }

    /// <summary>The sum of x[i] y[i], read back to the host.</summary>
    public static float Dot(ComputeDevice device, ArrayView<float> x, ArrayView<float> y)
    {
        using DeviceBuffer<float> product = device.Allocate<float>(1);
        ReductionOp.Dot(device, x, y, product.View);
        return product.GetAsArray()[0];
    }

    /// <summary>The 2-norm of x, read back to the host.</summary>
    public static float Norm(ComputeDevice device, ArrayView<float> x) => MathF.Sqrt(Dot(device, x, x));

    /// <summary>The 1-norm of x, read back to the host.</summary>
    public static float AbsoluteNorm(ComputeDevice device, ArrayView<float> x)
    {
        using DeviceBuffer<float> sum = device.Allocate<float>(1);
        ReductionOp.AbsoluteSum(device, x, sum.View);
        return sum.GetAsArray()[0];
    }
}
