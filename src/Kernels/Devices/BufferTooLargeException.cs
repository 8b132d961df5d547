namespace NativeStyle.Kernels.Devices;

/// <summary>One buffer is larger than a device can have, however much of its memory is free.</summary>
/// <param name="message">Which device, and what for.</param>
/// <param name="size">Of the buffer, in the units of the limit.</param>
/// <param name="limit">The most that the device can have in one.</param>
public sealed class BufferTooLargeException(string message, long size, long limit) : OutOfMemoryException(message)
{
    /// <summary>The number of elements that were asked for.</summary>
    public long Size { get; } = size;

    /// <summary>The number of elements that kernels can count.</summary>
    public long Limit { get; } = limit;
}
