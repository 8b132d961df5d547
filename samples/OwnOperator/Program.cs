// An operator of your own on the tape: Charbonnier's smooth magnitude, which robust losses on pictures use for |x|.
//
//   forward   y = sqrt(x² + ε²)          backward  dx = dy x / y          ε = 1/2
//
// Run it from the root of the repository:  dotnet run --project samples/OwnOperator
// Exit code 0: its gradient agrees with central differences of the reference; 1: it does not.
using ILGPU;
using NativeStyle.Autodiff;
using NativeStyle.Autodiff.Operators;
using NativeStyle.Kernels.Devices;

namespace NativeStyle.Samples;

public static class OwnOperator
{
    // The plain reference for the operator applied twice: a = f(x), b = f(a), L = the mean of (a - 1)² + (b - 1)².
    private static double Loss(double[] x)
    {
        static double F(double x) => Math.Sqrt((x * x) + 0.25);
        return x.Average(value => Math.Pow(F(value) - 1, 2) + Math.Pow(F(F(value)) - 1, 2));
    }

    // The operator: the tape makes the output, a kernel fills it, and the tape records how to go back.
    public static Tensor Charbonnier(this Tape tape, Tensor x)
    {
        Tensor y = tape.Output(x.Shape, x);
        tape.Device.Launch(ForwardKernel, x.Shape.Length, x.Data, y.Data);
        // Backward reads both, so their memory must stay until then.
        x.SaveForBackward();
        y.SaveForBackward();
        return tape.Record(y, () =>
        {
            (ArrayView<float> dx, float beta) = x.Accumulate();
            tape.Device.Launch(BackwardKernel, x.Shape.Length, x.Data, y.Data, y.Gradient, dx, beta);
        });
    }

    public static void ForwardKernel(Index1D i, ArrayView<float> x, ArrayView<float> y) =>
        y[i] = MathF.Sqrt((x[i] * x[i]) + 0.25f);

    // The first gradient that reaches x comes with beta = 0. Then dx is undefined, and the kernel does not read it.
    public static void BackwardKernel(
        Index1D i, ArrayView<float> x, ArrayView<float> y, ArrayView<float> dy, ArrayView<float> dx, float beta) =>
        dx[i] = (beta == 0f ? 0f : dx[i]) + (dy[i] * x[i] / y[i]);

    public static int Main()
    {
        using var device = new CpuDevice();
        // From -50 / 32 to 50 / 32, which float32 holds exactly.
        double[] values = [.. Enumerable.Range(-50, 101).Select(i => i / 32.0)];
        using var x = new Tensor(
            device, new Shape(101), Array.ConvertAll(values, value => (float)value), requiresGradient: true);
        using var one = new Tensor(device, x.Shape);
        one.Fill(1f);

        // Both the loss and the second operator read a, so it gets two gradients, and b only one.
        using var tape = new Tape(device);
        Tensor a = tape.Charbonnier(x), b = tape.Charbonnier(a);
        tape.Backward(tape.Sum([tape.SquaredError(a, one, 1f / 101), tape.SquaredError(b, one, 1f / 101)]));

        // Central differences: dL/dx[i] = (L(x + h e[i]) - L(x - h e[i])) / 2h, up to h² and to 2^-53 L / h.
        const double H = 1e-5;
        double Moved(int i, double by) => Loss([.. values.Select((v, j) => j == i ? v + by : v)]);
        double[] expected = [.. values.Select((_, i) => (Moved(i, H) - Moved(i, -H)) / (2 * H))];

        // Each gradient takes a dozen roundings of 2^-24, relative to the largest gradient.
        double difference = expected.Zip(x.GradientToArray(), (e, actual) => Math.Abs(e - actual)).Aggregate(Math.Max);
        double relative = difference / expected.Max(Math.Abs), bound = 12 * Math.Pow(2, -24);
        Console.WriteLine($"largest difference {relative:0.0e-0} of a gradient, expected at most {bound:0.0e-0}");
        return relative <= bound ? 0 : 1;
    }
}
