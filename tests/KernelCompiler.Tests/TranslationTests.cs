using NativeStyle.Kernels;
using NativeStyle.Kernels.OpenCl;

namespace NativeStyle.KernelCompiler.Tests;

/// <summary>
/// Every feature of the language, translated, compiled by the real driver and run, against the same C# run on the CPU
/// accelerator.
/// </summary>
public class TranslationTests
{
    private const int Count = 64;

    private static readonly int[] s_integers = [.. Enumerable.Range(0, Count).Select(i => ((i * 7919) % 1013) - 500)];
    private static readonly float[] s_floats = [.. Enumerable.Range(0, Count).Select(i => (float)Math.Sin(i * 0.7) * (i % 5 == 0 ? 40 : 3))];

    [SkippableFact]
    public void IntegersComputeAlike()
    {
        Same<int>(Count, (device, output) =>
        {
            using MemoryBuffer<int> a = device.Allocate<int>(s_integers), b = device.Allocate<int>([.. s_integers.Reverse()]);
            device.Launch(LanguageKernels.IntegerArithmetic, (Index1D)Count, a.View, b.View, output);
        });
        Same<int>(Count, (device, output) =>
        {
            using MemoryBuffer<int> a = device.Allocate<int>(s_integers);
            device.Launch(LanguageKernels.IntegerMathematics, (Index1D)Count, a.View, output);
        });
        Same<uint>(Count, (device, output) =>
        {
            using MemoryBuffer<uint> a = device.Allocate<uint>([.. s_integers.Select(i => (uint)(i * 7654321))]);
            device.Launch(LanguageKernels.UnsignedArithmetic, (Index1D)Count, a.View, output, 2654435761u);
        });
        Same<uint>(Count, (device, output) => device.Launch(LanguageKernels.LongIntegers, (Index1D)Count, output, 12345678901L));
    }

    /// <summary>Also where a real does not fit into an integer, and where it is not a number.</summary>
    [SkippableFact]
    public void RealsConvertAndRoundAlike()
    {
        float[] odd = [.. s_floats[..(Count - 6)], 1e20f, -1e20f, float.NaN, float.PositiveInfinity, 2.5f, -2.5f];
        Same<int>(Count, (device, output) => Convert(device, output, default, default));
        Same<uint>(Count, (device, output) => Convert(device, default, output, default));
        Same<float>(Count, (device, output) => Convert(device, default, default, output));
        Same<float>(Count, (device, output) =>
        {
            using MemoryBuffer<float> a = device.Allocate<float>(odd);
            device.Launch(LanguageKernels.NotANumber, (Index1D)Count, a.View, output);
        });

        void Convert(Accelerator device, ArrayView<int> integers, ArrayView<uint> unsigned, ArrayView<float> floats)
        {
            using MemoryBuffer<float> a = device.Allocate<float>(odd), spareFloats = device.Allocate<float>(Count);
            using MemoryBuffer<int> spareInts = device.Allocate<int>(Count);
            using MemoryBuffer<uint> spareUints = device.Allocate<uint>(Count);
            device.Launch(
                LanguageKernels.Conversions, (Index1D)Count, a.View, integers.IsValid ? integers : spareInts.View,
                unsigned.IsValid ? unsigned : spareUints.View, floats.IsValid ? floats : spareFloats.View);
        }
    }

    [SkippableFact]
    public void MathematicsAgreesToAFewRoundings()
    {
        Near(Count, 2e-6, (device, output) =>
        {
            using MemoryBuffer<float> a = device.Allocate<float>(s_floats);
            device.Launch(LanguageKernels.Mathematics, (Index1D)Count, a.View, output);
        });
        Near(Count * 4, 1e-6, (device, output) =>
        {
            using MemoryBuffer<float> a = device.Allocate<float>([.. s_floats, .. s_floats, .. s_floats, .. s_floats]);
            device.Launch(LanguageKernels.Vectors, (Index1D)Count, a.View, output);
        });
    }

    [SkippableFact]
    public void DoublesAgree()
    {
        using OpenClAccelerator device = TestDevice.Open();
        Skip.IfNot(OpenClDevice.All[0].HasDouble, "the device has no double precision");
        double[] expected = Run(new CpuAccelerator(2)), actual = Run(device);
        for (int i = 0; i < Count; i++) Assert.Equal(expected[i], actual[i], 1e-12 * Math.Abs(expected[i]));

        static double[] Run(Accelerator accelerator)
        {
            using MemoryBuffer<double> a = accelerator.Allocate<double>([.. s_floats.Select(value => Math.Abs((double)value))]);
            using MemoryBuffer<double> output = accelerator.Allocate<double>(Count);
            accelerator.Launch(LanguageKernels.Doubles, (Index1D)Count, a.View, output.View, 1.000000001);
            return output.GetAsArray();
        }
    }

    [SkippableFact]
    public void ControlFlowGoesTheSameWay()
    {
        Same<int>(Count, (device, output) => device.Launch(LanguageKernels.Loops, (Index1D)Count, output));
        Same<int>(Count, (device, output) =>
        {
            using MemoryBuffer<int> a = device.Allocate<int>(s_integers);
            device.Launch(LanguageKernels.Conditions, (Index1D)Count, a.View, output);
        });
        Same<int>(Count, (device, output) =>
        {
            using MemoryBuffer<int> a = device.Allocate<int>(s_integers);
            device.Launch(LanguageKernels.Helpers, (Index1D)Count, a.View, output);
        });
        Same<int>(Count, (device, output) =>
        {
            using MemoryBuffer<int> a = device.Allocate<int>(s_integers);
            device.Launch(LanguageKernels.ReservedNames, (Index1D)Count, a.View, output, 3, 4);
        });
    }

    /// <summary>Extents that are no multiples of a group's size, in one, two and three dimensions.</summary>
    [SkippableFact]
    public void EveryIndexRunsOnce()
    {
        Same<int>(37 * 11, (device, output) => device.Launch(LanguageKernels.TwoDimensions, new Index2D(37, 11), output, 37));
        Same<int>(7 * 5 * 3, (device, output) => device.Launch(LanguageKernels.ThreeDimensions, new Index3D(7, 5, 3), output, 7, 5));
    }

    [SkippableFact]
    public void GroupsShareMemoryAndWaitForEachOther()
    {
        Same<int>(4 * 3 * 2 * 3, (device, output) =>
            device.LaunchGrouped(LanguageKernels.Groups, new KernelConfig(new Index2D(3, 3), new Index2D(4, 2)), output));
        Same<int>(48, (device, output) =>
        {
            using MemoryBuffer<int> input = device.Allocate<int>(s_integers);
            device.LaunchGrouped(LanguageKernels.SharedReverse, new KernelConfig(3, 16), input.View, output);
        });
    }

    [SkippableFact]
    public void AtomicsLoseNothing() => Same<int>(4, (device, output) =>
    {
        using MemoryBuffer<int> a = device.Allocate<int>(s_integers);
        using MemoryBuffer<uint> count = device.Allocate<uint>(new uint[4]);
        device.Launch(LanguageKernels.Atomics, (Index1D)Count, a.View, output, count.View);
        Assert.Equal(new uint[] { 32, 32, 32, 32 }, count.GetAsArray());
    });

    /// <summary>Windows on views, lengths, and the default view that stands for no array.</summary>
    [SkippableTheory]
    [InlineData(true)]
    [InlineData(false)]
    public void ViewsKeepTheirPlaceAndLength(bool optional) => Same<int>(Count, (device, output) =>
    {
        using MemoryBuffer<int> a = device.Allocate<int>(s_integers), other = device.Allocate<int>(new int[8]);
        device.Launch(LanguageKernels.Views, (Index1D)Count, a.View.SubView(5, 40), optional ? other.View : default, output);
    });

    [SkippableFact]
    public void EveryTranslationOfThisProgramCompiles()
    {
        using OpenClAccelerator device = TestDevice.Open();
        Assert.True(KernelRegistry.All.Count >= 45, $"only {KernelRegistry.All.Count} kernels are registered");
        foreach (TranslatedKernel kernel in KernelRegistry.All) device.Compile(kernel);
    }

    [Fact]
    public void ATranslationKeepsNamesStructureAndComments()
    {
        TranslatedKernel kernel = KernelRegistry.All.Single(kernel => kernel.Name == "LanguageKernels.Helpers");
        Assert.Contains("// The same helper on global and on private memory.", kernel.OpenCl, StringComparison.Ordinal);
        Assert.Contains("int LanguageKernels_Largest(__global int* values, int count)", kernel.OpenCl, StringComparison.Ordinal);
        Assert.Contains("(3 * LanguageKernels_Largest_(copy, 4))", kernel.OpenCl, StringComparison.Ordinal);
        Assert.Contains("private static int Largest(ArrayView<int> values, int count)", kernel.CSharp, StringComparison.Ordinal);
        Assert.Contains("#pragma unroll", kernel.OpenCl, StringComparison.Ordinal);
    }

    /// <summary>Runs on both and compares exactly.</summary>
    private static void Same<T>(int length, Action<Accelerator, ArrayView<T>> run) where T : unmanaged
    {
        (T[] expected, T[] actual) = Both(length, run);
        Assert.Equal(expected, actual);
    }

    private static void Near(int length, double tolerance, Action<Accelerator, ArrayView<float>> run)
    {
        (float[] expected, float[] actual) = Both(length, run);
        for (int i = 0; i < length; i++) Assert.Equal(expected[i], actual[i], tolerance * Math.Max(1, Math.Abs(expected[i])));
    }

    private static (T[] Expected, T[] Actual) Both<T>(int length, Action<Accelerator, ArrayView<T>> run) where T : unmanaged
    {
        using OpenClAccelerator device = TestDevice.Open();
        using var cpu = new CpuAccelerator(2, CpuPath.Kernels);
        T[][] outputs = [.. new Accelerator[] { cpu, device }.Select(accelerator =>
        {
            using MemoryBuffer<T> output = accelerator.Allocate<T>(new T[length]);
            run(accelerator, output.View);
            return output.GetAsArray();
        })];
        return (outputs[0], outputs[1]);
    }
}
