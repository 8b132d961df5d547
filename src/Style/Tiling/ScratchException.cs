namespace NativeStyle.Style.Tiling;

/// <summary>A scratch file cannot grow or be written. The message says which file it is, and why.</summary>
public sealed class ScratchException(string message, Exception cause) : IOException(message, cause);
