using NativeStyle.Kernels.Memory;
using NativeStyle.Kernels.Operators.Vectors;

namespace NativeStyle.Kernels.Tests;

public class OpenClTests
{
    [SkippableFact]
    public void MemoryGoesThereAndBackAndIsUsedAgain()
    {
        using OpenClAccelerator device = TestDevice.Open();
        var random = new Random(2);
        List<(DeviceBuffer<int> Buffer, int[] Values)> live = [];
        for (int step = 0; step < 200; step++)
        {
            int[] values = new int[random.Next(1, random.Next(4) == 0 ? 900_000 : 3_000)];
            Array.Fill(values, step);
            live.Add((device.Allocate<int>(values), values));
            if (live.Count < 12) continue;
            int at = random.Next(live.Count);
            Assert.Equal(live[at].Values, live[at].Buffer.GetAsArray());
            live[at].Buffer.Dispose();
            live.RemoveAt(at);
        }

        foreach ((DeviceBuffer<int> buffer, int[] values) in live)
        {
            Assert.Equal(values, buffer.GetAsArray());
            buffer.Dispose();
        }

        Assert.Equal(0, device.MemoryBytes.InUse);
        device.TrimPool();
        Assert.Equal(0, device.MemoryBytes.Held);
    }

    [SkippableFact]
    public void WindowsOnBuffersAreWrittenInPlace()
    {
        using OpenClAccelerator device = TestDevice.Open();
        using DeviceBuffer<float> buffer = device.Allocate<float>(new float[100]);
        VectorOps.Fill(device, buffer.View.SubView(7, 20), 3f);
        float[] values = buffer.GetAsArray();
        Assert.Equal(Enumerable.Range(0, 100).Select(i => i is >= 7 and < 27 ? 3f : 0f), values);
    }

    [SkippableFact]
    public void ASourceThatTheDriverRefusesIsAnErrorWithItsLog()
    {
        using OpenClAccelerator device = TestDevice.Open();
        var broken = new TranslatedKernel("A.Broken", "Kernel", "Broken_Kernel", false, false, [], "", "__kernel void Broken_Kernel() { nonsense = 1; }");
        OpenClException error = Assert.Throws<OpenClException>(() => device.Compile(broken));
        Assert.Contains("clBuildProgram failed with -11 (CL_BUILD_PROGRAM_FAILURE)", error.Message, StringComparison.Ordinal);
        Assert.Contains("nonsense", error.Message, StringComparison.Ordinal);
    }

    [SkippableFact]
    public void TooMuchMemoryIsAnErrorThatSaysSo()
    {
        using OpenClAccelerator device = TestDevice.Open();
        long tooMuch = OpenClDevice.All[0].LargestAllocation + 4096;
        OutOfMemoryException error = Assert.ThrowsAny<OutOfMemoryException>(() => device.Allocate<float>(tooMuch / 4 + 1024));
        Assert.Contains("MiB", error.Message, StringComparison.Ordinal);
    }

    /// <summary>The second device takes the driver's binary from disk; one that was damaged is built anew.</summary>
    [SkippableFact]
    public void ProgramsAreCachedAndADamagedCacheIsNoHarm()
    {
        using var folder = new TemporaryFolder();
        for (int round = 0; round < 3; round++)
        {
            using OpenClAccelerator device = TestDevice.Open(folder.Path);
            using DeviceBuffer<float> buffer = device.Allocate<float>(new float[5]);
            VectorOps.Fill(device, buffer.View, round);
            Assert.All(buffer.GetAsArray(), value => Assert.Equal(round, value));
            string file = Assert.Single(Directory.GetFiles(folder.Path));
            Assert.EndsWith(".bin", file, StringComparison.Ordinal);
            if (round == 1) File.WriteAllBytes(file, [1, 2, 3, 4]);
        }
    }
}
