using System.Runtime.InteropServices;
using NativeStyle.FeedForward.Films;

namespace NativeStyle.Fuzzing;

/// <summary>
/// The reader of raw frames. It runs <c>ffmpeg</c>; in its place stands a program that prints the input, so the target
/// is for systems with a shell.
/// </summary>
internal static class FrameTarget
{
    private const int Height = 4, Width = 6, FrameBytes = 3 * Height * Width;

    private static readonly Lazy<string> s_program = new(Install);

    public static FuzzTarget Frames { get; } = new("frames", () => [new byte[3 * FrameBytes], new byte[5]], Read)
    {
        Refuses = refusal => refusal is FilmException, MostBytes = 4 << 20,
    };

    private static int Read(string path)
    {
        string folder = s_program.Value;
        var film = new FilmInfo(path, 0, Height, Width, true, new FrameRate(25, 1), null, [], true);
        string before = Environment.GetEnvironmentVariable("PATH")!;
        Environment.SetEnvironmentVariable("PATH", $"{folder}:{before}");
        try
        {
            using var reader = new FilmReader(film, Height, Width);
            byte[] frame = new byte[FrameBytes];
            int frames = 0;
            var digest = new HashCode();
            for (; reader.Read(frame); frames++) digest.AddBytes(frame);
            Finding.Require(frames == new FileInfo(path).Length / FrameBytes, $"{frames} frames were read");
            return digest.ToHashCode();
        }
        finally
        {
            Environment.SetEnvironmentVariable("PATH", before);
        }
    }

    /// <summary>Puts a program called ffmpeg beside the running one.</summary>
    private static string Install()
    {
        string folder = Path.Combine(AppContext.BaseDirectory, "programs");
        Directory.CreateDirectory(folder);
        string program = Path.Combine(folder, "ffmpeg");
        File.WriteAllText(
            program, "#!/bin/sh\nfor each; do case $each in file:*) exec cat \"${each#file:}\";; esac; done\n");
        if (!RuntimeInformation.IsOSPlatform(OSPlatform.Windows))
            File.SetUnixFileMode(program, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        return folder;
    }
}
