namespace NativeStyle.Style;

/// <summary>Memory of the .NET heap where pictures are large.</summary>
internal static class HostMemory
{
    /// <summary>Pixels of a picture whose copies are worth a collection: a smaller one's go with the next.</summary>
    private const long LargePixels = 1L << 19;

    /// <summary>Gives the system back what nobody needs any more.</summary>
    public static void Release() => GC.Collect(2, GCCollectionMode.Aggressive, blocking: true, compacting: true);

    /// <summary>
    /// Gives the system back what pictures of this size left behind: a program that allocates nothing for minutes would never
    /// collect it by itself.
    /// </summary>
    public static void Release(int height, int width)
    {
        if ((long)height * width >= LargePixels) Release();
    }
}
