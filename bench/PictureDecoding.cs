using System.Diagnostics;
using System.Globalization;
using NativeStyle.Imaging;

namespace NativeStyle.Bench;

/// <summary>
/// Measures how long picture files take to decode, and how much memory. Each file has its own process, because a
/// process keeps its peak of memory.
/// </summary>
internal static class PictureDecoding
{
    private const int Rounds = 5;

    /// <summary>
    /// Prints a line for each file: the best of five times, and the peak of memory per pixel, above that of the program
    /// alone.
    /// </summary>
    public static int Measure(string[] files)
    {
        if (files is ["--alone", string alone])
        {
            Console.WriteLine(MeasureHere(alone));
            return 0;
        }

        foreach (string file in files)
        {
            using Process process = Process.Start(Environment.ProcessPath!, [.. Host(), "pictures", "--alone", file]);
            process.WaitForExit();
            if (process.ExitCode != 0) return process.ExitCode;
        }

        return 0;
    }

    /// <summary>Returns the program's own file if a host runs it.</summary>
    private static string[] Host()
    {
        bool hosted = Path.GetFileNameWithoutExtension(Environment.ProcessPath!) == "dotnet";
        return hosted ? [typeof(PictureDecoding).Assembly.Location] : [];
    }

    private static string MeasureHere(string file)
    {
        using Process process = Process.GetCurrentProcess();
        long before = process.PeakWorkingSet64;
        var clock = Stopwatch.StartNew();
        PictureSource picture = PictureFile.Open(file);
        double best = clock.Elapsed.TotalSeconds, pixels = (double)picture.Height * picture.Width;
        process.Refresh();
        double peak = (process.PeakWorkingSet64 - before) / pixels;
        for (int i = 1; i < Rounds; i++)
        {
            clock.Restart();
            PictureFile.Open(file);
            best = Math.Min(best, clock.Elapsed.TotalSeconds);
        }

        string size = $"{Path.GetFileName(file)}: {picture.Width} x {picture.Height}";
        double bytes = new FileInfo(file).Length / pixels;
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{size}, {bytes:f2} bytes a pixel in the file, decoded in {best:f2} s, "
            + $"at most {peak:f1} bytes a pixel, {picture.HeldBytes / pixels:f0} kept");
    }
}
