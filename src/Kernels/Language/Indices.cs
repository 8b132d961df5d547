namespace NativeStyle.Kernels;

/// <summary>The index or extent of an implicitly grouped kernel: one, two or three dimensions, X varies fastest.</summary>
/// <typeparam name="TSelf">The index type itself.</typeparam>
public interface IIndex<TSelf> where TSelf : struct, IIndex<TSelf>
{
    /// <summary>The number of work items that this extent spans.</summary>
    long Size { get; }

    /// <summary>The index of work item <paramref name="linear"/> inside <paramref name="extent"/>.</summary>
    static abstract TSelf FromLinear(TSelf extent, long linear);
}

/// <summary>A one-dimensional index or extent, as in ILGPU; converts to and from <see cref="int"/>.</summary>
public readonly record struct Index1D(int X) : IIndex<Index1D>
{
    public long Size => X;

    public static Index1D FromLinear(Index1D extent, long linear) => new((int)linear);

    public static implicit operator int(Index1D index) => index.X;

    public static implicit operator Index1D(int x) => new(x);
}

/// <summary>A two-dimensional index or extent, as in ILGPU.</summary>
public readonly record struct Index2D(int X, int Y) : IIndex<Index2D>
{
    public long Size => (long)X * Y;

    public static Index2D FromLinear(Index2D extent, long linear) =>
        new((int)(linear % extent.X), (int)(linear / extent.X));
}

/// <summary>A three-dimensional index or extent, as in ILGPU.</summary>
public readonly record struct Index3D(int X, int Y, int Z) : IIndex<Index3D>
{
    public long Size => (long)X * Y * Z;

    public static Index3D FromLinear(Index3D extent, long linear)
    {
        long plane = (long)extent.X * extent.Y;
        long inPlane = linear % plane;
        return new((int)(inPlane % extent.X), (int)(inPlane / extent.X), (int)(linear / plane));
    }
}

/// <summary>The launch dimensions of an explicitly grouped kernel: how many groups, and work items in each.</summary>
/// <param name="GridDim">Groups along X, Y, Z.</param>
/// <param name="GroupDim">Work items of a group along X, Y, Z.</param>
public readonly record struct KernelConfig(Index3D GridDim, Index3D GroupDim)
{
    public KernelConfig(int gridDim, int groupDim) : this(new Index3D(gridDim, 1, 1), new Index3D(groupDim, 1, 1))
    {
    }

    public KernelConfig(Index2D gridDim, Index2D groupDim)
        : this(new Index3D(gridDim.X, gridDim.Y, 1), new Index3D(groupDim.X, groupDim.Y, 1))
    {
    }
}
