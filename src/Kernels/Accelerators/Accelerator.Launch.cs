using System.Reflection;

namespace NativeStyle.Kernels;

// The typed launches: one overload per number of arguments. Arguments of a wrong type do not compile.
public abstract partial class Accelerator
{
    public void Launch<TIndex, T1>(
        Action<TIndex, T1> kernel, TIndex extent,
        T1 a1) where TIndex : struct, IIndex<TIndex> =>
        Run(kernel.Method, extent, index => kernel(index, a1), [a1!]);

    public void LaunchGrouped<T1>(
        Action<T1> kernel, KernelConfig config,
        T1 a1) =>
        RunGrouped(kernel.Method, config, () => kernel(a1), [a1!]);

    public void Launch<TIndex, T1, T2>(
        Action<TIndex, T1, T2> kernel, TIndex extent,
        T1 a1, T2 a2) where TIndex : struct, IIndex<TIndex> =>
        Run(kernel.Method, extent, index => kernel(index, a1, a2), [a1!, a2!]);

    public void LaunchGrouped<T1, T2>(
        Action<T1, T2> kernel, KernelConfig config,
        T1 a1, T2 a2) =>
        RunGrouped(kernel.Method, config, () => kernel(a1, a2), [a1!, a2!]);

    public void Launch<TIndex, T1, T2, T3>(
        Action<TIndex, T1, T2, T3> kernel, TIndex extent,
        T1 a1, T2 a2, T3 a3) where TIndex : struct, IIndex<TIndex> =>
        Run(kernel.Method, extent, index => kernel(index, a1, a2, a3), [a1!, a2!, a3!]);

    public void LaunchGrouped<T1, T2, T3>(
        Action<T1, T2, T3> kernel, KernelConfig config,
        T1 a1, T2 a2, T3 a3) =>
        RunGrouped(kernel.Method, config, () => kernel(a1, a2, a3), [a1!, a2!, a3!]);

    public void Launch<TIndex, T1, T2, T3, T4>(
        Action<TIndex, T1, T2, T3, T4> kernel, TIndex extent,
        T1 a1, T2 a2, T3 a3, T4 a4) where TIndex : struct, IIndex<TIndex> =>
        Run(kernel.Method, extent, index => kernel(index, a1, a2, a3, a4), [a1!, a2!, a3!, a4!]);

    public void LaunchGrouped<T1, T2, T3, T4>(
        Action<T1, T2, T3, T4> kernel, KernelConfig config,
        T1 a1, T2 a2, T3 a3, T4 a4) =>
        RunGrouped(kernel.Method, config, () => kernel(a1, a2, a3, a4), [a1!, a2!, a3!, a4!]);

    public void Launch<TIndex, T1, T2, T3, T4, T5>(
        Action<TIndex, T1, T2, T3, T4, T5> kernel, TIndex extent,
        T1 a1, T2 a2, T3 a3, T4 a4, T5 a5) where TIndex : struct, IIndex<TIndex> =>
        Run(kernel.Method, extent, index => kernel(index, a1, a2, a3, a4, a5), [a1!, a2!, a3!, a4!, a5!]);

    public void LaunchGrouped<T1, T2, T3, T4, T5>(
        Action<T1, T2, T3, T4, T5> kernel, KernelConfig config,
        T1 a1, T2 a2, T3 a3, T4 a4, T5 a5) =>
        RunGrouped(kernel.Method, config, () => kernel(a1, a2, a3, a4, a5), [a1!, a2!, a3!, a4!, a5!]);

    public void Launch<TIndex, T1, T2, T3, T4, T5, T6>(
        Action<TIndex, T1, T2, T3, T4, T5, T6> kernel, TIndex extent,
        T1 a1, T2 a2, T3 a3, T4 a4, T5 a5, T6 a6) where TIndex : struct, IIndex<TIndex> =>
        Run(kernel.Method, extent, index => kernel(index, a1, a2, a3, a4, a5, a6), [a1!, a2!, a3!, a4!, a5!, a6!]);

    public void LaunchGrouped<T1, T2, T3, T4, T5, T6>(
        Action<T1, T2, T3, T4, T5, T6> kernel, KernelConfig config,
        T1 a1, T2 a2, T3 a3, T4 a4, T5 a5, T6 a6) =>
        RunGrouped(kernel.Method, config, () => kernel(a1, a2, a3, a4, a5, a6), [a1!, a2!, a3!, a4!, a5!, a6!]);

    public void Launch<TIndex, T1, T2, T3, T4, T5, T6, T7>(
        Action<TIndex, T1, T2, T3, T4, T5, T6, T7> kernel, TIndex extent,
        T1 a1, T2 a2, T3 a3, T4 a4, T5 a5, T6 a6, T7 a7) where TIndex : struct, IIndex<TIndex> =>
        Run(kernel.Method, extent, index => kernel(index, a1, a2, a3, a4, a5, a6, a7), [a1!, a2!, a3!, a4!, a5!, a6!, a7!]);

    public void LaunchGrouped<T1, T2, T3, T4, T5, T6, T7>(
        Action<T1, T2, T3, T4, T5, T6, T7> kernel, KernelConfig config,
        T1 a1, T2 a2, T3 a3, T4 a4, T5 a5, T6 a6, T7 a7) =>
        RunGrouped(kernel.Method, config, () => kernel(a1, a2, a3, a4, a5, a6, a7), [a1!, a2!, a3!, a4!, a5!, a6!, a7!]);

    public void Launch<TIndex, T1, T2, T3, T4, T5, T6, T7, T8>(
        Action<TIndex, T1, T2, T3, T4, T5, T6, T7, T8> kernel, TIndex extent,
        T1 a1, T2 a2, T3 a3, T4 a4, T5 a5, T6 a6, T7 a7, T8 a8) where TIndex : struct, IIndex<TIndex> =>
        Run(kernel.Method, extent, index => kernel(index, a1, a2, a3, a4, a5, a6, a7, a8), [a1!, a2!, a3!, a4!, a5!, a6!, a7!, a8!]);

    public void LaunchGrouped<T1, T2, T3, T4, T5, T6, T7, T8>(
        Action<T1, T2, T3, T4, T5, T6, T7, T8> kernel, KernelConfig config,
        T1 a1, T2 a2, T3 a3, T4 a4, T5 a5, T6 a6, T7 a7, T8 a8) =>
        RunGrouped(kernel.Method, config, () => kernel(a1, a2, a3, a4, a5, a6, a7, a8), [a1!, a2!, a3!, a4!, a5!, a6!, a7!, a8!]);

    public void Launch<TIndex, T1, T2, T3, T4, T5, T6, T7, T8, T9>(
        Action<TIndex, T1, T2, T3, T4, T5, T6, T7, T8, T9> kernel, TIndex extent,
        T1 a1, T2 a2, T3 a3, T4 a4, T5 a5, T6 a6, T7 a7, T8 a8, T9 a9) where TIndex : struct, IIndex<TIndex> =>
        Run(kernel.Method, extent, index => kernel(index, a1, a2, a3, a4, a5, a6, a7, a8, a9), [a1!, a2!, a3!, a4!, a5!, a6!, a7!, a8!, a9!]);

    public void LaunchGrouped<T1, T2, T3, T4, T5, T6, T7, T8, T9>(
        Action<T1, T2, T3, T4, T5, T6, T7, T8, T9> kernel, KernelConfig config,
        T1 a1, T2 a2, T3 a3, T4 a4, T5 a5, T6 a6, T7 a7, T8 a8, T9 a9) =>
        RunGrouped(kernel.Method, config, () => kernel(a1, a2, a3, a4, a5, a6, a7, a8, a9), [a1!, a2!, a3!, a4!, a5!, a6!, a7!, a8!, a9!]);

    public void Launch<TIndex, T1, T2, T3, T4, T5, T6, T7, T8, T9, T10>(
        Action<TIndex, T1, T2, T3, T4, T5, T6, T7, T8, T9, T10> kernel, TIndex extent,
        T1 a1, T2 a2, T3 a3, T4 a4, T5 a5, T6 a6, T7 a7, T8 a8, T9 a9, T10 a10) where TIndex : struct, IIndex<TIndex> =>
        Run(kernel.Method, extent, index => kernel(index, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10), [a1!, a2!, a3!, a4!, a5!, a6!, a7!, a8!, a9!, a10!]);

    public void LaunchGrouped<T1, T2, T3, T4, T5, T6, T7, T8, T9, T10>(
        Action<T1, T2, T3, T4, T5, T6, T7, T8, T9, T10> kernel, KernelConfig config,
        T1 a1, T2 a2, T3 a3, T4 a4, T5 a5, T6 a6, T7 a7, T8 a8, T9 a9, T10 a10) =>
        RunGrouped(kernel.Method, config, () => kernel(a1, a2, a3, a4, a5, a6, a7, a8, a9, a10), [a1!, a2!, a3!, a4!, a5!, a6!, a7!, a8!, a9!, a10!]);

    public void Launch<TIndex, T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11>(
        Action<TIndex, T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11> kernel, TIndex extent,
        T1 a1, T2 a2, T3 a3, T4 a4, T5 a5, T6 a6, T7 a7, T8 a8, T9 a9, T10 a10, T11 a11) where TIndex : struct, IIndex<TIndex> =>
        Run(kernel.Method, extent, index => kernel(index, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11), [a1!, a2!, a3!, a4!, a5!, a6!, a7!, a8!, a9!, a10!, a11!]);

    public void LaunchGrouped<T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11>(
        Action<T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11> kernel, KernelConfig config,
        T1 a1, T2 a2, T3 a3, T4 a4, T5 a5, T6 a6, T7 a7, T8 a8, T9 a9, T10 a10, T11 a11) =>
        RunGrouped(kernel.Method, config, () => kernel(a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11), [a1!, a2!, a3!, a4!, a5!, a6!, a7!, a8!, a9!, a10!, a11!]);

    public void Launch<TIndex, T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11, T12>(
        Action<TIndex, T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11, T12> kernel, TIndex extent,
        T1 a1, T2 a2, T3 a3, T4 a4, T5 a5, T6 a6, T7 a7, T8 a8, T9 a9, T10 a10, T11 a11, T12 a12) where TIndex : struct, IIndex<TIndex> =>
        Run(kernel.Method, extent, index => kernel(index, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12), [a1!, a2!, a3!, a4!, a5!, a6!, a7!, a8!, a9!, a10!, a11!, a12!]);

    public void LaunchGrouped<T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11, T12>(
        Action<T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11, T12> kernel, KernelConfig config,
        T1 a1, T2 a2, T3 a3, T4 a4, T5 a5, T6 a6, T7 a7, T8 a8, T9 a9, T10 a10, T11 a11, T12 a12) =>
        RunGrouped(kernel.Method, config, () => kernel(a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12), [a1!, a2!, a3!, a4!, a5!, a6!, a7!, a8!, a9!, a10!, a11!, a12!]);

    public void Launch<TIndex, T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11, T12, T13>(
        Action<TIndex, T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11, T12, T13> kernel, TIndex extent,
        T1 a1, T2 a2, T3 a3, T4 a4, T5 a5, T6 a6, T7 a7, T8 a8, T9 a9, T10 a10, T11 a11, T12 a12, T13 a13) where TIndex : struct, IIndex<TIndex> =>
        Run(kernel.Method, extent, index => kernel(index, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13), [a1!, a2!, a3!, a4!, a5!, a6!, a7!, a8!, a9!, a10!, a11!, a12!, a13!]);

    public void LaunchGrouped<T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11, T12, T13>(
        Action<T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11, T12, T13> kernel, KernelConfig config,
        T1 a1, T2 a2, T3 a3, T4 a4, T5 a5, T6 a6, T7 a7, T8 a8, T9 a9, T10 a10, T11 a11, T12 a12, T13 a13) =>
        RunGrouped(kernel.Method, config, () => kernel(a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13), [a1!, a2!, a3!, a4!, a5!, a6!, a7!, a8!, a9!, a10!, a11!, a12!, a13!]);

    public void Launch<TIndex, T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11, T12, T13, T14>(
        Action<TIndex, T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11, T12, T13, T14> kernel, TIndex extent,
        T1 a1, T2 a2, T3 a3, T4 a4, T5 a5, T6 a6, T7 a7, T8 a8, T9 a9, T10 a10, T11 a11, T12 a12, T13 a13, T14 a14) where TIndex : struct, IIndex<TIndex> =>
        Run(kernel.Method, extent, index => kernel(index, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14), [a1!, a2!, a3!, a4!, a5!, a6!, a7!, a8!, a9!, a10!, a11!, a12!, a13!, a14!]);

    public void LaunchGrouped<T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11, T12, T13, T14>(
        Action<T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11, T12, T13, T14> kernel, KernelConfig config,
        T1 a1, T2 a2, T3 a3, T4 a4, T5 a5, T6 a6, T7 a7, T8 a8, T9 a9, T10 a10, T11 a11, T12 a12, T13 a13, T14 a14) =>
        RunGrouped(kernel.Method, config, () => kernel(a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14), [a1!, a2!, a3!, a4!, a5!, a6!, a7!, a8!, a9!, a10!, a11!, a12!, a13!, a14!]);

    public void Launch<TIndex, T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11, T12, T13, T14, T15>(
        Action<TIndex, T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11, T12, T13, T14, T15> kernel, TIndex extent,
        T1 a1, T2 a2, T3 a3, T4 a4, T5 a5, T6 a6, T7 a7, T8 a8, T9 a9, T10 a10, T11 a11, T12 a12, T13 a13, T14 a14, T15 a15) where TIndex : struct, IIndex<TIndex> =>
        Run(kernel.Method, extent, index => kernel(index, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15), [a1!, a2!, a3!, a4!, a5!, a6!, a7!, a8!, a9!, a10!, a11!, a12!, a13!, a14!, a15!]);

    public void LaunchGrouped<T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11, T12, T13, T14, T15>(
        Action<T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11, T12, T13, T14, T15> kernel, KernelConfig config,
        T1 a1, T2 a2, T3 a3, T4 a4, T5 a5, T6 a6, T7 a7, T8 a8, T9 a9, T10 a10, T11 a11, T12 a12, T13 a13, T14 a14, T15 a15) =>
        RunGrouped(kernel.Method, config, () => kernel(a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15), [a1!, a2!, a3!, a4!, a5!, a6!, a7!, a8!, a9!, a10!, a11!, a12!, a13!, a14!, a15!]);

    public void LaunchGrouped<T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11, T12, T13, T14, T15, T16>(
        Action<T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11, T12, T13, T14, T15, T16> kernel, KernelConfig config,
        T1 a1, T2 a2, T3 a3, T4 a4, T5 a5, T6 a6, T7 a7, T8 a8, T9 a9, T10 a10, T11 a11, T12 a12, T13 a13, T14 a14, T15 a15, T16 a16) =>
        RunGrouped(kernel.Method, config, () => kernel(a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15, a16), [a1!, a2!, a3!, a4!, a5!, a6!, a7!, a8!, a9!, a10!, a11!, a12!, a13!, a14!, a15!, a16!]);

    /// <summary>Runs an implicitly grouped kernel once per index of <paramref name="extent"/>.</summary>
    /// <param name="kernel">The kernel's method, for accelerators that run a translation of it.</param>
    /// <param name="extent">The indices to run.</param>
    /// <param name="body">The kernel with its arguments bound, for accelerators that run it as it is.</param>
    /// <param name="arguments">The arguments after the index.</param>
    protected abstract void Run<TIndex>(
        MethodInfo kernel, TIndex extent, Action<TIndex> body, object[] arguments)
        where TIndex : struct, IIndex<TIndex>;

    /// <summary>Runs an explicitly grouped kernel.</summary>
    /// <inheritdoc cref="Run{TIndex}"/>
    protected abstract void RunGrouped(MethodInfo kernel, KernelConfig config, Action body, object[] arguments);
}
