using ILGPU;

namespace NativeStyle.Kernels.Operators;

/// <summary>The checks at an operator's door: the unchecked loops behind it rely on them.</summary>
internal static class Require
{
    public static void Length<T>(ArrayView<T> view, long length, string name) where T : unmanaged
    {
        if (view.Length != length)
            throw new ArgumentException($"{name} has {view.Length} elements, its shape asks for {length}", name);
    }
}
