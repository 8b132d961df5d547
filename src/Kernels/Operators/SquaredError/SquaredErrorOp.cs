using System.Runtime.Intrinsics;
using ILGPU;
using ILGPU.Runtime;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Memory;
using NativeStyle.Kernels.Operators.Reduction;
using NativeStyle.Kernels.Simd;

namespace NativeStyle.Kernels.Operators.SquaredError;

// The loss that every content and style loss uses; systems differ only in the scale s.
//
//   forward   L = s sum over i of (x[i] - t[i])²
//   backward  dx[i] = 2 s (x[i] - t[i]) dL

/// <summary>A scaled sum of squared differences from a fixed target.</summary>
public static unsafe class SquaredErrorOp
{
    private static readonly Operator<ForwardArguments> s_forward = new Operator<ForwardArguments>(
            "SquaredError.Forward", a => ($"{a.X.Length}", Work.Each(a.X.Length, 3, 2)))
        .Vectorized(VectorForward)
        .Plain(
            (device, a) => ReductionOp.Steps(
                device, a.X.Length, a.Loss, a.Scale,
                partials => device.Launch(PartsKernel, partials.Length, a.X, a.Target, partials)));

    private static readonly Operator<BackwardArguments> s_backward = new Operator<BackwardArguments>(
            "SquaredError.Backward", a => ($"{a.X.Length}", Work.Each(a.X.Length, 2, 3)))
        .Vectorized(VectorBackward)
        .Plain((device, a) => device.Launch(
            BackwardKernel, a.X.Length, a.X, a.Target, a.GradLoss, a.GradX, a.Scale, a.Beta));

    private readonly record struct ForwardArguments(
        ArrayView<float> X, ArrayView<float> Target, ArrayView<float> Loss, float Scale);

    private readonly record struct BackwardArguments(
        ArrayView<float> X,
        ArrayView<float> Target,
        ArrayView<float> GradLoss,
        ArrayView<float> GradX,
        float Scale,
        float Beta);

    internal static void PartsKernel(
        Index1D part, ArrayView<float> x, ArrayView<float> target, ArrayView<float> partials)
    {
        float sum = 0f;
        for (int i = part; i < x.IntLength; i += partials.IntLength)
        {
            float difference = x[i] - target[i];
            sum += difference * difference;
        }

        partials[part] = sum;
    }

    internal static void BackwardKernel(
        Index1D index,
        ArrayView<float> x,
        ArrayView<float> target,
        ArrayView<float> gradLoss,
        ArrayView<float> gradX,
        float scale,
        float beta) =>
        Accumulate.Into(ref gradX[index], 2f * scale * gradLoss[0] * (x[index] - target[index]), beta);

    /// <summary>loss[0] = scale x sum of (x - target)².</summary>
    public static void Forward(
        ComputeDevice device, ArrayView<float> x, ArrayView<float> target, ArrayView<float> loss, float scale)
    {
        Require.Length(target, x.Length, nameof(target));
        Require.Length(loss, 1, nameof(loss));
        s_forward.Run(device, new ForwardArguments(x, target, loss, scale));
    }

    /// <summary>dx = beta dx + 2 scale dL (x - target).</summary>
    /// <param name="gradLoss">dL, one element.</param>
    public static void Backward(
        ComputeDevice device, ArrayView<float> x, ArrayView<float> target, ArrayView<float> gradLoss,
        ArrayView<float> gradX, float scale, float beta)
    {
        Require.Length(target, x.Length, nameof(target));
        Require.Length(gradX, x.Length, nameof(gradX));
        Require.Length(gradLoss, 1, nameof(gradLoss));
        s_backward.Run(device, new BackwardArguments(x, target, gradLoss, gradX, scale, beta));
    }

    private static void VectorForward(CpuDevice cpu, ForwardArguments arguments)
    {
        float* a = arguments.X.Pointer, t = arguments.Target.Pointer;
        *arguments.Loss.Pointer = (float)(arguments.Scale * Rows.SumParts(cpu, arguments.X.Length, (start, count) =>
        {
            Vector512<double> sums = default;
            int i = 0;
            for (; i <= count - 8; i += 8)
            {
                Vector256<float> difference = Vector256.Load(a + start + i) - Vector256.Load(t + start + i);
                sums += ReductionOp.Widen(difference * difference);
            }

            double sum = Vector512.Sum(sums);
            for (; i < count; i++) sum += (a[start + i] - t[start + i]) * (a[start + i] - t[start + i]);
            return sum;
        }));
    }

    private static void VectorBackward(CpuDevice cpu, BackwardArguments arguments)
    {
        float* a = arguments.X.Pointer, t = arguments.Target.Pointer, dx = arguments.GradX.Pointer;
        float factor = 2f * arguments.Scale * *arguments.GradLoss.Pointer, beta = arguments.Beta;
        Rows.ForEachPart(cpu, arguments.X.Length, (start, count) =>
        {
            for (long i = start; i < start + count; i++) Accumulate.Into(ref dx[i], factor * (a[i] - t[i]), beta);
        });
    }
}
