// A kernel of your own: a horizontal blur of three taps over a map of (height, width, channels).
//
//   y[row, column, c] = x[row, column - 1, c] / 4 + x[row, column, c] / 2 + x[row, column + 1, c] / 4
//
// At the left and right edges, a pixel replaces its missing neighbour. Run it from the root of the repository:
//
//   dotnet run --project samples/OwnKernel -- [--device cpu | cpu-kernels | cuda | opencl]
//
// Exit code 0: the kernel agrees with the reference; 1: it does not; 2: there is no such device.
using ILGPU;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Memory;

namespace NativeStyle.Samples;

public static class OwnKernel
{
    // The plain reference: a loop for each dimension, in double precision.
    private static double[] Blur(float[] x, int height, int width, int channels)
    {
        double[] y = new double[x.Length];
        int At(int row, int column, int c) => (((row * width) + Math.Clamp(column, 0, width - 1)) * channels) + c;
        for (int row = 0; row < height; row++)
            for (int column = 0; column < width; column++)
                for (int c = 0; c < channels; c++)
                    y[At(row, column, c)] = (x[At(row, column - 1, c)] / 4d)
                        + (x[At(row, column, c)] / 2d) + (x[At(row, column + 1, c)] / 4d);
        return y;
    }

    // The kernel: one work item computes one element, and finds its column from its index. It is public because ILGPU
    // calls it from an assembly that it makes at run time.
    public static void BlurKernel(Index1D index, ArrayView<float> x, ArrayView<float> y, int width, int channels)
    {
        int column = index / channels % width;
        float left = x[column > 0 ? index - channels : index];
        float right = x[column < width - 1 ? index + channels : index];
        y[index] = (0.25f * left) + (0.5f * x[index]) + (0.25f * right);
    }

    public static int Main(string[] args)
    {
        string name = args is ["--device", var choice] ? choice : "cpu";
        if (DeviceCatalog.Find(name) is not { WhyNot: null } listing)
        {
            Console.Error.WriteLine($"there is no device '{name}' that can be used");
            return 2;
        }

        const int Height = 60, Width = 80, Channels = 3;
        var random = new Random(1);
        float[] values = [.. Enumerable.Range(0, Height * Width * Channels).Select(_ => random.NextSingle())];

        // Three steps, the same on every device: allocate, launch, read back. Reading waits for the launch.
        using ComputeDevice device = listing.Open(0);
        using DeviceBuffer<float> x = device.Allocate<float>(values);
        using DeviceBuffer<float> y = device.Allocate<float>(x.Length);
        device.Launch(BlurKernel, x.Length, x.View, y.View, Width, Channels);

        // Products with powers of two are exact. Both sums are at most 1, and each is rounded by at most 2^-24 of it.
        double bound = Math.Pow(2, -23);
        // Unlike LINQ's Max, Math.Max keeps not-a-number, which then fails the check.
        double difference = Blur(values, Height, Width, Channels)
            .Zip(y.GetAsArray(), (expected, actual) => Math.Abs(expected - actual)).Aggregate(Math.Max);
        Console.WriteLine($"{device.Name}: largest difference {difference:0.0e-0}, expected at most {bound:0.0e-0}");
        return difference <= bound ? 0 : 1;
    }
}
