using System.Collections.Concurrent;
using NativeStyle.Kernels.Devices;

namespace NativeStyle.GradientCheck.Tests;

/// <summary>
/// Checks every operator on every device against MathNet in double precision and against central differences, at a
/// fixed seed and at one that is drawn in each run. A failure prints the seed; pass it to OperatorCases.All to
/// reproduce the failure.
/// </summary>
public class OperatorTests
{
    private static readonly int s_freshSeed = Environment.TickCount & 0xFFFF;

    /// <summary>The cases by seed, which share their references between all devices.</summary>
    private static readonly ConcurrentDictionary<int, CheckCase[]> s_cases = [];

    public static TheoryData<string, int> DevicesAndSeeds()
    {
        var data = new TheoryData<string, int> { { "cpu", 1 } };
        foreach (string device in new[] { "cpu", "cpu, 1 thread", "cpu-256", "cpu-128", "cpu-kernels" })
            data.Add(device, s_freshSeed);
        return data;
    }

    [Theory]
    [MemberData(nameof(DevicesAndSeeds))]
    public void EveryOperatorAgreesWithItsReference(string name, int seed)
    {
        using ComputeDevice device = name == "cpu, 1 thread" ? new CpuDevice(1) : TestDevice.Open(name);
        Check(device, seed);
    }

    [SkippableFact]
    [Trait("Device", "OpenCl")]
    public void SoItDoesOnOpenCl()
    {
        using ComputeDevice device = TestDevice.OpenCl();
        Check(device, 1);
        Check(device, s_freshSeed);
    }

    private static void Check(ComputeDevice device, int seed)
    {
        List<string> failures = [];
        CheckCase[] cases = s_cases.GetOrAdd(seed, newSeed => [.. OperatorCases.All(newSeed)]);
        foreach (CheckCase check in cases.Where(check => check.RunsOn(device)))
        {
            CheckResult result = GradientChecker.Check(check, device);
            if (!result.Passed)
            {
                failures.Add(
                    $"{check} on {device.Name}, seed {seed}: forward {result.ForwardError:g3}, "
                    + $"backward {result.BackwardError:g3}, differences {result.DifferenceError:g3}, "
                    + $"tolerance {check.Tolerance:g3}");
            }
        }

        Assert.True(failures.Count == 0, string.Join(Environment.NewLine, failures));
    }
}
