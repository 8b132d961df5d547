using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using ILGPU;
using ILGPU.Backends;
using ILGPU.Backends.EntryPoints;
using ILGPU.Backends.OpenCL;
using ILGPU.Backends.PTX;
using ILGPU.Runtime;

namespace NativeStyle.Kernels.Translation;

/// <summary>
/// Mends what ILGPU writes, in two ways.
/// <para>
/// PTX branches for each work item. At its highest level of optimisation ILGPU 1.5.3 marks branches that it takes for
/// uniform by bra.uni. It takes a kernel's parameters for uniform, and an implicitly grouped kernel's index is one. So
/// it also marks the end of a loop that each work item leaves after another number of steps. NVIDIA's assembler then
/// lets all lanes of a warp go on, and they read past the end of a view.
/// </para>
/// <para>
/// Names have the same numbers in every process. ILGPU names types, parameters, functions and labels by
/// numbers that it counts through the whole process, so a kernel's text would depend on all that was compiled before.
/// Drivers look up by its text what they have compiled.
/// A few kernels still have more than one text: ILGPU also orders statements by what it has read for other kernels. To
/// let it forget that (Context.ClearCache) doubles the time of its translations.
/// </para>
/// </summary>
internal static partial class KernelText
{
    /// <summary>
    /// Compiles a kernel, and mends its text. As long as the returned object lives, the accelerator takes it
    /// when it is asked to load that kernel.
    /// </summary>
    /// <param name="items">Work items a group; null for an explicitly grouped kernel.</param>
    /// <exception cref="InternalCompilerException">ILGPU cannot compile it.</exception>
    public static CompiledKernel Compile(Accelerator accelerator, MethodInfo kernel, int? items)
    {
        CompiledKernel compiled = accelerator.CompileKernel(
            items is null
                ? EntryPointDescription.FromExplicitlyGroupedKernel(kernel)
                : EntryPointDescription.FromImplicitlyGroupedKernel(kernel),
            items is null
                ? GroupItemsAttribute.Specialize(kernel, accelerator.AcceleratorType)
                : new KernelSpecialization(items, null));
        if (compiled is CLCompiledKernel openCl) SourceOf(openCl) = Renumber(openCl.Source);
        if (compiled is PTXCompiledKernel ptx) AssemblyOf(ptx) = OfPtx(ptx.PTXAssembly);
        return compiled;
    }

    /// <summary>Mends PTX of ILGPU.</summary>
    public static string OfPtx(string text) => Renumber(text.Replace("bra.uni", "bra", StringComparison.Ordinal));

    /// <summary>
    /// Numbers the names in a kernel's text anew, from 0 in the order in which they come. Done again, it changes
    /// nothing.
    /// </summary>
    /// <param name="text">OpenCL C or PTX of ILGPU.</param>
    public static string Renumber(string text)
    {
        Dictionary<string, int> numbers = [];
        return NumberedName().Replace(text, name =>
        {
            string old = name.Groups["number"].Value;
            if (!numbers.TryGetValue(old, out int number)) numbers[old] = number = numbers.Count;
            return $"{name.Groups["name"].Value}_{number}";
        });
    }

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "<Source>k__BackingField")]
    private static extern ref string SourceOf(CLCompiledKernel kernel);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "<PTXAssembly>k__BackingField")]
    private static extern ref string AssemblyOf(PTXCompiledKernel kernel);

    /// <summary>
    /// A name that ends in a number: type_644 (also in type_644_kernel), L_5680, _x_645, shared_var_12, Function_7.
    /// Numbers of fields and views are a kernel's own, the kernel keeps the name by which it is asked for, and sm_80 is
    /// an architecture.
    /// </summary>
    [GeneratedRegex(@"\b(?!(?:field|view|Kernel|sm)_)(?<name>[A-Za-z_]\w*?)_(?<number>[0-9]+)(?=_kernel\b|\b)")]
    private static partial Regex NumberedName();
}
