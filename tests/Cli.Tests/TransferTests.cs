using System.Diagnostics;
using System.Text.Json;
using NativeStyle.Imaging;

namespace NativeStyle.Cli.Tests;

public sealed class TransferTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly string _content;
    private readonly string _style;

    public TransferTests() => (_content, _style) = CommandLine.Pictures(_folder);

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void ATransferWritesThePictureTheTraceAndTheSteps()
    {
        string output = _folder.File("out.png"), trace = _folder.File("trace.jsonl");
        CommandLine.Outcome outcome = Shallow("-o", output, "--trace", trace, "--save-every", "4", "--size", "48");
        Assert.Equal((0, ""), (outcome.ExitCode, outcome.Error));
        Assert.Contains("compact VGG-19", outcome.Output, StringComparison.Ordinal);
        Assert.Contains("saved", outcome.Output, StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', outcome.Output);
        Picture picture = PictureFile.Read(output);
        Assert.Equal((34, 48), (picture.Height, picture.Width));
        Assert.Equal(
            ["out-0004.png", "out-0008.png"],
            Directory.GetFiles(_folder.Path, "out-*.png").Select(Path.GetFileName).Order());

        JsonElement[] lines = [.. File.ReadAllLines(trace).Select(line => JsonDocument.Parse(line).RootElement)];
        Assert.Equal(Enumerable.Range(1, 10), lines.Select(line => line.GetProperty("iteration").GetInt32()));
        string[] names = [.. lines[0].EnumerateObject().Select(property => property.Name)];
        Assert.Equal(["iteration", "height", "width", "loss", "content", "style", "tv", "seconds"], names);
        Assert.True(lines[^1].GetProperty("loss").GetDouble() < lines[0].GetProperty("loss").GetDouble());
    }

    [Theory]
    [InlineData("out.jpg")]
    [InlineData("out.npy")]
    public void TheExtensionDecidesTheFormatAndQuietPrintsNothing(string name)
    {
        CommandLine.Outcome outcome = Shallow("-o", _folder.File(name), "--quiet", "--size", "24");
        Assert.Equal((0, "", ""), (outcome.ExitCode, outcome.Output, outcome.Error));
        Assert.True(new FileInfo(_folder.File(name)).Length > 100);
    }

    [Fact]
    public void TheSameSeedGivesTheSameBytes()
    {
        Shallow("-o", _folder.File("a.png"), "--seed", "5", "--init", "normal");
        Shallow("-o", _folder.File("b.png"), "--seed", "5", "--init", "normal", "--threads", "1");
        Shallow("-o", _folder.File("c.png"), "--seed", "6", "--init", "normal");
        Assert.Equal(File.ReadAllBytes(_folder.File("a.png")), File.ReadAllBytes(_folder.File("b.png")));
        Assert.NotEqual(File.ReadAllBytes(_folder.File("a.png")), File.ReadAllBytes(_folder.File("c.png")));
    }

    [Fact]
    public void APictureCanBeTheStart()
    {
        // The step is too small to show, so the result is the start, which is black.
        PictureFile.Write(_folder.File("black.png"), new Picture(30, 30));
        CommandLine.Outcome outcome =
            Shallow("-o", _folder.File("a.png"), "--init", _folder.File("black.png"), "--learning-rate", "1e-8");
        Assert.Equal((0, ""), (outcome.ExitCode, outcome.Error));
        Assert.All(PictureFile.Read(_folder.File("a.png")).Pixels, value => Assert.Equal(0, value));
    }

    [SkippableFact]
    public void CtrlCSavesThePictureSoFar()
    {
        Skip.If(OperatingSystem.IsWindows(), "signals are sent with kill");
        string output = _folder.File("out.png");
        bool sent = false;
        CommandLine.Outcome outcome = CommandLine.RunProcess(
            (process, line) =>
            {
                if (sent || !line.StartsWith("1/", StringComparison.Ordinal)) return;
                sent = true;
                Process.Start("kill", ["-INT", $"{process.Id}"]).WaitForExit();
            },
            "transfer", _content, _style, "-o", output, "--size", "48", "--iterations", "100000",
            "--content-layers", "conv2_1", "--style-layers", "conv1_1");
        Assert.Equal(130, outcome.ExitCode);
        Assert.Contains("saved the picture so far", outcome.Output, StringComparison.Ordinal);
        Assert.Equal(48, PictureFile.Read(output).Width);
    }

    [Fact]
    public void ALossThatIsNotFiniteEndsWithExitCode1AndAPicture()
    {
        string output = _folder.File("out.png");
        CommandLine.Outcome outcome = CommandLine.Run(
            "transfer", _content, _style, "-o", output, "--preset", "coursera", "--size", "40", "--iterations", "10",
            "--learning-rate", "1e9", "--style-weight", "1e15", "--content-layers", "conv2_1", "--style-layers",
            "conv1_1:1,conv2_1:1");
        Assert.Equal(1, outcome.ExitCode);
        Assert.Contains("not finite", outcome.Error, StringComparison.Ordinal);
        Assert.Equal(40, PictureFile.Read(output).Width);
    }

    [Fact]
    public void CourseraPrintsTheShapesOfTheAssignment()
    {
        var content = new Picture(300, 400);
        Array.Fill(content.Pixels, 0.5f);
        PictureFile.Write(_folder.File("c.png"), content);
        CommandLine.Outcome outcome = CommandLine.Run(
            "transfer", _folder.File("c.png"), _style, "-o", _folder.File("o.png"), "--preset", "coursera", "--weights",
            "random", "--iterations", "21",
            "--style-layers", "conv1_1:0.5,conv2_1:0.5", "--content-layers", "conv2_1");
        Assert.Equal(0, outcome.ExitCode);
        // The program prints the cost every 20 iterations and at the end.
        IEnumerable<string> costs =
            outcome.Output.Split('\n').Where(line => line.Contains("s/it", StringComparison.Ordinal));
        Assert.Equal(["20/21", "21/21"], costs.Select(line => line.Split(' ')[0]));
        foreach (string shape in new[]
        {
            "300 x 400 x 3", "300 x 400 x 64", "150 x 200 x 64", "150 x 200 x 128", "75 x 100 x 256", "38 x 50 x 512",
            "19 x 25 x 512", "10 x 13 x 512",
        }) Assert.Contains(shape, outcome.Output, StringComparison.Ordinal);
    }

    /// <summary>Each wrong use: arguments after transfer, and words that the error must have.</summary>
    public static TheoryData<string, string> WrongUses() => new()
    {
        { "{content} {style} -o {folder}/o.png --content-weight 0 --style-weight 0", "loss layer --style-weight" },
        { "{content} {style} -o {folder}/o.gif", ".gif .png .npy" },
        { "{content} {style} -o {folder}/no/o.png", "no folder create" },
        { "{content} {style} -o {folder}", "is a folder" },
        { "{content} {style} -o {content}", "content.png is an input" },
        { "{content} {style} -o {folder}/o.png --trace {style}", "style.jpg is an input" },
        { "{content} {style} -o /proc/o.png", "cannot be written" },
        { "{content} {style}", "output --help" },
        { "{folder}/none.png {style} -o {folder}/o.png", "none.png does not exist" },
        { "{folder} {style} -o {folder}/o.png", "is a folder" },
        { "{empty} {style} -o {folder}/o.png", "empty.png is empty PNG JPEG" },
        { "{text} {style} -o {folder}/o.png", "text.png is no picture that can be read" },
        { "{cut} {style} -o {folder}/o.png", "cut.png truncated" },
        { "{huge} {style} -o {folder}/o.png", "huge.png 200000 x 200000" },
        { "{content} {cut} -o {folder}/o.png", "cut.png truncated" },
        { "{content} {style} -o {folder}/o.png --weights {folder}/none.mat", "none.mat does not exist .mat .npz" },
        { "{content} {style} -o {folder}/o.png --weights {empty}", "empty.png is empty" },
        { "{content} {style} -o {folder}/o.png --weights {text}", "text.png no weights file .mat .npz" },
        { "{content} {style} -o {folder}/o.png --weights {zip}", "zip.npz damaged download" },
        { "{content} {style} -o {folder}/o.png --content-layers conv9_9", "conv9_9 conv1_1" },
        { "{content} {style} -o {folder}/o.png --style-layers conv1_1:x", "conv1_1:x LAYER:WEIGHT" },
        { "{content} {style} -o {folder}/o.png --style-layers conv1_1,relu1_1", "twice" },
        { "{content} {style} -o {folder}/o.png --preset monet", "monet default gatys coursera" },
        { "{content} {style} -o {folder}/o.png --size -1", "--size -1 0 32768" },
        {
            "{content} {style} -o {folder}/o.png --size 30000 --memory 8G",
            "memory tiles smaller --size larger --memory"
        },
        { "{content} {style} -o {folder}/o.png --size 32768", "megapixels smaller --size" },
        { "{content} {style} -o {folder}/o.png --size abc", "abc" },
        { "{content} {style} -o {folder}/o.png --size 8 --preset gatys", "too small conv5_1 16" },
        { "{content} {style} -o {folder}/o.png --iterations 0", "--iterations 0 out of range" },
        { "{content} {style} -o {folder}/o.png --learning-rate -1", "--learning-rate -1 out of range" },
        { "{content} {style} -o {folder}/o.png --style-weight NaN", "--style-weight NaN out of range" },
        { "{content} {style} -o {folder}/o.png --threads 0", "--threads 0" },
        { "{content} {style} -o {folder}/o.png --device gpu", "gpu cpu" },
        { "{content} {style} -o {folder}/o.png --pooling min", "min average max" },
        { "{content} {style} -o {folder}/o.png --init nowhere", "nowhere" },
        { "{content} {style} -o {folder}/o.png --save-every 0", "--save-every 0" },
        { "{content} {style} -o {folder}/o.png --trace {folder}/no/t.jsonl", "no folder" },
        { "{content} {style} -o {folder}/o.png --quality 101", "--quality 101" },
        { "{content} {style} -o {folder}/o.png --depth 9", "--depth 9" },
        { "{content} {style} -o {folder}/o.png --weights-convention yuv --iterations 1", "yuv bgr-255" },
        { "{content} {style} -o {folder}/o.png --unknown", "--unknown" },
    };

    [Theory]
    [MemberData(nameof(WrongUses))]
    public void WrongUsesAreOneLineAndTouchNothing(string arguments, string words)
    {
        File.WriteAllBytes(_folder.File("empty.png"), []);
        File.WriteAllText(_folder.File("text.png"), "this is text");
        File.WriteAllBytes(_folder.File("cut.png"), File.ReadAllBytes(_content)[..200]);
        File.WriteAllText(_folder.File("zip.npz"), "PK\u0003\u0004 and nothing else");
        byte[] huge = File.ReadAllBytes(_content);
        new byte[] { 0, 3, 0x0d, 0x40, 0, 3, 0x0d, 0x40 }.CopyTo(huge, 16);
        BitConverter.GetBytes(System.Net.IPAddress.HostToNetworkOrder((int)Crc(huge.AsSpan(12, 17)))).CopyTo(huge, 29);
        File.WriteAllBytes(_folder.File("huge.png"), huge);
        File.WriteAllText(_folder.File("o.png"), "the user's own");
        string[] before = Directory.GetFiles(_folder.Path);
        string Expand(string text) => text
            .Replace("{content}", _content, StringComparison.Ordinal)
            .Replace("{style}", _style, StringComparison.Ordinal)
            .Replace("{zip}", _folder.File("zip.npz"), StringComparison.Ordinal)
            .Replace("{folder}", _folder.Path, StringComparison.Ordinal)
            .Replace("{empty}", _folder.File("empty.png"), StringComparison.Ordinal)
            .Replace("{text}", _folder.File("text.png"), StringComparison.Ordinal)
            .Replace("{cut}", _folder.File("cut.png"), StringComparison.Ordinal)
            .Replace("{huge}", _folder.File("huge.png"), StringComparison.Ordinal);
        CommandLine.Outcome outcome = CommandLine.Run(["transfer", .. arguments.Split(' ').Select(Expand)]);
        CommandLine.AssertRefused(outcome, words.Split(' '));
        Assert.Equal("the user's own", File.ReadAllText(_folder.File("o.png")));
        Assert.Equal(before.Order(), Directory.GetFiles(_folder.Path).Order());
    }

    /// <summary>Makes ten quick iterations on shallow layers.</summary>
    private CommandLine.Outcome Shallow(params string[] more) => CommandLine.Run(
        ["transfer", _content, _style, "--iterations", "10", "--content-layers", "relu2_1", "--style-layers",
         "conv1_1:0.5,conv2_1:0.5", .. more]);

    private static uint Crc(ReadOnlySpan<byte> bytes)
    {
        uint crc = uint.MaxValue;
        foreach (byte b in bytes)
        {
            for (int bit = 0; bit < 8; bit++)
                crc = (crc >> 1) ^ ((((crc ^ (uint)(b >> bit)) & 1) != 0) ? 0xEDB88320 : 0);
        }

        return ~crc;
    }
}
