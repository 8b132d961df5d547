using System.Text.Json;

namespace NativeStyle.Cli.Tests;

public class BenchTests
{
    [Fact]
    public void BenchPrintsALineOfJsonAndATableOfOperators()
    {
        CommandLine.Outcome outcome =
            CommandLine.RunProcessWith(
                CommandLine.AsUsersDo, "bench", "48", "32", "--iterations", "2", "--threads", "2", "--breakdown");
        Assert.True(outcome.ExitCode == 0, outcome.Error);
        JsonElement line = JsonDocument.Parse(outcome.Output.Split('\n')[0]).RootElement;
        Assert.Equal(
            (48, 32, 2),
            (
                line.GetProperty("height").GetInt32(), line.GetProperty("width").GetInt32(),
                line.GetProperty("threads").GetInt32()));
        double iteration = line.GetProperty("seconds_per_iteration").GetDouble(),
            forward = line.GetProperty("seconds_forward").GetDouble();
        Assert.True(iteration > 0 && forward > 0);
        Assert.True(line.GetProperty("peak_rss_mb").GetInt64() > 50);

        // Products per pixel are 9 times input times output channels. The pixels of blocks 1 to 5 (48 x 32, halved each
        // time) are summed by hand. Forward and backward passes count 2 operations for each product.
        double products = 9 * (
            (1536.0 * ((3 * 64) + (64 * 64))) + (384 * ((64 * 128) + (128 * 128)))
            + (96 * ((128 * 256) + (3 * 256 * 256)))
            + (24 * ((256 * 512) + (3 * 512 * 512))) + (6 * 512 * 512));
        Assert.Equal(4 * products / 1e9, line.GetProperty("direct_gflop_per_iteration").GetDouble(), 0.06);
        foreach (string word in new[]
        {
            "Conv3x3.BackwardData", "48x32, 64 -> 64 pooled", "Gram.Forward", "Adam.Step", "GB/s of copying memory",
        })
            Assert.Contains(word, outcome.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void BenchStylizePrintsALineOfJsonAndATableOfOperators()
    {
        CommandLine.Outcome outcome = CommandLine.Run(
            "bench", "stylize", "48", "32", "--width", "0.25", "--iterations", "1", "--threads", "2", "--device", "cpu",
            "--breakdown");
        Assert.True(outcome.ExitCode == 0, outcome.Error);
        JsonElement line = JsonDocument.Parse(outcome.Output.Split('\n')[0]).RootElement;
        Assert.Equal((48, 32), (line.GetProperty("height").GetInt32(), line.GetProperty("width").GetInt32()));
        double seconds = line.GetProperty("seconds").GetDouble();
        Assert.InRange(line.GetProperty("seconds_min").GetDouble(), 1e-9, seconds);
        Assert.InRange(line.GetProperty("frames_per_second").GetDouble() * seconds, 0.9, 1.1);

        // Products per pixel are those of a filter's taps with input times output channels. 8 channels are at the
        // picture's size, 16 at half and 32 at a quarter, where five blocks of two convolutions are.
        double products = (1536 * ((81.0 * 3 * 8) + (9 * 16 * 8) + (81 * 8 * 3)))
            + (384 * ((9.0 * 8 * 16) + (9 * 32 * 16))) + (96 * ((9.0 * 16 * 32) + (10 * 9 * 32 * 32)));
        Assert.Equal(2 * products / 1e9, line.GetProperty("direct_gflop").GetDouble(), 0.0006);
        foreach (string word in new[]
        {
            "Convolution.Forward", "14x10, 32 -> 32, 3x3/1", "InstanceNorm.Normalize", "GB/s of copying memory",
        })
            Assert.Contains(word, outcome.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("bench stylize 8 64", "8 pixels is out of range")]
    [InlineData("bench stylize 64 64 --model nothing.pth", "nothing.pth does not exist, expected a trained style")]
    [InlineData("bench stylize 64 64 --model mosaic --width 1", "--width is for random weights")]
    [InlineData("bench 8 8", "8 pixels is out of range")]
    [InlineData("bench 64 64 --iterations 0", "--iterations 0 is out of range")]
    public void WrongSizesAreRefused(string arguments, string words) =>
        CommandLine.AssertRefused(CommandLine.Run(arguments.Split(' ')), words);
}
