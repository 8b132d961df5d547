using System.Reflection;
using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;
using NativeStyle.Kernels.Devices;

namespace NativeStyle.Kernels.Translation;

/// <summary>The number of work items of a kernel's groups.</summary>
/// <param name="items">Work items along all dimensions together.</param>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class GroupItemsAttribute(int items) : Attribute
{
    public int Items => items;

    /// <summary>
    /// Groups that a multiprocessor of an NVIDIA GPU must hold at a time: its assembler may use so many registers, and
    /// no more. 0 leaves it the choice.
    /// </summary>
    public int GroupsPerMultiprocessor { get; init; }

    /// <summary>What ILGPU tells NVIDIA's assembler of an explicitly grouped kernel; others are told nothing.</summary>
    internal static KernelSpecialization Specialize(MethodInfo kernel, AcceleratorType type) =>
        type == AcceleratorType.Cuda
        && kernel.GetCustomAttribute<GroupItemsAttribute>() is { GroupsPerMultiprocessor: > 0 } group
            ? new KernelSpecialization(group.Items, group.GroupsPerMultiprocessor)
            : KernelSpecialization.Empty;
}

/// <summary>
/// The least compute capability of NVIDIA's GPUs that run a kernel. OpenCL does not run it, because it uses exchanges
/// in warps or NVIDIA's own instructions.
/// </summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class LeastArchitectureAttribute(int major, int minor) : Attribute
{
    public int Major => major;

    public int Minor => minor;
}

/// <summary>A kernel: a static method that ILGPU compiles for each device.</summary>
/// <param name="Method">The method.</param>
internal sealed record KernelEntry(MethodInfo Method)
{
    /// <summary>Operator and method, in the form that people use: Conv3x3.ForwardKernel.</summary>
    public string Name => $"{WithoutOp(Method.DeclaringType!.Name)}.{Method.Name}";

    /// <summary>
    /// Whether it is explicitly grouped, with shared memory and barriers; otherwise one work item runs for each index.
    /// </summary>
    public bool Grouped => Method.GetParameters()[0].ParameterType != typeof(Index1D);

    /// <summary>Work items of a group.</summary>
    public int GroupItems => Method.GetCustomAttribute<GroupItemsAttribute>()?.Items ?? KernelDevice.ItemsPerGroup;

    /// <summary>The least of NVIDIA's architectures that run it; null for a kernel that OpenCL also runs.</summary>
    public CudaArchitecture? LeastArchitecture =>
        Method.GetCustomAttribute<LeastArchitectureAttribute>() is { } least
            ? new CudaArchitecture(least.Major, least.Minor)
            : null;

    private static string WithoutOp(string type) =>
        type.EndsWith("Op", StringComparison.Ordinal) ? type[..^2]
        : type.EndsWith("Ops", StringComparison.Ordinal) ? type[..^3]
        : type;
}

/// <summary>All kernels: every static method whose name ends in Kernel.</summary>
internal static class KernelCatalog
{
    private const BindingFlags StaticMethods =
        BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly;

    /// <summary>All kernels, ordered by name.</summary>
    public static IReadOnlyList<KernelEntry> All { get; } =
    [
        .. typeof(KernelCatalog).Assembly.GetTypes()
            .SelectMany(type => type.GetMethods(StaticMethods))
            .Where(method => method.Name.EndsWith("Kernel", StringComparison.Ordinal)
                && method.ReturnType == typeof(void)
                && TakesViews(method))
            .Select(method => new KernelEntry(method))
            .OrderBy(kernel => kernel.Name, StringComparer.Ordinal),
    ];

    private static bool TakesViews(MethodInfo method) => method.GetParameters().Any(parameter =>
        parameter.ParameterType.IsGenericType
        && parameter.ParameterType.GetGenericTypeDefinition() == typeof(ArrayView<>)
        && !method.IsGenericMethod) && !method.IsPrivate;
}
