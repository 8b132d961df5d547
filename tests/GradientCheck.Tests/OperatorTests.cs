using NativeStyle.Kernels.Devices;

namespace NativeStyle.GradientCheck.Tests;

/// <summary>
/// Checks every operator on every device against MathNet in double precision and against central differences, at a seed
/// that is drawn in each run. A failure prints the seed; pass it to OperatorCases.All to reproduce the failure. (The
/// tests of the command line check every operator at a fixed seed.)
/// </summary>
public class OperatorTests
{
    private static readonly int s_seed = Environment.TickCount & 0xFFFF;

    /// <summary>The cases, which share their references between all devices.</summary>
    private static readonly Lazy<CheckCase[]> s_cases = new(() => [.. OperatorCases.All(s_seed)]);

    [Theory]
    [InlineData("cpu")]
    [InlineData("cpu, 1 thread")]
    [InlineData("cpu-256")]
    [InlineData("cpu-128")]
    [InlineData("cpu-kernels")]
    public void EveryOperatorAgreesWithItsReference(string name)
    {
        using ComputeDevice device = name == "cpu, 1 thread" ? new CpuDevice(1) : TestDevice.Open(name);
        Check(device);
    }

    [SkippableFact]
    [Trait("Device", "OpenCl")]
    public void SoItDoesOnOpenCl()
    {
        using ComputeDevice device = TestDevice.OpenCl();
        Check(device);
    }

    private static void Check(ComputeDevice device)
    {
        List<string> failures = [];
        foreach (CheckCase check in s_cases.Value.Where(check => check.RunsOn(device)))
        {
            CheckResult result = GradientChecker.Check(check, device);
            if (!result.Passed)
            {
                failures.Add(
                    $"{check} on {device.Name}, seed {s_seed}: forward {result.ForwardError:g3}, "
                    + $"backward {result.BackwardError:g3}, differences {result.DifferenceError:g3}, "
                    + $"tolerance {check.Tolerance:g3}");
            }
        }

        Assert.True(failures.Count == 0, string.Join(Environment.NewLine, failures));
    }
}
