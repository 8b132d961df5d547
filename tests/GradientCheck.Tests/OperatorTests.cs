using NativeStyle.Kernels.Devices;

namespace NativeStyle.GradientCheck.Tests;

/// <summary>
/// Every operator on every device against MathNet in double precision and against central differences, at fixed
/// seeds and at one drawn anew each run. A failure prints the seed; pass it to OperatorCases.All to see it again.
/// </summary>
public class OperatorTests
{
    public static TheoryData<string, int> AcceleratorsAndSeeds()
    {
        var data = new TheoryData<string, int>();
        int anew = Environment.TickCount & 0xFFFF;
        foreach (int seed in new[] { 1, 2, anew }) data.Add("cpu", seed);
        foreach (string device in new[] { "cpu-kernels", "cpu, 1 thread", "cpu-256", "cpu-128", "opencl" }) data.Add(device, anew);
        data.Add("opencl", 1);
        return data;
    }

    [SkippableTheory]
    [MemberData(nameof(AcceleratorsAndSeeds))]
    public void EveryOperatorAgreesWithItsReference(string name, int seed)
    {
        using ComputeDevice device = name switch
        {
            "cpu" => new CpuDevice(3),
            "cpu-kernels" => new CpuDevice(2, CpuPath.Kernels),
            "opencl" => TestDevice.Open(),
            "cpu-256" => new CpuDevice(2, vectorBits: 256),
            "cpu-128" => new CpuDevice(2, vectorBits: 128),
            _ => new CpuDevice(1),
        };
        List<string> failures = [];
        foreach (CheckCase check in OperatorCases.All(seed))
        {
            CheckResult result = GradientChecker.Check(check, device);
            if (!result.Passed)
            {
                failures.Add(
                    $"{check} on {device.Name}, seed {seed}: forward {result.ForwardError:g3}, backward " +
                    $"{result.BackwardError:g3}, differences {result.DifferenceError:g3}, tolerance {check.Tolerance:g3}");
            }
        }

        Assert.True(failures.Count == 0, string.Join(Environment.NewLine, failures));
    }
}
