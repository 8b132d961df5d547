// The Gram matrix from its formula to a kernel, forward and backward, on a map of 2 x 2 pixels and 2 channels.
//
//   forward   G[i, j] = s Σ_p F[p, i] F[p, j]
//   backward  dF[p, i] = s Σ_j F[p, j] (dG[i, j] + dG[j, i])
//
// Every number is printed. All are small multiples of powers of two, so float32 computes them exactly, and every way to
// compute them must give the same bits. Run it from the root of the repository:
//
//   dotnet run --project samples/GramByHand -- [--device cpu | cpu-kernels | cuda | opencl]
//
// Exit code 0: formula, kernels, library and central differences agree; 1: they do not; 2: there is no such device.
using System.Globalization;
using ILGPU;
using NativeStyle.Autodiff;
using NativeStyle.Autodiff.Operators;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Memory;

namespace NativeStyle.Samples;

public static class GramByHand
{
    private const int Pixels = 4, Channels = 2;
    private const float S = 1f / Pixels;

    // F as it lies in memory: pixel after pixel, and the channels of a pixel side by side.
    private static readonly float[] s_features = [1, 2, 0, 3, 2, -1, 1, 2];

    // Some dL/dG. It is not symmetric, so that a backward that forgets one of the two terms gives other numbers.
    private static readonly float[] s_gradGram = [1, 0, 4, -2];

    /// <summary>The kernel: one work item computes one element of G, by the sum over pixels.</summary>
    public static void ForwardKernel(Index1D index, ArrayView<float> features, ArrayView<float> gram)
    {
        int i = index / Channels, j = index % Channels;
        float sum = 0f;
        for (int p = 0; p < Pixels; p++) sum += features[(p * Channels) + i] * features[(p * Channels) + j];
        gram[index] = S * sum;
    }

    /// <summary>
    /// One work item computes one element of dF. It gathers from all elements of G that it went into, so that no two
    /// work items write to the same place.
    /// </summary>
    public static void BackwardKernel(
        Index1D index, ArrayView<float> features, ArrayView<float> gradGram, ArrayView<float> gradFeatures)
    {
        int p = index / Channels, i = index % Channels;
        float sum = 0f;
        for (int j = 0; j < Channels; j++)
            sum += features[(p * Channels) + j] * (gradGram[(i * Channels) + j] + gradGram[(j * Channels) + i]);
        gradFeatures[index] = S * sum;
    }

    // The formula as it stands: a loop for each of its letters.
    private static double[] Gram(double[] f)
    {
        double[] gram = new double[Channels * Channels];
        for (int i = 0; i < Channels; i++)
            for (int j = 0; j < Channels; j++)
                for (int p = 0; p < Pixels; p++)
                    gram[(i * Channels) + j] += S * f[(p * Channels) + i] * f[(p * Channels) + j];
        return gram;
    }

    // L = Σ dG ∘ G is the number whose derivative the backward pass computes, if dL/dG is dG.
    private static double Loss(double[] f) => Gram(f).Zip(s_gradGram, (g, dg) => g * dg).Sum();

    public static int Main(string[] args)
    {
        string name = args is ["--device", var choice] ? choice : "cpu";
        if (DeviceCatalog.Find(name) is not { WhyNot: null } listing)
        {
            Console.Error.WriteLine($"there is no device '{name}' that can be used");
            return 2;
        }

        double[] f = Array.ConvertAll(s_features, value => (double)value);
        double[] gram = Gram(f), byHand = [6 / 4.0, 2 / 4.0, 2 / 4.0, 18 / 4.0];
        Print("F, a row for each pixel", s_features);
        Console.WriteLine($"""
            G[i, j] tells how much channels i and j are active together. By the formula, with s = 1 / 4 pixels:

              G[0, 0] = s (1·1 + 0·0 + 2·2 + 1·1)       = s 6  = {Text(byHand[0])}
              G[0, 1] = s (1·2 + 0·3 + 2·(-1) + 1·2)    = s 2  = {Text(byHand[1])}
              G[1, 1] = s (2·2 + 3·3 + (-1)·(-1) + 2·2) = s 18 = {Text(byHand[3])}

            Where the pixels are does not matter: any order of the rows of F gives the same G.

            Which G contain F[p, i]? All of row i and all of column i: G[i, j] with the factor s F[p, j], and G[j, i]
            with the same. (G[i, i] contains it twice, and is counted twice.) So with dG[0, 1] = 0 and dG[1, 0] = 4

              dF[0, 0] = s (F[0, 0] (dG[0, 0] + dG[0, 0]) + F[0, 1] (dG[0, 1] + dG[1, 0]))
                       = s (1 (1 + 1) + 2 (0 + 4)) = s 10 = {Text(10 / 4.0)}

            """);

        // The same by the kernels. The library's operator is one more step: it also chooses the fastest form.
        using ComputeDevice device = listing.Open(0);
        using DeviceBuffer<float> features = device.Allocate<float>(s_features);
        using DeviceBuffer<float> gradGram = device.Allocate<float>(s_gradGram);
        using DeviceBuffer<float> kernelGram = device.Allocate<float>(gram.Length);
        using DeviceBuffer<float> kernelGradient = device.Allocate<float>(f.Length);
        device.Launch(ForwardKernel, kernelGram.Length, features.View, kernelGram.View);
        device.Launch(BackwardKernel, kernelGradient.Length, features.View, gradGram.View, kernelGradient.View);
        using var map = new Tensor(device, new Shape(2, 2, Channels), s_features, requiresGradient: true);
        using var tape = new Tape(device);
        Tensor ofLibrary = tape.Gram(map, S);
        float[] libraryGram = ofLibrary.ToArray();
        tape.Backward(ofLibrary, s_gradGram);

        // L is quadratic, so central differences have no error but rounding, and here there is none.
        const double H = 1.0 / 1024;
        double Moved(int i, double by) => Loss([.. f.Select((value, at) => at == i ? value + by : value)]);
        double[] differences = [.. f.Select((_, i) => (Moved(i, H) - Moved(i, -H)) / (2 * H))];

        float[] ofKernel = kernelGram.GetAsArray(), gradient = kernelGradient.GetAsArray();
        Print($"G by the kernel, on {device.Name}", ofKernel);
        Print("dF by the kernel", gradient);
        bool agree = gram.SequenceEqual(byHand) && differences[0] == 10 / 4.0
            && Same(gram, ofKernel) && Same(gram, libraryGram)
            && Same(differences, gradient) && Same(differences, map.GradientToArray());
        Console.WriteLine(agree
            ? "formula, kernels, the library's operator and central differences agree in every bit"
            : "they differ");
        return agree ? 0 : 1;
    }

    private static bool Same(double[] expected, float[] actual) =>
        expected.Length == actual.Length && expected.Zip(actual, (a, b) => a == b).All(same => same);

    private static string Text(double value) => value.ToString(CultureInfo.InvariantCulture);

    private static void Print(string title, float[] matrix)
    {
        Console.WriteLine($"{title}:\n");
        foreach (float[] row in matrix.Chunk(Channels))
            Console.WriteLine("  " + string.Concat(row.Select(value => $"{Text(value),7}")));
        Console.WriteLine();
    }
}
