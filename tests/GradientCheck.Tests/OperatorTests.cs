using NativeStyle.Kernels;

namespace NativeStyle.GradientCheck.Tests;

/// <summary>
/// Every operator on every accelerator against MathNet in double precision and against central differences, at fixed
/// seeds and at one drawn anew each run. A failure prints the seed; pass it to OperatorCases.All to see it again.
/// </summary>
public class OperatorTests
{
    public static TheoryData<string, int> AcceleratorsAndSeeds()
    {
        var data = new TheoryData<string, int>();
        int anew = Environment.TickCount & 0xFFFF;
        foreach (int seed in new[] { 1, 2, anew }) data.Add("cpu", seed);
        foreach (string accelerator in new[] { "cpu-kernels", "cpu, 1 thread", "cpu-256", "cpu-128", "opencl" }) data.Add(accelerator, anew);
        data.Add("opencl", 1);
        return data;
    }

    [SkippableTheory]
    [MemberData(nameof(AcceleratorsAndSeeds))]
    public void EveryOperatorAgreesWithItsReference(string name, int seed)
    {
        using Accelerator accelerator = name switch
        {
            "cpu" => new CpuAccelerator(3),
            "cpu-kernels" => new CpuAccelerator(2, CpuPath.Kernels),
            "opencl" => TestDevice.Open(),
            "cpu-256" => new CpuAccelerator(2, vectorBits: 256),
            "cpu-128" => new CpuAccelerator(2, vectorBits: 128),
            _ => new CpuAccelerator(1),
        };
        List<string> failures = [];
        foreach (CheckCase check in OperatorCases.All(seed))
        {
            CheckResult result = GradientChecker.Check(check, accelerator);
            if (!result.Passed)
            {
                failures.Add(
                    $"{check} on {accelerator.Name}, seed {seed}: forward {result.ForwardError:g3}, backward " +
                    $"{result.BackwardError:g3}, differences {result.DifferenceError:g3}, tolerance {check.Tolerance:g3}");
            }
        }

        Assert.True(failures.Count == 0, string.Join(Environment.NewLine, failures));
    }
}
