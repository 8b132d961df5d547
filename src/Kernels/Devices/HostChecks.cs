using System.Diagnostics;

namespace NativeStyle.Kernels.Devices;

/// <summary>
/// ILGPU checks indices and lengths on the host by <see cref="Trace.Assert(bool)"/>, whose default listener ends the process.
/// Here a failed check is an exception like any other: the picture so far can then be saved.
/// </summary>
internal static class HostChecks
{
    private static readonly Lazy<bool> s_throwing = new(() =>
    {
        foreach (DefaultTraceListener listener in Trace.Listeners.OfType<DefaultTraceListener>().ToArray())
        {
            Trace.Listeners.Remove(listener);
            Trace.Listeners.Add(new ThrowingListener());
        }

        return true;
    });

    /// <summary>From now on a failed check throws.</summary>
    public static void Throw() => _ = s_throwing.Value;

    private sealed class ThrowingListener : DefaultTraceListener
    {
        public override void Fail(string? message, string? detailMessage) =>
            throw new DeviceException($"a view was used outside of its memory: {message} {detailMessage}".TrimEnd());
    }
}
