using System.Text.Json;
using ILGPU;
using NativeStyle.Imaging;

namespace NativeStyle.Cli.Tests;

public class OtherCommandsTests
{
    [Fact]
    public void HelpTeaches()
    {
        CommandLine.Outcome root = CommandLine.Run("--help"), transfer = CommandLine.Run("transfer", "--help");
        Assert.Equal((0, 0), (root.ExitCode, transfer.ExitCode));
        foreach (string word in new[]
        {
            "transfer", "weights", "devices", "gradcheck", "bench", "kernels", "Exit codes",
        })
            Assert.Contains(word, root.Output, StringComparison.Ordinal);
        foreach (string option in new[]
        {
            "--output", "--weights", "--preset", "--size", "--iterations", "--learning-rate", "--content-weight",
            "--style-weight", "--tv-weight", "--content-layers", "--style-layers", "--pooling", "--init", "--seed",
            "--device", "--threads", "--save-every", "--trace", "--quiet",
        }) Assert.Contains(option, transfer.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void DevicesListsTheCpu()
    {
        CommandLine.Outcome outcome = CommandLine.Run("devices");
        Assert.Equal(0, outcome.ExitCode);
        Assert.Contains("cpu-kernels", outcome.Output, StringComparison.Ordinal);
    }

    /// <summary>Without a GPU, every command works, and says what is missing if that matters.</summary>
    [Fact]
    public void WithoutAGpuTheCpuIsUsedAndTheReasonIsSaid()
    {
        using var folder = new TemporaryFolder();
        (string content, string style) = CommandLine.Pictures(folder);
        CommandLine.Outcome devices = CommandLine.RunWithoutOpenCl("devices");
        Assert.Equal(0, devices.ExitCode);
        Assert.Contains("OpenCL: ", devices.Output, StringComparison.Ordinal);
        Assert.Contains("Debian", devices.Output, StringComparison.Ordinal);
        Assert.Contains("auto: cpu", devices.Output, StringComparison.Ordinal);
        CommandLine.Outcome transfer = CommandLine.RunWithoutOpenCl(
            "transfer", content, style, "-o", folder.File("out.png"), "--size", "32", "--iterations", "2");
        Assert.True(transfer.ExitCode == 0, transfer.Error);
        Assert.Contains("device cpu: ", transfer.Output, StringComparison.Ordinal);
        Assert.Empty(transfer.Error);
        foreach (string name in new[] { "opencl", "opencl:7", "cuda:9" })
        {
            CommandLine.Outcome missing = CommandLine.RunWithoutOpenCl(
                "transfer", content, style, "-o", folder.File("none.png"), "--device", name);
            Assert.Equal(1, missing.ExitCode);
            Assert.Contains(
                $"there is no device '{name}': ", Assert.Single(missing.Error.Trim().Split('\n')),
                StringComparison.Ordinal);
            Assert.False(File.Exists(folder.File("none.png")));
        }

        CommandLine.AssertRefused(
            CommandLine.Run("gradcheck", "--device", "abacus"), "there is no device 'abacus'", "there are auto, cpu");
    }

    /// <summary>
    /// Makes a whole transfer of the sample pictures. The losses of each iteration and the picture agree with the
    /// CPU's.
    /// </summary>
    [SkippableFact]
    [Trait("Device", "OpenCl")]
    public void ATransferOnOpenClFollowsTheCpu()
    {
        TestDevice.OpenCl().Dispose();
        using var folder = new TemporaryFolder();
        double[][] losses = [.. new[] { "cpu", "opencl" }.Select(device =>
        {
            CommandLine.Outcome outcome = CommandLine.Run(
                "transfer", Sample("content", "town.jpg"), Sample("style", "strokes.jpg"), "-o",
                folder.File(device + ".png"), "--size", "128",
                "--iterations", "20", "--device", device, "--trace", folder.File(device + ".jsonl"));
            Assert.True(outcome.ExitCode == 0, outcome.Error);
            Assert.Contains($"device {device}:", outcome.Output, StringComparison.Ordinal);
            return File.ReadLines(folder.File(device + ".jsonl"))
                .Select(line => JsonDocument.Parse(line).RootElement.GetProperty("loss").GetDouble()).ToArray();
        })];
        Assert.Equal(20, losses[1].Length);
        for (int i = 0; i < 20; i++) Assert.Equal(losses[0][i], losses[1][i], 2e-3 * losses[0][i]);
        float[] cpu = PictureFile.Read(folder.File("cpu.png")).Pixels,
            device = PictureFile.Read(folder.File("opencl.png")).Pixels;
        Assert.True(cpu.Zip(device, (a, b) => Math.Abs(a - b)).Average() < 1e-3);
    }

    private static string Sample(string kind, string name) =>
        Path.Combine(AppContext.BaseDirectory, "samples", kind, name);

    [Fact]
    public void KernelsAreListedAndShownInEachLanguage()
    {
        CommandLine.Outcome list = CommandLine.Run("kernels");
        CommandLine.Outcome one = CommandLine.Run("kernels", "show", "maxpool.forward");
        CommandLine.Outcome openCl = CommandLine.Run("kernels", "show", "Adam.StepKernel", "--opencl");
        CommandLine.Outcome ptx = CommandLine.Run("kernels", "show", "Adam.StepKernel", "--ptx");
        Assert.Equal((0, 0, 0, 0), (list.ExitCode, one.ExitCode, openCl.ExitCode, ptx.ExitCode));
        Assert.Contains("WinogradGpu.OutputsKernel", list.Output, StringComparison.Ordinal);
        foreach (string words in new[]
        {
            "private static int ArgMax(ArrayView<float> input", "kernel void Kernel_ForwardKernel(",
            ".visible .entry Kernel_ForwardKernel(",
        })
            Assert.Contains(words, one.Output, StringComparison.Ordinal);
        Assert.DoesNotContain(".entry", openCl.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("kernel void", ptx.Output, StringComparison.Ordinal);
        Assert.Contains("sqrt", ptx.Output, StringComparison.Ordinal);
        CommandLine.AssertRefused(CommandLine.Run("kernels", "show", "nothing"), "no kernel is called 'nothing'");
        CommandLine.AssertRefused(
            CommandLine.Run("kernels", "show", "Pool.Forward"), "AveragePool.ForwardKernel", "MaxPool.ForwardKernel");
        CommandLine.AssertRefused(
            CommandLine.RunWith("NATIVESTYLE_PTXAS=/nowhere/ptxas", "kernels", "assemble"), "no ptxas was found",
            "NATIVESTYLE_PTXAS");
    }

    [Fact]
    public void GradcheckPassesAndPrintsEveryOperator()
    {
        CommandLine.Outcome outcome = CommandLine.Run("gradcheck", "--device", "cpu", "--seed", "7");
        Assert.True(outcome.ExitCode == 0, outcome.Output);
        foreach (string name in new[]
        {
            "Conv3x3", "AvgPool", "MaxPool", "Gram", "SquaredError", "TotalVariation", "Adam", "Dot",
        })
            Assert.Contains(name, outcome.Output, StringComparison.Ordinal);
        Assert.Contains("0 failed, seed 7", outcome.Output, StringComparison.Ordinal);
    }

    [SkippableFact]
    public void WeightsInfoPrintsTheTable()
    {
        string file = TestData.Path("weights", "vgg19_trained_conv1_to_conv3_bgr.npz");
        CommandLine.Outcome outcome = CommandLine.Run("weights", "info", file);
        Assert.Equal(0, outcome.ExitCode);
        foreach (string word in new[] { "conv3_4", "3 x 3 x 256 x 256", ".npz archive", "md5", "sha256", "VGG-19" })
            Assert.Contains(word, outcome.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("weights info", "argument missing")]
    [InlineData("paint", "paint")]
    [InlineData("", "command")]
    public void WrongUsesAreOneLine(string arguments, string word) => CommandLine.AssertRefused(
        CommandLine.Run(arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries)), word, "--help");

    [Theory]
    [InlineData("weights info /nowhere.mat", "/nowhere.mat does not exist")]
    [InlineData("gradcheck --device gpu", "there is no device 'gpu'")]
    public void WhatIsNotThereIsNamed(string arguments, string words) =>
        CommandLine.AssertRefused(CommandLine.Run(arguments.Split(' ')), words);
}
