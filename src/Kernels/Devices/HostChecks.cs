using System.Diagnostics;

namespace NativeStyle.Kernels.Devices;

/// <summary>
/// Turns ILGPU's failed checks into exceptions. ILGPU checks indices and lengths on the host by
/// <see cref="Trace.Assert(bool)"/>, whose default listener ends the process. An exception lets the program save the
/// picture so far.
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

    /// <summary>Makes every failed check from now on throw.</summary>
    public static void Throw() => _ = s_throwing.Value;

    private sealed class ThrowingListener : DefaultTraceListener
    {
        public override void Fail(string? message, string? detailMessage) =>
            throw new DeviceException($"a view was used outside of its memory: {message} {detailMessage}".TrimEnd());
    }
}
