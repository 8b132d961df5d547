using System.Diagnostics;
using System.Globalization;

namespace NativeStyle.Cli.Tests;

/// <summary>ffmpeg, with which tests make films and look at them.</summary>
internal static class Ffmpeg
{
    private static readonly bool s_isThere = Find("ffmpeg") is not null && Find("ffprobe") is not null;

    /// <summary>The folder of the program.</summary>
    public static string Folder => Path.GetDirectoryName(Find("ffmpeg"))!;

    /// <summary>
    /// Skips the running test where ffmpeg is missing. It fails instead if NATIVESTYLE_REQUIRE_FFMPEG states that it
    /// must be there, as in CI.
    /// </summary>
    public static void Require()
    {
        bool required = Environment.GetEnvironmentVariable("NATIVESTYLE_REQUIRE_FFMPEG") is not null;
        Assert.True(s_isThere || !required, "ffmpeg is required here");
        Skip.IfNot(s_isThere, "ffmpeg is not installed");
    }

    /// <summary>Runs ffmpeg with words that have blanks between them, and a file to write.</summary>
    public static string Make(string file, string arguments)
    {
        (int code, _, string error) = Programs.Run(new ProcessStartInfo(
            "ffmpeg", ["-v", "error", "-nostdin", "-y", .. arguments.Split(' '), $"file:{file}"]));
        Assert.True(code == 0, error);
        return file;
    }

    /// <summary>
    /// Asks ffprobe about the first stream of a kind. Returns the values in ffprobe's order, with commas between them.
    /// </summary>
    /// <param name="stream">v for pictures, a for sound.</param>
    public static string Ask(string file, string stream, string values)
    {
        (int code, string output, string error) = Programs.Run(new ProcessStartInfo(
            "ffprobe", ["-v", "error", "-count_packets", "-select_streams", $"{stream}:0", "-show_entries",
            $"stream={values}", "-of", "csv=p=0", $"file:{file}"]));
        Assert.True(code == 0, error);
        return output.Trim();
    }

    /// <summary>Decodes all frames, and checks that none is damaged.</summary>
    /// <returns>(frames, height, width, RGB).</returns>
    public static byte[] Decode(TemporaryFolder folder, string file)
    {
        string raw = folder.File("raw.rgb");
        (int code, _, string error) = Programs.Run(new ProcessStartInfo(
            "ffmpeg", ["-v", "error", "-nostdin", "-y", "-xerror", "-i", $"file:{file}", "-map", "0:v:0", "-pix_fmt",
            "rgb24", "-f", "rawvideo", raw]));
        Assert.True(code == 0 && error.Length == 0, error);
        return File.ReadAllBytes(raw);
    }

    public static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);

    private static string? Find(string program) => (Environment.GetEnvironmentVariable("PATH") ?? "")
        .Split(Path.PathSeparator)
        .Select(folder => Path.Combine(folder, OperatingSystem.IsWindows() ? $"{program}.exe" : program))
        .FirstOrDefault(File.Exists);
}
