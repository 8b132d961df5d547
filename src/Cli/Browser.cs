using System.ComponentModel;
using System.Diagnostics;

namespace NativeStyle.Cli;

/// <summary>The user's browser.</summary>
internal static class Browser
{
    /// <summary>Opens an address. Where there is no browser, the user opens the printed address.</summary>
    public static void Open(string address)
    {
        try
        {
            var start = new ProcessStartInfo
            {
                UseShellExecute = OperatingSystem.IsWindows(),
                RedirectStandardOutput = !OperatingSystem.IsWindows(),
                RedirectStandardError = !OperatingSystem.IsWindows(),
                FileName = OperatingSystem.IsWindows() ? address : OperatingSystem.IsMacOS() ? "open" : "xdg-open",
            };
            if (!OperatingSystem.IsWindows()) start.ArgumentList.Add(address);
            Process.Start(start)?.Dispose();
        }
        catch (Exception none) when (none is Win32Exception or InvalidOperationException)
        {
            // A server has none.
        }
    }
}
