using System.Globalization;

namespace NativeStyle.Faults.Tests;

/// <summary>The process in which calls of the C library fail. Tests start it.</summary>
internal static class Program
{
    private static int Main(string[] arguments) => arguments switch
    {
        ["disk", string scenario, string rounds] =>
            DiskFaults.Run(Scenario.Find(scenario), int.Parse(rounds, CultureInfo.InvariantCulture)),
        ["power", string scenario] => PowerFailure.Run(Scenario.Find(scenario)),
        _ => 2,
    };
}
