namespace NativeStyle.Faults.Tests;

internal static class Program
{
    private static int Main() => 2;
}
