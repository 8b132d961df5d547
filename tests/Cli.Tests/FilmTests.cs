using System.Diagnostics;
using System.Text.RegularExpressions;
using NativeStyle.FeedForward;

namespace NativeStyle.Cli.Tests;

/// <summary>Tests 'stylize' on films that ffmpeg makes, by what ffprobe says of the results.</summary>
public sealed partial class FilmTests : IDisposable
{
    private const string Picture = "-f lavfi -i testsrc=size=64x48:rate=30000/1001:duration=1";
    private const string Sound = " -f lavfi -i sine=440:duration=1";
    private const string H264 = " -pix_fmt yuv420p -c:v libx264 -preset ultrafast -c:a aac";

    private readonly TemporaryFolder _folder = new();
    private readonly string _model;

    public FilmTests()
    {
        _model = _folder.File("model.safetensors");
        ModelFile.Write(
            _model, TransformerWeights.Random(new TransformerArchitecture(2, 2, 2, 1), 1),
            new Dictionary<string, string>());
    }

    public void Dispose() => _folder.Dispose();

    /// <summary>Tests the frames, the size, the rate and the sound of films of several kinds.</summary>
    [SkippableTheory]
    [InlineData("a.mp4", Picture + Sound + H264, "b.mp4", "64,48,30000/1001,30", "aac")]
    // No name is taken for an option, a pattern or the address of something else.
    [InlineData("-i.mp4", Picture + Sound + H264, "concat:%03d b.mov", "64,48,30000/1001,30", "aac")]
    // Odd sides lose a pixel; pixels that are no squares become squares; sound in a codec that WebM does not take.
    [InlineData(
        "a.mkv", "-f lavfi -i testsrc=size=65x47:rate=25:duration=1" + Sound + " -c:v ffv1 -c:a flac", "b.webm",
        "64,46,25/1,25", "opus")]
    [InlineData(
        "a.mkv", "-f lavfi -i testsrc=size=32x48:rate=25:duration=1 -vf setsar=2 -c:v ffv1", "b.mkv",
        "64,48,25/1,25", "")]
    // Frames at irregular times: every third is missing after the tenth, until the last at 27/30 s.
    [InlineData(
        "a.mp4", "-f lavfi -i testsrc=size=64x48:rate=30:duration=1 -vsync vfr -c:v libx264 -pix_fmt yuv420p -vf " +
        "select=lt(n\\,10)+not(mod(n\\,3))", "b.mp4", "64,48,30/1,28", "")]
    [InlineData("a.gif", "-f lavfi -i testsrc=size=64x48:rate=10:duration=0.5", "b.mp4", "64,48,10/1,5", "")]
    public void AFilmKeepsWhatItHas(string name, string made, string output, string pictures, string sound)
    {
        Ffmpeg.Require();
        string film = Ffmpeg.Make(_folder.File(name), made), drawn = _folder.File(output);
        Succeed(film, drawn);
        string[] said = Ffmpeg.Ask(drawn, "v", "width,height,r_frame_rate,nb_read_packets").Split(',');
        string[] expected = pictures.Split(',');
        Assert.Equal(expected[..3], said[..3]);
        Assert.InRange(Ffmpeg.Number(said[3]), Ffmpeg.Number(expected[3]), Ffmpeg.Number(expected[3]) + 1);
        Assert.Equal(sound, Ffmpeg.Ask(drawn, "a", "codec_name"));
        Assert.Equal(
            new[] { name, "model.safetensors", output }.Order(StringComparer.Ordinal),
            Directory.GetFiles(_folder.Path).Select(file => Path.GetFileName(file)!).Order(StringComparer.Ordinal));
    }

    /// <summary>
    /// Strength 0 gives the film back but for two conversions and compressions, so colours are right. The wrong matrix
    /// of colours would be 7 levels apart on average.
    /// </summary>
    [SkippableTheory]
    [InlineData("", "320x240")]
    [InlineData(" -metadata:s:v rotate=90", "240x320")]
    public void StrengthZeroGivesTheFilmBack(string rotation, string size)
    {
        Ffmpeg.Require();
        // Colours are coarser than pixels, so a small picture would lose them at its edges.
        string large = Picture.Replace("64x48", "320x240", StringComparison.Ordinal);
        string upright = Ffmpeg.Make(_folder.File("upright.mp4"), large + H264 + " -crf 10");
        string film = Ffmpeg.Make(_folder.File("a.mp4"), $"-i {upright} -c copy{rotation}");
        string same = _folder.File("b.mp4");
        Succeed(film, same, "--strength", "0");
        Assert.Equal(size, Ffmpeg.Ask(same, "v", "width,height").Replace(',', 'x'));
        byte[] expected = Ffmpeg.Decode(_folder, film), actual = Ffmpeg.Decode(_folder, same);
        Assert.Equal(expected.Length, actual.Length);
        double apart = expected.Zip(actual, (x, y) => Math.Abs(x - y)).Average();
        Assert.True(apart < 3, $"{apart} levels apart");
    }

    [SkippableFact]
    public void TheSameRunGivesTheSameBytes()
    {
        Ffmpeg.Require();
        string film = Ffmpeg.Make(_folder.File("a.mp4"), Picture + Sound + H264);
        foreach (string output in new[] { "b.mp4", "c.mp4" }) Succeed(film, _folder.File(output), "--size", "32");
        byte[] first = File.ReadAllBytes(_folder.File("b.mp4"));
        Assert.Equal(first, File.ReadAllBytes(_folder.File("c.mp4")));
        Assert.Equal("32,24", Ffmpeg.Ask(_folder.File("b.mp4"), "v", "width,height"));
    }

    [SkippableFact]
    public void CtrlCKeepsTheFramesSoFarWithTheirSound()
    {
        Ffmpeg.Require();
        Skip.If(OperatingSystem.IsWindows(), "signals are sent with kill");
        string film = Ffmpeg.Make(
            _folder.File("a.mp4"),
            "-f lavfi -i testsrc2=size=160x120:rate=25:duration=24 -f lavfi -i sine=440:duration=24" + H264);
        string output = _folder.File("b.mp4");
        bool sent = false;
        CommandLine.Outcome outcome = CommandLine.RunProcess(
            (process, line) =>
            {
                if (sent || !line.StartsWith("frame ", StringComparison.Ordinal)) return;
                sent = true;
                Process.Start("kill", ["-INT", $"{process.Id}"]).WaitForExit();
            },
            Words(film, output));
        Assert.Equal((130, ""), (outcome.ExitCode, outcome.Error));
        Match kept = Kept().Match(outcome.Output);
        Assert.True(kept.Success, outcome.Output);
        double frames = Ffmpeg.Number(kept.Groups[1].Value);
        Assert.InRange(frames, 1, 560);
        Assert.Equal(frames * 160 * 120 * 3, Ffmpeg.Decode(_folder, output).Length);
        Assert.InRange(Ffmpeg.Number(Ffmpeg.Ask(output, "a", "duration")), (frames - 2) / 25, (frames + 3) / 25);
        Assert.Empty(Directory.GetFiles(_folder.Path, "*.tmp"));
    }

    /// <summary>A full disk, which a limit on the size of files stands for.</summary>
    [SkippableFact]
    public void AFullDiskKeepsTheFramesSoFar()
    {
        Ffmpeg.Require();
        Skip.If(OperatingSystem.IsWindows(), "files are limited by ulimit -f");
        string film = Ffmpeg.Make(
            _folder.File("a.mp4"), "-f lavfi -i testsrc2=size=128x96:rate=10:duration=8" + Sound + H264);
        string limited = Directory.CreateDirectory(_folder.File("limited")).FullName, output = _folder.File("b.mp4");
        File.WriteAllText(
            Path.Combine(limited, "ffmpeg"),
            $"#!/bin/sh\nulimit -f 100\ntrap '' XFSZ\nexec {Ffmpeg.Folder}/ffmpeg \"$@\"\n");
        Process.Start("chmod", ["+x", Path.Combine(limited, "ffmpeg")]).WaitForExit();
        string path = $"PATH={limited}:{Environment.GetEnvironmentVariable("PATH")}";
        CommandLine.Outcome outcome = CommandLine.RunProcessWith(path, Words(film, output));
        CommandLine.AssertRefused(outcome, "b.mp4 cannot be written", "File too large", "kept ");
        double frames = Ffmpeg.Number(Kept().Match(outcome.Error).Groups[1].Value);
        Assert.InRange(frames, 1, 79);
        Assert.Equal(frames, Ffmpeg.Number(Ffmpeg.Ask(output, "v", "nb_read_packets")));
        Assert.Empty(Directory.GetFiles(_folder.Path, "*.tmp"));
    }

    [SkippableFact]
    public void WhatIsNoFilmIsRefused()
    {
        Ffmpeg.Require();
        string text = _folder.File("text.mp4");
        string sound = Ffmpeg.Make(_folder.File("a.mp3"), "-f lavfi -i sine=440:duration=1");
        File.WriteAllText(text, "no film");
        string still = Ffmpeg.Make(_folder.File("still.png"), "-f lavfi -i testsrc=size=64x48 -frames:v 1");
        string output = _folder.File("b.mp4");
        File.WriteAllText(output, "precious");
        CommandLine.AssertRefused(Run(text, output), "text.mp4 cannot be read as a film", "Invalid data");
        CommandLine.AssertRefused(Run(sound, output), "a.mp3 has no moving pictures");
        CommandLine.AssertRefused(Run(still, output), "still.png is a single picture");
        CommandLine.AssertRefused(Run(_folder.File("none.mp4"), output), "none.mp4 does not exist");
        CommandLine.AssertRefused(Run(output, output), "is an input and would be overwritten");
        CommandLine.AssertRefused(Run(text, _folder.File("b.avi")), "'.avi'", ".mp4");
        CommandLine.AssertRefused(Run(text, _folder.File("b.png")), "text.mp4", "must end in .mp4");
        Assert.Equal("precious", File.ReadAllText(output));
    }

    [SkippableFact]
    public void WithoutFfmpegItIsNamedWithHowToGetIt()
    {
        Skip.If(OperatingSystem.IsWindows(), "PATH is replaced by a folder with a link to dotnet");
        string film = _folder.File("a.mp4"), path = Directory.CreateDirectory(_folder.File("path")).FullName;
        File.WriteAllText(film, "whatever");
        string dotnet = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':')
            .Select(folder => Path.Combine(folder, "dotnet")).First(File.Exists);
        File.CreateSymbolicLink(Path.Combine(path, "dotnet"), File.ResolveLinkTarget(dotnet, true)?.FullName ?? dotnet);
        CommandLine.AssertRefused(
            CommandLine.RunProcessWith($"PATH={path}", Words(film, _folder.File("b.mp4"))), "ffprobe",
            "No such file or directory", "apt install ffmpeg");
    }

    private string[] Words(string film, string output, params string[] more) =>
        ["stylize", "-o", output, "--model", _model, "--device", "cpu", .. more, "--", film];

    private CommandLine.Outcome Run(string film, string output, params string[] more) =>
        CommandLine.Run(Words(film, output, more));

    private void Succeed(string film, string output, params string[] more)
    {
        CommandLine.Outcome outcome = Run(film, output, more);
        Assert.True(outcome.ExitCode == 0, outcome.Error);
        Assert.Contains("frame 1", outcome.Output, StringComparison.Ordinal);
    }

    [GeneratedRegex(@"kept (\d+) frames")]
    private static partial Regex Kept();
}
