namespace NativeStyle.Style;

/// <summary>Memory of the .NET heap, for large pictures.</summary>
internal static class HostMemory
{
    /// <summary>
    /// Pixels from which a picture's copies are worth a collection. Copies of smaller pictures go with the next one.
    /// </summary>
    private const long LargePixels = 1L << 19;

    /// <summary>Gives back to the system what nobody needs any more.</summary>
    public static void Release() => GC.Collect(2, GCCollectionMode.Aggressive, blocking: true, compacting: true);

    /// <summary>
    /// Gives back to the system what pictures of this size left behind. A program that allocates nothing for minutes
    /// would never collect it by itself.
    /// </summary>
    public static void Release(int height, int width)
    {
        if ((long)height * width >= LargePixels) Release();
    }
}
