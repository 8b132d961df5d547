namespace NativeStyle.Studio;

/// <summary>A request that cannot be done now, though nothing is wrong with it. The message says why.</summary>
internal sealed class RefusedException(string message) : Exception(message);
