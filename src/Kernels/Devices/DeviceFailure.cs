using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;
using ILGPU.Runtime.OpenCL;

namespace NativeStyle.Kernels.Devices;

/// <summary>A device's driver failed; the message quotes the driver.</summary>
public class DeviceException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>The driver gave up the device: nothing on it can be read any more.</summary>
public sealed class DeviceLostException(string message, Exception? inner = null) : DeviceException(message, inner);

/// <summary>Translates a driver's errors.</summary>
internal static class DeviceFailure
{
    /// <summary>
    /// The errors after which a CUDA context is dead, by the names that ILGPU gives them (cuda.h: 700 illegal address,
    /// 702 timeout, 709 context destroyed, 710 assert, 714 to 719 faults of a kernel, 214 and 220 faults of memory and
    /// links, 999 unknown).
    /// </summary>
    private static readonly string[] s_cudaLost =
    [
        nameof(CudaError.CUDA_ERROR_ILLEGAL_ADDRESS),
        nameof(CudaError.CUDA_ERROR_LAUNCH_TIMEOUT),
        nameof(CudaError.CUDA_ERROR_MISALIGNED_ADDRESS),
        nameof(CudaError.CUDA_ERROR_INVALID_ADDRESS_SPACE),
        nameof(CudaError.CUDA_ERROR_INVALID_PC),
        nameof(CudaError.CUDA_ERROR_LAUNCH_FAILED),
        nameof(CudaError.CUDA_ERROR_CONTEXT_IS_DESTROYED),
        nameof(CudaError.CUDA_ERROR_ASSERT),
        nameof(CudaError.CUDA_ERROR_HARDWARE_STACK_ERROR),
        nameof(CudaError.CUDA_ERROR_ILLEGAL_INSTRUCTION),
        nameof(CudaError.CUDA_ERROR_ECC_UNCORRECTABLE),
        nameof(CudaError.CUDA_ERROR_NVLINK_UNCORRECTABLE),
        nameof(CudaError.CUDA_ERROR_UNKNOWN),
    ];

    /// <summary>
    /// Translates an error of ILGPU or a driver: <see cref="InsufficientMemoryException"/> if memory is missing, at
    /// whatever call the driver reports it, <see cref="DeviceLostException"/>, or <see cref="DeviceException"/>; null
    /// for any other error.
    /// </summary>
    /// <param name="device">The device's name.</param>
    /// <param name="what">The kernel or the size that the call was about; null if that is not known.</param>
    /// <param name="mayLackMemory">
    /// Whether a code that may stand for missing memory or for a crashed kernel is taken for missing memory.
    /// </param>
    public static Exception? Of(Exception error, string device, string? what, bool mayLackMemory = false)
    {
        string about = what is null ? device : $"{device}, {what}";
        return error switch
        {
            CudaException cuda => OfCuda(cuda.Error, about, error),
            CLException openCl => OfOpenCl(openCl.Error, about, mayLackMemory, error),
            InternalCompilerException or NotSupportedException or CapabilityNotSupportedException =>
                new DeviceException($"{about}: ILGPU cannot compile it: {Innermost(error).Message}", error),
            AcceleratorException other => new DeviceException($"{about}: {other.Message}", error),
            _ => null,
        };
    }

    /// <param name="code">The error's name in cuda.h.</param>
    internal static Exception OfCuda(string code, string about, Exception error) => code switch
    {
        nameof(CudaError.CUDA_ERROR_OUT_OF_MEMORY) => NoMemory(about),
        _ when s_cudaLost.Contains(code) =>
            new DeviceLostException($"{about}: the driver gave the device up ({code})", error),
        _ => new DeviceException($"{about}: {code}", error),
    };

    private static Exception OfOpenCl(CLError code, string about, bool mayLackMemory, Exception error) => code switch
    {
        // A driver allocates when it likes, and may report only at a launch that it could not.
        CLError.CL_MEM_OBJECT_ALLOCATION_FAILURE or CLError.CL_OUT_OF_HOST_MEMORY or CLError.CL_INVALID_BUFFER_SIZE =>
            NoMemory(about),
        CLError.CL_OUT_OF_RESOURCES when mayLackMemory => NoMemory(about),
        // Drivers also report a crashed kernel by this code, at the calls after it.
        CLError.CL_OUT_OF_RESOURCES or CLError.CL_DEVICE_NOT_AVAILABLE
            or CLError.CL_INVALID_CONTEXT or CLError.CL_INVALID_COMMAND_QUEUE =>
            new DeviceLostException($"{about}: the driver gave the device up ({code})", error),
        _ => new DeviceException($"{about}: {code} {error.Message}".TrimEnd(), error),
    };

    private static InsufficientMemoryException NoMemory(string about) =>
        new($"{about}: the device has no memory left");

    private static Exception Innermost(Exception error) => error.InnerException is { } inner ? Innermost(inner) : error;
}
