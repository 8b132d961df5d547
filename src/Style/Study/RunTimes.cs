using System.Diagnostics;
using NativeStyle.Kernels.Devices;

namespace NativeStyle.Style.Study;

/// <summary>The seconds of repeated runs of the same work.</summary>
/// <param name="Median">The median of all runs.</param>
/// <param name="Least">The fastest run, which other programs on the machine disturbed least.</param>
internal sealed record RunTimes(double Median, double Least)
{
    /// <summary>Runs some work several times. It waits for the device before and after each run.</summary>
    /// <param name="count">At least 1.</param>
    public static RunTimes Of(ComputeDevice device, int count, Action run)
    {
        double[] seconds = new double[count];
        for (int i = 0; i < count; i++)
        {
            device.Synchronize();
            long start = Stopwatch.GetTimestamp();
            run();
            device.Synchronize();
            seconds[i] = Stopwatch.GetElapsedTime(start).TotalSeconds;
        }

        Array.Sort(seconds);
        return new RunTimes((seconds[(count - 1) / 2] + seconds[count / 2]) / 2, seconds[0]);
    }
}
