namespace NativeStyle.Kernels;

/// <summary>The checks at an operator's door: the unchecked loops behind it rely on them.</summary>
internal static class Require
{
    public static void Length(ArrayView<float> view, long length, string name)
    {
        if (view.Length != length)
            throw new ArgumentException($"{name} has {view.Length} elements, its shape asks for {length}", name);
    }
}
