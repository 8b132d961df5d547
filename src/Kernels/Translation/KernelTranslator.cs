using ILGPU;
using ILGPU.Algorithms;
using ILGPU.Backends;
using ILGPU.Backends.EntryPoints;
using ILGPU.Backends.OpenCL;
using ILGPU.Backends.PTX;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;
using ILGPU.Runtime.OpenCL;

namespace NativeStyle.Kernels.Translation;

/// <summary>
/// Translates a kernel by ILGPU, without a device or a driver, for people to read or for an assembler.
/// </summary>
internal sealed class KernelTranslator : IDisposable
{
    private readonly Context _context =
        Context.Create(builder => builder.EnableAlgorithms().Optimize(OptimizationLevel.O2));

    /// <summary>Translates the kernel to PTX, NVIDIA's assembly language.</summary>
    /// <param name="architecture">The GPU's architecture.</param>
    /// <exception cref="InternalCompilerException">ILGPU cannot compile it.</exception>
    public string ToPtx(KernelEntry kernel, CudaArchitecture architecture)
    {
        using var backend = new PTXBackend(_context, architecture, CudaInstructionSet.ISA_70, null!);
        KernelSpecialization specialization = GroupItemsAttribute.Specialize(kernel.Method, AcceleratorType.Cuda);
        var compiled = (PTXCompiledKernel)backend.Compile(EntryPoint(kernel), specialization);
        return KernelText.OfPtx(compiled.PTXAssembly.TrimEnd('\0'));
    }

    /// <summary>Translates the kernel to OpenCL C 2.0.</summary>
    /// <inheritdoc cref="ToPtx"/>
    public string ToOpenCl(KernelEntry kernel)
    {
        var capabilities = new CLCapabilityContext(
            float16: false, float64: true, genericAddressSpace: true, int64_Atomics: false, subGroups: false);
        using var backend = new CLBackend(_context, capabilities, CLDeviceVendor.Other, CLBackend.MinimumVersion);
        return KernelText.Renumber(((CLCompiledKernel)backend.Compile(EntryPoint(kernel), default)).Source);
    }

    public void Dispose() => _context.Dispose();

    private static EntryPointDescription EntryPoint(KernelEntry kernel) => kernel.Grouped
        ? EntryPointDescription.FromExplicitlyGroupedKernel(kernel.Method)
        : EntryPointDescription.FromImplicitlyGroupedKernel(kernel.Method);
}
