namespace NativeStyle.Imaging;

/// <summary>A picture would take more memory while it is decoded than it may.</summary>
/// <param name="neededBytes">About what decoding takes.</param>
/// <param name="memoryBytes">What it may take.</param>
public sealed class PictureMemoryException(string message, long neededBytes, long memoryBytes) : IOException(message)
{
    /// <summary>The bytes that decoding needs.</summary>
    public long NeededBytes { get; } = neededBytes;

    /// <summary>The bytes that decoding might use.</summary>
    public long MemoryBytes { get; } = memoryBytes;
}
