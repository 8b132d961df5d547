using System.Runtime.CompilerServices;
using ILGPU;
using ILGPU.Backends.PTX;

namespace NativeStyle.Kernels.Translation;

/// <summary>
/// Settings of ILGPU under which its PTX is right where the lanes of a warp go different ways.
/// <para>
/// At its highest level ILGPU 1.5.3 marks branches that it takes for uniform by bra.uni. It takes a kernel's parameters
/// for uniform, and an implicitly grouped kernel's index is one. So it also marks the end of a loop that each work item
/// leaves after another number of steps, and NVIDIA's assembler then lets all lanes go on: they read past the end of a
/// view. The analysis runs whenever a kernel is compiled, at the level that the context's properties have then. All
/// optimisations are chosen when a context and an accelerator are created. So the properties are set to a lower level
/// in between.
/// </para>
/// </summary>
internal static class DivergentBranches
{
    /// <summary>Chooses the highest level of optimisation for a context.</summary>
    public static Context.Builder Optimize(this Context.Builder builder) =>
        builder.Optimize(OptimizationLevel.O2).PTXBackend(PTXBackendMode.Enhanced);

    /// <summary>
    /// Creates an accelerator or a backend with all optimisations, whose kernels are compiled without the analysis.
    /// </summary>
    /// <param name="context">The context that the created object belongs to.</param>
    public static T Create<T>(Context context, Func<T> create)
    {
        SetOptimizationLevel(context.Properties, OptimizationLevel.O2);
        T created = create();
        SetOptimizationLevel(context.Properties, OptimizationLevel.O1);
        return created;
    }

    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "set_OptimizationLevel")]
    private static extern void SetOptimizationLevel(ContextProperties properties, OptimizationLevel level);
}
