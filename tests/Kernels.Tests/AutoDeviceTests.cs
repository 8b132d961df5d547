using ILGPU.Runtime.Cuda;
using ILGPU.Runtime.OpenCL;
using NativeStyle.Kernels.Devices;

namespace NativeStyle.Kernels.Tests;

/// <summary>Tests which device auto takes, and what it says about those that it does not take.</summary>
public sealed class AutoDeviceTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly List<string> _notices = [];
    private int _checks;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void ARightAndFasterGpuIsTakenAndCheckedOnce()
    {
        for (int run = 0; run < 2; run++)
        {
            using ComputeDevice device = Auto(new DeviceVerdict(null, 7), Gpu("cuda"), Gpu("opencl"));
            Assert.Equal("cpu-kernels", device.Name);
        }

        Assert.Equal(1, _checks);
        Assert.Contains("checking", Assert.Single(_notices), StringComparison.Ordinal);
    }

    [Fact]
    public void ANewDriverIsCheckedAgain()
    {
        Auto(new DeviceVerdict(null, 7), Gpu("cuda")).Dispose();
        Auto(new DeviceVerdict(null, 7), Gpu("cuda") with { Driver = "a newer one" }).Dispose();
        Assert.Equal(2, _checks);
    }

    [Fact]
    public void ASlowerGpuAndAWrongOneAreLeftWithALine()
    {
        using (ComputeDevice device = Auto(new DeviceVerdict(null, 0.5), Gpu("cuda"))) Assert.IsType<CpuDevice>(device);
        Assert.Contains("0.5 times as fast", _notices[^1], StringComparison.Ordinal);
        DeviceListing wrong = Gpu("opencl") with { Hardware = "another" };
        using (ComputeDevice device = Auto(new DeviceVerdict("Gram matrix is off", 9), wrong))
            Assert.IsType<CpuDevice>(device);
        Assert.Contains("is left alone: Gram matrix is off", _notices[^1], StringComparison.Ordinal);
        // The verdict is remembered, and reported again.
        int checks = _checks, lines = _notices.Count;
        Auto(new DeviceVerdict(null, 9), Gpu("cuda")).Dispose();
        Assert.Equal((checks, lines + 1), (_checks, _notices.Count));
    }

    [Fact]
    public void AGpuThatDoesNotStartOrCannotBeUsedIsLeftForTheNext()
    {
        DeviceListing broken = Gpu("cuda") with
        {
            Open = _ => throw new DeviceException("cuda: CUDA_ERROR_NO_DEVICE", new InvalidOperationException()),
        };
        DeviceListing tooOld = Gpu("cuda:1") with { WhyNot = "too old" };
        DeviceListing third = Gpu("opencl") with { Hardware = "a third" };
        using ComputeDevice device = Auto(new DeviceVerdict(null, 3), broken, tooOld, third);
        Assert.Equal("cpu-kernels", device.Name);
        Assert.Contains(_notices, line => line.Contains("CUDA_ERROR_NO_DEVICE", StringComparison.Ordinal));
        Assert.Contains(_notices, line => line.Contains("cannot be used: too old", StringComparison.Ordinal));
        // The verdict is remembered: the device is not started again.
        DeviceListing untouched = broken with { Open = _ => throw new InvalidOperationException() };
        using ComputeDevice again = Auto(new DeviceVerdict(null, 3), untouched, third);
        Assert.Equal("cpu-kernels", again.Name);
    }

    [Fact]
    public void GpusThatShareTheHostsMemoryAndCpusArePassedOver()
    {
        DeviceListing sharing = Gpu("opencl") with { SharesHostMemory = true };
        DeviceListing cpu = Gpu("opencl:1") with { IsGpu = false };
        using ComputeDevice device = Auto(new DeviceVerdict(null, 9), sharing, cpu);
        Assert.IsType<CpuDevice>(device);
        Assert.Empty(_notices);
        Assert.Equal(0, _checks);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("[1, 2]")]
    public void ADamagedCacheIsNoHarm(string content)
    {
        File.WriteAllText(Cache, content);
        Auto(new DeviceVerdict(null, 2), Gpu("cuda")).Dispose();
        Assert.Equal(1, _checks);
    }

    /// <summary>
    /// Runs the check itself: it accepts another vector width, and refuses a device that computes wrongly.
    /// </summary>
    [Fact]
    public void TheCheckTellsRightFromWrong()
    {
        using var cpu = new CpuDevice(2);
        using (var other = new CpuDevice(2, 128))
        {
            DeviceVerdict verdict = DeviceCheck.Run(other, cpu);
            Assert.Null(verdict.Fault);
            Assert.InRange(verdict.TimesTheCpu, 0.01, 100);
        }

        using var faulty = new FaultyDevice();
        Assert.NotNull(DeviceCheck.FaultOf(faulty, cpu));
    }

    /// <summary>Makes one kernel of a device wrong by a tenth; the check finds each that transfers use.</summary>
    [Theory]
    [InlineData("none")]
    [InlineData("SquaredErrorOp.PartsKernel")]
    [InlineData("TotalVariationOp.PartsKernel")]
    [InlineData("SquaredErrorOp.BackwardKernel")]
    [InlineData("TotalVariationOp.BackwardKernel")]
    [InlineData("GramOp.BackwardKernel")]
    [InlineData("ReluPoolOp.ForwardKernel")]
    [InlineData("Conv3x3Op.BackwardDataKernel")]
    [InlineData("AdamOp.StepKernel")]
    public void TheCheckFindsWhatIsWrong(string kernel)
    {
        using var cpu = new CpuDevice(2);
        using var faulty = new FaultyDevice(kernel);
        Assert.Equal(kernel != "none", DeviceCheck.FaultOf(faulty, cpu) is not null);
    }

    [Theory]
    [InlineData(CudaError.CUDA_ERROR_OUT_OF_MEMORY, typeof(InsufficientMemoryException))]
    [InlineData(CudaError.CUDA_ERROR_ILLEGAL_ADDRESS, typeof(DeviceLostException))]
    [InlineData(CudaError.CUDA_ERROR_MISALIGNED_ADDRESS, typeof(DeviceLostException))]
    [InlineData(CudaError.CUDA_ERROR_LAUNCH_FAILED, typeof(DeviceLostException))]
    [InlineData(CudaError.CUDA_ERROR_INVALID_IMAGE, typeof(DeviceException))]
    public void CudasErrorsAreTold(CudaError code, Type expected) =>
        Assert.IsType(
            expected,
            DeviceFailure.OfCuda(code.ToString(), "cuda, Gram.ForwardKernel", new InvalidOperationException()));

    [Theory]
    [InlineData(CLError.CL_MEM_OBJECT_ALLOCATION_FAILURE, true, typeof(InsufficientMemoryException))]
    [InlineData(CLError.CL_OUT_OF_RESOURCES, true, typeof(InsufficientMemoryException))]
    [InlineData(CLError.CL_OUT_OF_RESOURCES, false, typeof(DeviceLostException))]
    [InlineData(CLError.CL_OUT_OF_HOST_MEMORY, false, typeof(InsufficientMemoryException))]
    [InlineData(CLError.CL_INVALID_COMMAND_QUEUE, true, typeof(DeviceLostException))]
    [InlineData(CLError.CL_BUILD_PROGRAM_FAILURE, true, typeof(DeviceException))]
    public void OpenClsErrorsAreTold(CLError code, bool mayLackMemory, Type expected)
    {
        Exception failure = DeviceFailure.Of(new CLException(code), "opencl", "Gram.ForwardKernel", mayLackMemory)!;
        Assert.IsType(expected, failure);
        Assert.Contains("Gram.ForwardKernel", failure.Message, StringComparison.Ordinal);
    }

    private string Cache => Path.Combine(_folder.Path, "devices.json");

    private ComputeDevice Auto(DeviceVerdict verdict, params DeviceListing[] gpus) => new AutoDevice(
        gpus, _ =>
        {
            _checks++;
            return verdict;
        }, Cache).Open(1, _notices.Add);

    private static DeviceListing Gpu(string name) =>
        new(DeviceKind.Cuda, name, "a GPU", "driver 1", 1 << 30, 1 << 30, true, false, null, _ => KernelDevice.OnCpu());
}
