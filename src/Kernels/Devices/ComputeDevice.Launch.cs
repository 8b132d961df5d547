using System.Reflection;
using ILGPU;
using ILGPU.Runtime;
using NativeStyle.Kernels.Translation;

namespace NativeStyle.Kernels.Devices;

// The typed launches have one overload for each number of arguments. Arguments of a wrong type do not compile.
public abstract partial class ComputeDevice
{
    /// <summary>Runs an implicitly grouped kernel once for each index below <paramref name="count"/>.</summary>
    /// <param name="kernel">A static method, not a lambda.</param>
    /// <param name="count">At most 2^31 - 1.</param>
    public void Launch<T1>(Action<Index1D, T1> kernel, long count, T1 a1)
        where T1 : struct =>
        RunUnlessRehearsed(
            kernel.Method, count, i => kernel(i, a1),
            (accelerator, items) => accelerator.LoadImplicitlyGroupedStreamKernel(kernel, items),
            launcher => ((Action<Index1D, T1>)launcher)((int)count, a1));

    /// <inheritdoc cref="Launch{T1}"/>
    public void Launch<T1, T2>(Action<Index1D, T1, T2> kernel, long count, T1 a1, T2 a2)
        where T1 : struct where T2 : struct =>
        RunUnlessRehearsed(
            kernel.Method, count, i => kernel(i, a1, a2),
            (accelerator, items) => accelerator.LoadImplicitlyGroupedStreamKernel(kernel, items),
            launcher => ((Action<Index1D, T1, T2>)launcher)((int)count, a1, a2));

    /// <inheritdoc cref="Launch{T1}"/>
    public void Launch<T1, T2, T3>(Action<Index1D, T1, T2, T3> kernel, long count, T1 a1, T2 a2, T3 a3)
        where T1 : struct where T2 : struct where T3 : struct =>
        RunUnlessRehearsed(
            kernel.Method, count, i => kernel(i, a1, a2, a3),
            (accelerator, items) => accelerator.LoadImplicitlyGroupedStreamKernel(kernel, items),
            launcher => ((Action<Index1D, T1, T2, T3>)launcher)((int)count, a1, a2, a3));

    /// <inheritdoc cref="Launch{T1}"/>
    public void Launch<T1, T2, T3, T4>(Action<Index1D, T1, T2, T3, T4> kernel, long count, T1 a1, T2 a2, T3 a3, T4 a4)
        where T1 : struct where T2 : struct where T3 : struct where T4 : struct =>
        RunUnlessRehearsed(
            kernel.Method, count, i => kernel(i, a1, a2, a3, a4),
            (accelerator, items) => accelerator.LoadImplicitlyGroupedStreamKernel(kernel, items),
            launcher => ((Action<Index1D, T1, T2, T3, T4>)launcher)((int)count, a1, a2, a3, a4));

    /// <inheritdoc cref="Launch{T1}"/>
    public void Launch<T1, T2, T3, T4, T5>(
        Action<Index1D, T1, T2, T3, T4, T5> kernel, long count, T1 a1, T2 a2, T3 a3, T4 a4, T5 a5)
        where T1 : struct where T2 : struct where T3 : struct where T4 : struct where T5 : struct =>
        RunUnlessRehearsed(
            kernel.Method, count, i => kernel(i, a1, a2, a3, a4, a5),
            (accelerator, items) => accelerator.LoadImplicitlyGroupedStreamKernel(kernel, items),
            launcher => ((Action<Index1D, T1, T2, T3, T4, T5>)launcher)((int)count, a1, a2, a3, a4, a5));

    /// <inheritdoc cref="Launch{T1}"/>
    public void Launch<T1, T2, T3, T4, T5, T6>(
        Action<Index1D, T1, T2, T3, T4, T5, T6> kernel, long count, T1 a1, T2 a2, T3 a3, T4 a4, T5 a5, T6 a6)
        where T1 : struct where T2 : struct where T3 : struct where T4 : struct where T5 : struct where T6 : struct =>
        RunUnlessRehearsed(
            kernel.Method, count, i => kernel(i, a1, a2, a3, a4, a5, a6),
            (accelerator, items) => accelerator.LoadImplicitlyGroupedStreamKernel(kernel, items),
            launcher => ((Action<Index1D, T1, T2, T3, T4, T5, T6>)launcher)((int)count, a1, a2, a3, a4, a5, a6));

    /// <inheritdoc cref="Launch{T1}"/>
    public void Launch<T1, T2, T3, T4, T5, T6, T7>(
        Action<Index1D, T1, T2, T3, T4, T5, T6, T7> kernel,
        long count, T1 a1, T2 a2, T3 a3, T4 a4, T5 a5, T6 a6, T7 a7)
        where T1 : struct where T2 : struct where T3 : struct where T4 : struct
        where T5 : struct where T6 : struct where T7 : struct =>
        RunUnlessRehearsed(
            kernel.Method, count, i => kernel(i, a1, a2, a3, a4, a5, a6, a7),
            (accelerator, items) => accelerator.LoadImplicitlyGroupedStreamKernel(kernel, items),
            launcher =>
                ((Action<Index1D, T1, T2, T3, T4, T5, T6, T7>)launcher)((int)count, a1, a2, a3, a4, a5, a6, a7));

    /// <summary>
    /// Runs an explicitly grouped kernel, which reads its place from <see cref="Grid"/> and <see cref="Group"/>.
    /// </summary>
    /// <param name="kernel">A static method, not a lambda.</param>
    /// <param name="config">The groups, at most 65,535 along each of Y and Z, and the work items of each.</param>
    public void LaunchGrouped<T1>(Action<T1> kernel, KernelConfig config, T1 a1)
        where T1 : struct =>
        RunGroupedUnlessRehearsed(
            kernel.Method, config, accelerator => accelerator.LoadStreamKernel(kernel, Of(kernel.Method, accelerator)),
            launcher => ((Action<KernelConfig, T1>)launcher)(config, a1));

    /// <inheritdoc cref="LaunchGrouped{T1}"/>
    public void LaunchGrouped<T1, T2>(Action<T1, T2> kernel, KernelConfig config, T1 a1, T2 a2)
        where T1 : struct where T2 : struct =>
        RunGroupedUnlessRehearsed(
            kernel.Method, config, accelerator => accelerator.LoadStreamKernel(kernel, Of(kernel.Method, accelerator)),
            launcher => ((Action<KernelConfig, T1, T2>)launcher)(config, a1, a2));

    /// <inheritdoc cref="LaunchGrouped{T1}"/>
    public void LaunchGrouped<T1, T2, T3>(Action<T1, T2, T3> kernel, KernelConfig config, T1 a1, T2 a2, T3 a3)
        where T1 : struct where T2 : struct where T3 : struct =>
        RunGroupedUnlessRehearsed(
            kernel.Method, config, accelerator => accelerator.LoadStreamKernel(kernel, Of(kernel.Method, accelerator)),
            launcher => ((Action<KernelConfig, T1, T2, T3>)launcher)(config, a1, a2, a3));

    /// <inheritdoc cref="LaunchGrouped{T1}"/>
    public void LaunchGrouped<T1, T2, T3, T4>(
        Action<T1, T2, T3, T4> kernel, KernelConfig config, T1 a1, T2 a2, T3 a3, T4 a4)
        where T1 : struct where T2 : struct where T3 : struct where T4 : struct =>
        RunGroupedUnlessRehearsed(
            kernel.Method, config, accelerator => accelerator.LoadStreamKernel(kernel, Of(kernel.Method, accelerator)),
            launcher => ((Action<KernelConfig, T1, T2, T3, T4>)launcher)(config, a1, a2, a3, a4));

    /// <inheritdoc cref="LaunchGrouped{T1}"/>
    public void LaunchGrouped<T1, T2, T3, T4, T5>(
        Action<T1, T2, T3, T4, T5> kernel, KernelConfig config, T1 a1, T2 a2, T3 a3, T4 a4, T5 a5)
        where T1 : struct where T2 : struct where T3 : struct where T4 : struct where T5 : struct =>
        RunGroupedUnlessRehearsed(
            kernel.Method, config, accelerator => accelerator.LoadStreamKernel(kernel, Of(kernel.Method, accelerator)),
            launcher => ((Action<KernelConfig, T1, T2, T3, T4, T5>)launcher)(config, a1, a2, a3, a4, a5));

    /// <inheritdoc cref="LaunchGrouped{T1}"/>
    public void LaunchGrouped<T1, T2, T3, T4, T5, T6>(
        Action<T1, T2, T3, T4, T5, T6> kernel, KernelConfig config, T1 a1, T2 a2, T3 a3, T4 a4, T5 a5, T6 a6)
        where T1 : struct where T2 : struct where T3 : struct where T4 : struct where T5 : struct where T6 : struct =>
        RunGroupedUnlessRehearsed(
            kernel.Method, config, accelerator => accelerator.LoadStreamKernel(kernel, Of(kernel.Method, accelerator)),
            launcher => ((Action<KernelConfig, T1, T2, T3, T4, T5, T6>)launcher)(config, a1, a2, a3, a4, a5, a6));

    /// <inheritdoc cref="LaunchGrouped{T1}"/>
    public void LaunchGrouped<T1, T2, T3, T4, T5, T6, T7>(
        Action<T1, T2, T3, T4, T5, T6, T7> kernel,
        KernelConfig config, T1 a1, T2 a2, T3 a3, T4 a4, T5 a5, T6 a6, T7 a7)
        where T1 : struct where T2 : struct where T3 : struct where T4 : struct
        where T5 : struct where T6 : struct where T7 : struct =>
        RunGroupedUnlessRehearsed(
            kernel.Method, config, accelerator => accelerator.LoadStreamKernel(kernel, Of(kernel.Method, accelerator)),
            launcher =>
                ((Action<KernelConfig, T1, T2, T3, T4, T5, T6, T7>)launcher)(config, a1, a2, a3, a4, a5, a6, a7));

    private static KernelSpecialization Of(MethodInfo kernel, Accelerator accelerator) =>
        GroupItemsAttribute.Specialize(kernel, accelerator.AcceleratorType);

    private void RunUnlessRehearsed(
        MethodInfo kernel, long count, Action<int> body, Func<Accelerator, int, Delegate> load, Action<Delegate> launch)
    {
        if (!IsRehearsal) Run(kernel, count, body, load, launch);
    }

    private void RunGroupedUnlessRehearsed(
        MethodInfo kernel, KernelConfig config, Func<Accelerator, Delegate> load, Action<Delegate> launch)
    {
        if (!IsRehearsal) RunGrouped(kernel, config, load, launch);
    }

    /// <summary>Runs an implicitly grouped kernel.</summary>
    /// <param name="kernel">The kernel's method.</param>
    /// <param name="count">The number of indices.</param>
    /// <param name="body">The kernel with its arguments bound, for a device that calls it as a plain method.</param>
    /// <param name="load">Compiles the kernel for an accelerator, with the given number of work items a group.</param>
    /// <param name="launch">Launches the loaded kernel.</param>
    private protected abstract void Run(
        MethodInfo kernel,
        long count,
        Action<int> body,
        Func<Accelerator, int, Delegate> load,
        Action<Delegate> launch);

    /// <summary>Runs an explicitly grouped kernel.</summary>
    /// <inheritdoc cref="Run"/>
    private protected abstract void RunGrouped(
        MethodInfo kernel, KernelConfig config, Func<Accelerator, Delegate> load, Action<Delegate> launch);
}
