using ILGPU;

namespace NativeStyle.Exercises;

/// <summary>
/// Solution of exercise 2. With a row of 33 floats, the element (row, column) is in bank (33 row + column) mod 32
/// = (row + column) mod 32. Along a row and along a column, that takes each of the 32 values once.
/// </summary>
public static class PaddedTile
{
    /// <summary>Rows and columns of the tile, and lanes of a warp.</summary>
    public const int Side = 32;

    /// <summary>Floats of shared memory.</summary>
    public const int Length = Side * (Side + 1);

    /// <summary>The address of an element in shared memory.</summary>
    public static int Place(int row, int column) => (row * (Side + 1)) + column;

    /// <summary>Transposes. A group is a few warps; warp y takes rows y, y + warps, ...</summary>
    public static void TransposeKernel(ArrayView<float> from, ArrayView<float> to)
    {
        ArrayView<float> tile = SharedMemory.Allocate<float>(Length);
        int lane = Group.IdxX;
        for (int row = Group.IdxY; row < Side; row += Group.DimY)
            tile[Place(row, lane)] = from[(row * Side) + lane];
        Group.Barrier();
        for (int row = Group.IdxY; row < Side; row += Group.DimY)
            to[(row * Side) + lane] = tile[Place(lane, row)];
    }
}
