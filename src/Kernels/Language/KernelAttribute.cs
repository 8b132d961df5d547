namespace NativeStyle.Kernels;

/// <summary>
/// Marks a kernel: a static method without return value over indices, <see cref="ArrayView{T}"/>s and numbers.
/// A kernel whose first parameter is an <see cref="Index1D"/>, <see cref="Index2D"/> or <see cref="Index3D"/> is
/// implicitly grouped (one call per index); any other is explicitly grouped and reads <see cref="Grid"/> and
/// <see cref="Group"/>.
/// </summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class KernelAttribute : Attribute;
