using System.Diagnostics;
using ILGPU;
using ILGPU.Runtime;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Memory;

namespace NativeStyle.Kernels.Tests;

/// <summary>
/// What a work item that throws does to ILGPU's CPU accelerator: it ends the process and says why. It never hangs, not
/// even if the others of its group wait at a barrier. The kernels run in a process of their own.
/// </summary>
public class ThrowingKernels
{
    private const int Groups = 8;
    private const int Items = 32;

    [Theory]
    [InlineData("flat", 3)]
    [InlineData("flat", 255)]
    [InlineData("grouped", 5)]
    [InlineData("grouped", 167)]
    [InlineData("grouped", 255)]
    public async Task AWorkItemThatThrowsEndsTheProcessAndSaysWhy(string kernel, int item)
    {
        string program = typeof(ThrowingKernels).Assembly.Location;
        var start = new ProcessStartInfo("dotnet", ["exec", program, kernel, $"{item}"])
        {
            RedirectStandardError = true,
        };
        // Nobody wants a core dump of it.
        start.Environment["DOTNET_DbgEnableMiniDump"] = "0";
        using Process process = Process.Start(start)!;
        Task<string> error = process.StandardError.ReadToEndAsync();
        bool ended = process.WaitForExit(TimeSpan.FromMinutes(1));
        if (!ended) process.Kill();
        Assert.True(ended, "the process hangs");
        Assert.NotEqual(0, process.ExitCode);
        Assert.Contains("a view was used outside of its memory", await error, StringComparison.Ordinal);
    }

    /// <summary>Runs a kernel one of whose work items writes outside of its view; 0 if none of them does.</summary>
    public static int Main(string[] arguments)
    {
        (string kernel, int item) = (arguments[0], int.Parse(arguments[1], null));
        using var device = KernelDevice.OnCpu();
        using DeviceBuffer<int> buffer = device.Allocate<int>(Groups * Items);
        if (kernel == "flat") device.Launch(FlatKernel, buffer.Length, buffer.View, item);
        else device.LaunchGrouped(GroupedKernel, new KernelConfig(Groups, Items), buffer.View, item);
        device.Synchronize();
        return 0;
    }

    private static void FlatKernel(Index1D index, ArrayView<int> view, int item)
    {
        int at = index == item ? Groups * Items : index;
        view[at] = 1;
    }

    private static void GroupedKernel(ArrayView<int> view, int item)
    {
        ArrayView<int> shared = SharedMemory.Allocate<int>(Items);
        int index = (Grid.IdxX * Items) + Group.IdxX;
        shared[Group.IdxX] = index;
        if (index == item) view[Groups * Items] = 1;
        Group.Barrier();
        view[index] = shared[Items - 1 - Group.IdxX];
    }
}
