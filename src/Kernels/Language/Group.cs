namespace NativeStyle.Kernels;

/// <summary>The group of the running work item; only inside explicitly grouped kernels. ILGPU's names.</summary>
public static class Group
{
    /// <summary>This work item's place in its group.</summary>
    public static int IdxX => WorkItem.Current.Index.X;

    public static int IdxY => WorkItem.Current.Index.Y;

    public static int IdxZ => WorkItem.Current.Index.Z;

    /// <summary>The size of a group.</summary>
    public static int DimX => WorkItem.Current.Group.Config.GroupDim.X;

    public static int DimY => WorkItem.Current.Group.Config.GroupDim.Y;

    public static int DimZ => WorkItem.Current.Group.Config.GroupDim.Z;

    /// <summary>
    /// Waits until every work item of the group has come here; what they wrote to shared memory before is then
    /// visible to all.
    /// </summary>
    /// <exception cref="InvalidOperationException">Some work items of the group ended without coming here.</exception>
    public static void Barrier() => WorkItem.Current.Group.Barrier();
}

/// <summary>The grid of the running kernel; only inside explicitly grouped kernels. ILGPU's names.</summary>
public static class Grid
{
    /// <summary>The place of this work item's group in the grid.</summary>
    public static int IdxX => WorkItem.Current.Group.Index.X;

    public static int IdxY => WorkItem.Current.Group.Index.Y;

    public static int IdxZ => WorkItem.Current.Group.Index.Z;

    /// <summary>The number of groups.</summary>
    public static int DimX => WorkItem.Current.Group.Config.GridDim.X;

    public static int DimY => WorkItem.Current.Group.Config.GridDim.Y;

    public static int DimZ => WorkItem.Current.Group.Config.GridDim.Z;

    /// <summary>This work item's place in the whole grid: group index x group size + index in the group.</summary>
    public static Index3D GlobalIndex => new(
        (IdxX * Group.DimX) + Group.IdxX, (IdxY * Group.DimY) + Group.IdxY, (IdxZ * Group.DimZ) + Group.IdxZ);
}

/// <summary>Memory that the work items of a group share; only inside explicitly grouped kernels.</summary>
public static class SharedMemory
{
    /// <summary>
    /// The shared array of this allocation site. Its contents are undefined at first (the CPU accelerator fills it
    /// with NaN, so that a read before the first write shows).
    /// </summary>
    /// <param name="length">Elements; a constant, the same for every work item.</param>
    public static ArrayView<T> Allocate<T>(int length) where T : unmanaged =>
        WorkItem.Current.AllocateShared<T>(length);
}

/// <summary>Memory of one work item.</summary>
public static class LocalMemory
{
    /// <summary>A private array, undefined at first, that lives until the work item ends.</summary>
    /// <param name="length">Elements; a constant.</param>
    public static ArrayView<T> Allocate<T>(int length) where T : unmanaged =>
        LocalArena.OfThisThread.Allocate<T>(length);
}

/// <summary>Atomic operations on integers. There are none on floats: their order would change the sum.</summary>
public static class Atomic
{
    /// <summary>Adds and returns the value from before.</summary>
    public static int Add(ref int target, int value) => Interlocked.Add(ref target, value) - value;

    public static uint Add(ref uint target, uint value) => Interlocked.Add(ref target, value) - value;

    /// <summary>Writes the larger of both and returns the value from before.</summary>
    public static int Max(ref int target, int value)
    {
        int seen = Volatile.Read(ref target);
        while (seen < value)
        {
            int before = Interlocked.CompareExchange(ref target, value, seen);
            if (before == seen) return before;
            seen = before;
        }

        return seen;
    }

    /// <summary>Writes the smaller of both and returns the value from before.</summary>
    public static int Min(ref int target, int value)
    {
        int seen = Volatile.Read(ref target);
        while (seen > value)
        {
            int before = Interlocked.CompareExchange(ref target, value, seen);
            if (before == seen) return before;
            seen = before;
        }

        return seen;
    }

    /// <summary>Writes <paramref name="value"/> where <paramref name="compare"/> is found; returns what was found.</summary>
    public static int CompareExchange(ref int target, int compare, int value) =>
        Interlocked.CompareExchange(ref target, value, compare);
}
