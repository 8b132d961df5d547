using ILGPU;

namespace NativeStyle.Kernels.Operators;

/// <summary>Checks an operator's arguments before its unchecked loops, which rely on these checks.</summary>
internal static class Require
{
    public static void Length<T>(ArrayView<T> view, long length, string name) where T : unmanaged
    {
        if (view.Length != length)
            throw new ArgumentException($"{name} has {view.Length} elements, its shape asks for {length}", name);
    }
}
