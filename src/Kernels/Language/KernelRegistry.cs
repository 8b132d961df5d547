using System.Collections.Concurrent;
using System.Reflection;

namespace NativeStyle.Kernels;

/// <summary>A kernel's translation, made by the source generator in src/KernelCompiler while the kernel was compiled.</summary>
/// <param name="Type">The full name of its class.</param>
/// <param name="Method">Its name.</param>
/// <param name="EntryPoint">The name of the OpenCL kernel.</param>
/// <param name="Grouped">Whether it is explicitly grouped.</param>
/// <param name="UsesDouble">Whether it needs double precision of the device.</param>
/// <param name="LengthArguments">For each argument after the index: whether a view's length is passed too.</param>
/// <param name="CSharp">Its text and that of the helpers it calls.</param>
/// <param name="OpenCl">The whole program in OpenCL C 1.2.</param>
public sealed record TranslatedKernel(
    string Type, string Method, string EntryPoint, bool Grouped, bool UsesDouble, bool[] LengthArguments, string CSharp, string OpenCl)
{
    /// <summary>Class and method, as people call it: Conv3x3.ForwardKernel.</summary>
    public string Name => $"{Type[(Type.LastIndexOf('.') + 1)..]}.{Method}";
}

/// <summary>All translated kernels of the assemblies that are loaded.</summary>
public static class KernelRegistry
{
    private static readonly ConcurrentDictionary<string, TranslatedKernel> s_kernels = new();

    /// <summary>By name.</summary>
    public static IReadOnlyList<TranslatedKernel> All => [.. s_kernels.Values.OrderBy(kernel => kernel.Name, StringComparer.Ordinal)];

    /// <summary>Called by the generated code of each assembly with kernels when it is loaded.</summary>
    public static void Add(TranslatedKernel kernel) => s_kernels[$"{kernel.Type}.{kernel.Method}"] = kernel;

    /// <summary>The translation of a kernel.</summary>
    /// <exception cref="InvalidOperationException">The method is not marked [Kernel], or its project has no generator.</exception>
    internal static TranslatedKernel Find(MethodInfo method) =>
        s_kernels.TryGetValue($"{method.DeclaringType!.FullName!.Replace('+', '.')}.{method.Name}", out TranslatedKernel? kernel) ? kernel
        : throw new InvalidOperationException(
            $"{method.DeclaringType!.Name}.{method.Name} has no translation; mark it [Kernel] and reference src/KernelCompiler as an analyzer");
}
