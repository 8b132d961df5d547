using ILGPU;

namespace NativeStyle.Exercises;

/// <summary>
/// Exercise 2: pad a tile. The kernel transposes 32 x 32 floats through shared memory. A GPU's shared memory has 32
/// banks; address a is in bank a mod 32, and lanes that reach different addresses of one bank wait for each other. The
/// kernel writes rows, which is fine, and reads columns, where all 32 lanes meet in one bank: 32 times as slow.
/// Change <see cref="Length"/> and <see cref="Place"/> so that no two lanes meet, with at most 32 floats more.
/// </summary>
public static class PaddedTile
{
    /// <summary>Rows and columns of the tile, and lanes of a warp.</summary>
    public const int Side = 32;

    /// <summary>Floats of shared memory.</summary>
    public const int Length = Side * Side;

    /// <summary>The address of an element in shared memory.</summary>
    public static int Place(int row, int column) => (row * Side) + column;

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
