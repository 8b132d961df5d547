namespace NativeStyle.FeedForward;

/// <summary>How a picture of one size goes through the network.</summary>
/// <param name="Height">Rows.</param>
/// <param name="Width">Columns.</param>
/// <param name="Tile">Rows and columns of a tile; null if the picture goes whole.</param>
/// <param name="OnDisk">Whether the maps between the layers are in scratch files.</param>
/// <param name="PeakBytes">
/// The most memory at a time: on a CPU that of the whole program, otherwise that of the device.
/// </param>
/// <param name="ScratchBytes">The most bytes in scratch files at a time.</param>
/// <param name="LimitBytes">The memory that it may take.</param>
/// <param name="Fits">Whether the memory is within the limit.</param>
public sealed record DrawingPlan(
    int Height, int Width, int? Tile, bool OnDisk, long PeakBytes, long ScratchBytes, long LimitBytes,
    bool Fits);
