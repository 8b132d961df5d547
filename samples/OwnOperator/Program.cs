// An operator of your own, the whole way: kernels, a wrapper, an entry on the tape, a reference, the gradient check.
// It is Charbonnier's smooth magnitude, which robust losses on pictures use for |x|.
//
//   forward   y = sqrt(x² + ε²)          backward  dx = dy x / y          ε = 1/2
//
// Run it from the root of the repository:  dotnet run --project samples/OwnOperator
// Exit code 0: output and gradient agree with the reference and with central differences on every device that runs here
// without a GPU; 1: they do not.
using System.Globalization;
using ILGPU;
using NativeStyle.Autodiff;
using NativeStyle.GradientCheck;
using NativeStyle.Kernels.Devices;

namespace NativeStyle.Samples;

/// <summary>1. The kernels, and 2. the wrapper that checks lengths and launches them.</summary>
public static class CharbonnierOp
{
    public const float SquaredEpsilon = 0.25f;

    /// <summary>One work item computes one element.</summary>
    public static void ForwardKernel(Index1D i, ArrayView<float> x, ArrayView<float> y) =>
        y[i] = MathF.Sqrt((x[i] * x[i]) + SquaredEpsilon);

    /// <summary>
    /// The first gradient that reaches x comes with beta = 0. Then dx is undefined, and the kernel does not read it.
    /// Each later one comes with beta = 1, and is added.
    /// </summary>
    public static void BackwardKernel(
        Index1D i, ArrayView<float> x, ArrayView<float> y, ArrayView<float> dy, ArrayView<float> dx, float beta) =>
        dx[i] = (beta == 0f ? 0f : beta * dx[i]) + (dy[i] * x[i] / y[i]);

    /// <summary>y = sqrt(x² + ε²).</summary>
    public static void Forward(ComputeDevice device, ArrayView<float> x, ArrayView<float> y)
    {
        Require(y, x.Length, nameof(y));
        device.Launch(ForwardKernel, x.Length, x, y);
    }

    /// <summary>dx = beta dx + dy x / y.</summary>
    public static void Backward(
        ComputeDevice device, ArrayView<float> x, ArrayView<float> y, ArrayView<float> dy, ArrayView<float> dx,
        float beta)
    {
        Require(y, x.Length, nameof(y));
        Require(dy, x.Length, nameof(dy));
        Require(dx, x.Length, nameof(dx));
        device.Launch(BackwardKernel, x.Length, x, y, dy, dx, beta);
    }

    private static void Require(ArrayView<float> view, long length, string name)
    {
        if (view.Length != length) throw new ArgumentException($"{view.Length} elements, expected {length}", name);
    }
}

/// <summary>3. The entry on the tape, forward and backward side by side.</summary>
public static class CharbonnierOperator
{
    /// <summary>y = sqrt(x² + ε²), of x's shape.</summary>
    public static Tensor Charbonnier(this Tape tape, Tensor x)
    {
        Tensor y = tape.Output(x.Shape, x);
        CharbonnierOp.Forward(tape.Device, x.Data, y.Data);
        // Backward reads both, so their memory must stay until then.
        x.SaveForBackward();
        y.SaveForBackward();
        return tape.Record(y, () =>
        {
            (ArrayView<float> dx, float beta) = x.Accumulate();
            CharbonnierOp.Backward(tape.Device, x.Data, y.Data, y.Gradient, dx, beta);
        });
    }
}

public static class OwnOperator
{
    // 4. The reference, in double precision and written for clarity: the operator, and its transposed Jacobian.
    private static double Charbonnier(double x) => Math.Sqrt((x * x) + CharbonnierOp.SquaredEpsilon);

    private static double[] Forward(double[] x) => Array.ConvertAll(x, Charbonnier);

    private static double[] Backward(double[] x, double[] dy) => [.. x.Zip(dy, (x, dy) => dy * x / Charbonnier(x))];

    /// <summary>
    /// 5. The case of the gradient check. All its numbers are multiples of 1/32, which float32 holds exactly.
    /// </summary>
    private static CheckCase Case()
    {
        var shape = new Shape(101);
        return new CheckCase
        {
            Operator = "Charbonnier",
            Variant = $"{shape}",
            Inputs = [[.. Enumerable.Range(-50, 101).Select(i => i / 32.0)]],
            Differentiable = 1,
            OutputGradient = [.. Enumerable.Range(0, 101).Select(i => ((i % 7) - 3) / 4.0)],
            Reference = inputs => Forward(inputs[0]),
            ReferenceBackward = (inputs, dy) => [Backward(inputs[0], dy)],
            Run = (device, inputs, dy) =>
            {
                // The second pass must add to what the first wrote: half of the sum is the gradient.
                using var x = new Tensor(device, shape, inputs[0], requiresGradient: true);
                float[] output = [];
                for (int pass = 0; pass < 2; pass++)
                {
                    using var tape = new Tape(device);
                    Tensor y = tape.Charbonnier(x);
                    output = y.ToArray();
                    tape.Backward(y, dy);
                }

                return (output, [Array.ConvertAll(x.GradientToArray(), gradient => gradient / 2)]);
            },
            Tolerance = 6 * Math.Pow(2, -24),
            ToleranceReason = "six roundings of 2^-24",
        };
    }

    public static int Main()
    {
        bool passed = true;
        foreach (Func<ComputeDevice> open in new Func<ComputeDevice>[] { () => new CpuDevice(), KernelDevice.OnCpu })
        {
            using ComputeDevice device = open();
            CheckResult result = GradientChecker.Check(Case(), device);
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{device.Name}: errors {result.ForwardError:0.0e-0} forward and "
                    + $"{result.BackwardError:0.0e-0} backward, "
                    + $"at most {result.Case.Tolerance:0.0e-0} allowed; {result.DifferenceError:0.0e-0} from central "
                    + $"differences, which have errors of their own: {(result.Passed ? "passed" : "FAILED")}"));
            passed &= result.Passed;
        }

        return passed ? 0 : 1;
    }
}
