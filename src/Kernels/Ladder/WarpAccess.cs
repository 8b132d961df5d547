namespace NativeStyle.Kernels.Ladder;

/// <summary>
/// A load or a store of the 32 work items of a warp, and what it costs a GPU of NVIDIA's (CUDA C++ Programming Guide,
/// "Device memory accesses" and "Shared memory"). It is arithmetic on addresses, so it needs no GPU.
/// </summary>
/// <param name="IsShared">Whether it goes to shared memory; otherwise to global memory.</param>
/// <param name="Floats">Floats of each work item, one after the other: 1 or 4.</param>
/// <param name="AddressOf">
/// The place of the first float, in floats, of the work item with that number in its warp.
/// </param>
internal sealed record WarpAccess(bool IsShared, int Floats, Func<int, int> AddressOf)
{
    /// <summary>Work items of a warp, and banks of shared memory.</summary>
    public const int Lanes = 32;

    private const int SectorFloats = 8, LineFloats = 32;

    private IEnumerable<int> Words =>
        Enumerable.Range(0, Lanes * Floats).Select(each => AddressOf(each / Floats) + (each % Floats)).Distinct();

    /// <summary>
    /// How often the load unit has to go. In shared memory: the most different words that lie in one bank, of which a
    /// bank gives one at a time. In global memory: the lines of 128 bytes.
    /// </summary>
    public int Passes => IsShared
        ? Words.GroupBy(word => word % Lanes).Max(bank => bank.Count())
        : Words.Select(word => word / LineFloats).Distinct().Count();

    /// <summary>Sectors of 32 bytes: global memory moves no less.</summary>
    public int Sectors => Words.Select(word => word / SectorFloats).Distinct().Count();

    /// <summary>Bytes that the warp wants.</summary>
    public int UsefulBytes => Words.Count() * sizeof(float);

    internal static WarpAccess Global(Func<int, int> addressOf, int floats = 1) => new(false, floats, addressOf);

    internal static WarpAccess Shared(Func<int, int> addressOf, int floats = 1) => new(true, floats, addressOf);
}
