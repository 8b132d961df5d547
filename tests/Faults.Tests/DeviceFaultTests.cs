using System.Diagnostics;
using ILGPU.Runtime.OpenCL;
using NativeStyle.FeedForward;
using NativeStyle.FeedForward.Training;
using NativeStyle.Kernels.Devices;
using Xunit.Abstractions;

[assembly: CollectionBehavior(DisableTestParallelization = true)]

namespace NativeStyle.Faults.Tests;

/// <summary>
/// Lets the n-th call of a device fail, once or from then on. NATIVESTYLE_DAMAGE_ROUNDS says how many calls of each
/// kind are tried: they are spread over the run. A driver has several faults. Where all of them at all these calls
/// would be more than that number, they take turns.
/// </summary>
public class DeviceFaultTests(ITestOutputHelper output)
{
    public static TheoryData<string> Scenarios() =>
        [.. Scenario.All.Where(scenario => scenario.ForDevices).Select(scenario => scenario.Name)];

    /// <summary>
    /// A driver takes long to compile a command's kernels, so the ordinary test run tries one command there.
    /// </summary>
    public static TheoryData<string> DriverScenarios() => Damage.Rounds(0) > 0 ? Scenarios() : ["transfer"];

    [Theory]
    [MemberData(nameof(Scenarios))]
    public void OnTheCpu(string scenario) =>
        // The system refuses memory: for the pool, for an operator's scratch, for a copy on the host.
        Try(scenario, "cpu", usualRounds: 2, [("no memory", _ => new InsufficientMemoryException())]);

    [SkippableTheory]
    [MemberData(nameof(DriverScenarios))]
    [Trait("Device", "OpenCl")]
    public void OnOpenCl(string scenario)
    {
        TestDevice.OpenCl().Dispose();
        // The exceptions that are thrown here leave the driver as it is, so its kernels serve every run.
        DeviceCatalog.KeepsDrivers = true;
        Try(scenario, "opencl", usualRounds: 1,
        [
            ("no memory", _ => new CLException(CLError.CL_MEM_OBJECT_ALLOCATION_FAILURE)),
            ("no resources", _ => new CLException(CLError.CL_OUT_OF_RESOURCES)),
            ("lost", _ => new CLException(CLError.CL_DEVICE_NOT_AVAILABLE)),
        ]);
    }

    /// <summary>
    /// The first iteration is on the device alone until it is copied, so it may be lost. No user has heard of it then.
    /// </summary>
    [SkippableFact]
    [Trait("Device", "OpenCl")]
    public void AnIterationIsReportedWhenItsPictureIsKept()
    {
        TestDevice.OpenCl().Dispose();
        DeviceCatalog.KeepsDrivers = true;
        string root = Directory.CreateTempSubdirectory("nativestyle-faults-").FullName;
        using var harness = new Harness(Scenario.Find("transfer"), root, "--device", "opencl");
        bool isLost = false;
        Outcome outcome = harness.RunOnce(call =>
        {
            isLost |= call == DeviceCall.Download && Where().Contains("ScaleRun.", StringComparison.Ordinal);
            return isLost ? new CLException(CLError.CL_DEVICE_NOT_AVAILABLE) : null;
        });
        Assert.True(isLost);
        Assert.Equal(1, outcome.ExitCode);
        Assert.Null(harness.Complaint(outcome, Promise.KeepWhatWasMade));
    }

    /// <summary>A training makes an optimiser for each parameter, and any of their launches may fail.</summary>
    [Fact]
    public void ATrainerThatCannotBeMadeGivesItsMemoryBack()
    {
        using ComputeDevice device = KernelDevice.OnCpu();
        using var network = new TransformerNet(
            device, TransformerWeights.Random(new TransformerArchitecture(4, 8, 8, 1), 1), trainable: true);
        long before = device.MemoryBytes.InUse;
        foreach (int n in Enumerable.Range(1, 5))
        {
            int seen = 0;
            ComputeDevice.BeforeCall = (_, call) =>
            {
                if (call == DeviceCall.Launch && ++seen == n) throw new InsufficientMemoryException();
            };
            try
            {
                Assert.Throws<InsufficientMemoryException>(
                    () => new Trainer(device, network, loss: null!, new TrainingOptions()));
            }
            finally
            {
                ComputeDevice.BeforeCall = null;
            }

            Assert.Equal(before, device.MemoryBytes.InUse);
        }
    }

    private void Try(
        string name, string device, int usualRounds, (string Name, Func<DeviceCall, Exception> Make)[] faults)
    {
        string root = Directory.CreateTempSubdirectory("nativestyle-faults-").FullName;
        using var harness = new Harness(Scenario.Find(name), root, "--device", device);
        List<string> complaints = [];
        Dictionary<DeviceCall, int> tried = [];
        foreach ((DeviceCall kind, int count) in harness.DeviceCalls)
        {
            // A driver that does not take memory back says nothing that a run could act on.
            if (kind == DeviceCall.Release) continue;
            int[] calls = [.. Rounds.Spread(count, usualRounds)];
            (string, Func<DeviceCall, Exception>, bool)[] ways =
            [
                .. faults.Where(each => IsTried(kind, each.Name)).SelectMany(
                    each => Durations(device, each.Name).Select(lasts => (each.Name, each.Make, lasts))),
            ];
            bool takeTurns = device == "opencl" && Damage.Rounds(0) is > 0 and int most
                && calls.Length * ways.Length > most;
            foreach ((int i, int n) in calls.Index())
            foreach ((string fault, Func<DeviceCall, Exception> make, bool forever) in
                takeTurns ? [ways[i % ways.Length]] : ways)
            {
                int seen = 0;
                bool hasFailed = false;
                string where = "", what = $"{kind} {n} of {count}, {fault}{(forever ? " from then on" : "")}";
                harness.Fault = what;
                Outcome outcome = harness.RunOnce(call =>
                {
                    if (forever && hasFailed && fault == "lost") return make(call);
                    if (call != kind) return null;
                    seen++;
                    bool fails = seen == n || (forever && seen > n);
                    if (fails && !hasFailed) where = Where();
                    hasFailed |= fails;
                    return fails ? make(call) : null;
                });
                tried[kind] = tried.GetValueOrDefault(kind) + 1;
                // Without any memory for a copy on the host, there is no picture to write.
                bool mayLose = device == "cpu" && kind == DeviceCall.Download && forever;
                // A device that lacks memory once has it after the pool has given back what it keeps for reuse.
                bool survives = !forever && fault != "lost" && (device == "opencl" || kind == DeviceCall.Allocation);
                Promise promise = mayLose ? Promise.None : survives ? Promise.Complete : Promise.KeepWhatWasMade;
                if (harness.Complaint(outcome, promise) is { } complaint)
                {
                    complaints.Add($"{what}: {complaint}\n{outcome.ExitCode} {outcome.Error.Trim()}\n{where}");
                }
            }
        }

        bool IsTried(DeviceCall kind, string fault) => device == "cpu" || Damage.Rounds(0) > 0
            || (kind is DeviceCall.Launch or DeviceCall.Download && fault != "no resources");

        string made = string.Join(", ", harness.DeviceCalls.Select(
            each => $"{tried.GetValueOrDefault(each.Key)} at {each.Value} {each.Key}"));
        output.WriteLine(
            $"{name} on {device}: {tried.Values.Sum()} faults tried, {complaints.Count} complaints; at calls: {made}");
        Assert.True(complaints.Count == 0, string.Join('\n', complaints));
    }

    /// <summary>
    /// A driver's memory fails once, and a device is lost for good. Long campaigns try the rest as well.
    /// </summary>
    private static bool[] Durations(string device, string fault) =>
        device == "cpu" || Damage.Rounds(0) > 0 ? [false, true] : [fault == "lost"];

    /// <summary>The project's methods on the stack, from the inside, without those of devices and tests.</summary>
    private static string Where() => string.Join(" < ", new StackTrace().GetFrames()
        .Select(frame => frame.GetMethod())
        .Where(method => method?.DeclaringType?.Namespace is { } space
            && space.StartsWith("NativeStyle.", StringComparison.Ordinal)
            && !space.StartsWith("NativeStyle.Kernels.Devices", StringComparison.Ordinal)
            && !space.StartsWith("NativeStyle.Faults", StringComparison.Ordinal))
        .Select(method => $"{method!.DeclaringType!.Name}.{method.Name}")
        .Take(6));
}
