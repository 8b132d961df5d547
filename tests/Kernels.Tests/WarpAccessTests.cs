using NativeStyle.Kernels.Ladder;

namespace NativeStyle.Kernels.Tests;

/// <summary>What a warp's access costs, against examples of NVIDIA's programming guide and numbers by hand.</summary>
public class WarpAccessTests
{
    /// <summary>
    /// CUDA C++ Programming Guide, "Shared memory", figures of strided accesses: a stride of one has no conflict, of
    /// two a two-way one, of three none; a broadcast has none.
    /// </summary>
    [Theory]
    [InlineData(0, 1)]
    [InlineData(1, 1)]
    [InlineData(2, 2)]
    [InlineData(3, 1)]
    [InlineData(16, 16)]
    [InlineData(17, 1)]
    [InlineData(32, 32)]
    public void BanksServeOneFloatEach(int stride, int passes) =>
        Assert.Equal(passes, new WarpAccess(true, 1, lane => stride * lane).Passes);

    /// <summary>The guide's best and worst case of global memory: 4 sectors of 32 bytes, and 32.</summary>
    [Theory]
    [InlineData(1, 0, 1, 4, 1)]
    [InlineData(1, 1, 1, 5, 2)]
    [InlineData(8, 0, 1, 32, 8)]
    [InlineData(1024, 0, 1, 32, 32)]
    [InlineData(0, 0, 1, 1, 1)]
    [InlineData(4, 0, 4, 16, 4)]
    public void GlobalMemoryMovesSectors(int stride, int offset, int floats, int sectors, int passes)
    {
        var access = new WarpAccess(false, floats, lane => (stride * lane) + offset);
        Assert.Equal((sectors, passes), (access.Sectors, access.Passes));
    }

    /// <summary>
    /// By hand: 32 lines and a broadcast; a line and a broadcast; 512 bytes and a broadcast for 16; 8 floats a bank;
    /// padded, one pass for each of 8 loads.
    /// </summary>
    [Theory]
    [InlineData(1, 33)]
    [InlineData(2, 2)]
    [InlineData(4, 5 / 16.0)]
    [InlineData(5, 1 + 8)]
    [InlineData(6, (4 + (4 * 8)) / 16.0)]
    [InlineData(7, 8 / 16.0)]
    [InlineData(9, 4 / 64.0)]
    [InlineData(10, 12 * 4 / 1024.0)]
    public void StepsNeedThatManyPassesForAMultiplyAdd(int step, double passes) =>
        Assert.Equal(passes, KernelLadder.Gram.Steps[step - 1].PassesPerMultiplyAdd, 1e-12);

    [Fact]
    public void StepsFollowEachOther() => Assert.All(KernelLadder.All, ladder => Assert.All(ladder.Steps, step =>
    {
        Assert.Equal(step, ladder.Steps[step.Number - 1]);
        Assert.InRange(step.Before, 0, step.Number - 1);
    }));
}
