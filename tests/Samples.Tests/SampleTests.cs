using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using NativeStyle.Imaging;

namespace NativeStyle.Samples.Tests;

/// <summary>Runs each sample as a user does: a process, its exit code, what it prints and writes.</summary>
public sealed partial class SampleTests : IDisposable
{
    private const string Content = "samples/content/town.jpg", Style = "samples/style/mosaic.jpg";

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    /// <summary>
    /// An element is a sum of three numbers and at most 1. It is rounded twice, by at most 2^-24 each time. Some of the
    /// random numbers are rounded, so a difference of zero means that nothing was compared.
    /// </summary>
    [Theory]
    [InlineData("cpu")]
    [InlineData("cpu-kernels")]
    public void OwnKernelAgreesWithItsReference(string device)
    {
        (int exitCode, string output) = Run("OwnKernel", ["--device", device]);
        Assert.True(exitCode == 0, output);
        Assert.StartsWith($"{device}: ", output, StringComparison.Ordinal);
        Assert.InRange(Numbers(output)[0], 1e-9, 1.2e-7);
    }

    [SkippableFact]
    [Trait("Device", "OpenCl")]
    public void OwnKernelAgreesWithItsReferenceOnOpenCl()
    {
        TestDevice.OpenCl().Dispose();
        OwnKernelAgreesWithItsReference("opencl");
    }

    [Fact]
    public void OwnKernelRefusesADeviceThatIsNotThere() =>
        Assert.Equal(2, Run("OwnKernel", ["--device", "cpu-9"]).ExitCode);

    /// <summary>
    /// Each gradient takes about a dozen roundings of 2^-24, 7.2e-7 together. A wrong formula is wrong by far more.
    /// Some gradients are rounded, so a difference of zero means that nothing was compared.
    /// </summary>
    [Fact]
    public void OwnOperatorAgreesWithCentralDifferences()
    {
        (int exitCode, string output) = Run("OwnOperator", []);
        Assert.True(exitCode == 0, output);
        Assert.InRange(Numbers(output)[0], 1e-9, 7.2e-7);
    }

    [Fact]
    public void OwnLossFallsAndThePictureIsWritten()
    {
        string file = _folder.File("loss.png");
        (int exitCode, string output) = Run("OwnLoss", [Content, Style, file, "64", "12"]);
        Assert.True(exitCode == 0, output);
        double[] losses = Numbers(output);
        Assert.True(losses[1] < losses[0] / 2, output);
        AssertChanged(file, 48, 64);
    }

    [Fact]
    public void TransferWritesAPictureOfItsOwn()
    {
        string file = _folder.File("transfer.png");
        (int exitCode, string output) = Run("Transfer", [Content, Style, file, "64", "12"]);
        Assert.True(exitCode == 0, output);
        Assert.Contains("iteration 12: ", output, StringComparison.Ordinal);
        Assert.Contains("Completed after 12 iterations", output, StringComparison.Ordinal);
        AssertChanged(file, 48, 64);
    }

    [SkippableFact]
    public void CtrlCEndsATransferWithThePictureSoFar()
    {
        Skip.If(OperatingSystem.IsWindows(), "signals are sent with kill");
        string file = _folder.File("cancelled.png");
        bool sent = false;
        (int exitCode, string output) = Run("Transfer", [Content, Style, file, "64", "100000"], (process, line) =>
        {
            if (sent || !line.StartsWith("iteration", StringComparison.Ordinal)) return;
            sent = true;
            Process.Start("kill", ["-INT", $"{process.Id}"]).WaitForExit();
        });
        Assert.True(exitCode == 130, output);
        AssertChanged(file, 48, 64);
    }

    /// <summary>Checks that the picture has that size and is not the content.</summary>
    private static void AssertChanged(string file, int height, int width)
    {
        Picture picture = PictureFile.Read(file);
        Assert.Equal((height, width), (picture.Height, picture.Width));
        float[] content = PictureFile.Read(Path.Combine(AppContext.BaseDirectory, Content)).At(height, width).Pixels;
        double change = picture.Pixels.Zip(content, (a, b) => Math.Abs(a - b)).Average();
        Assert.True(change > 0.02, $"a change of {change}");
    }

    private static double[] Numbers(string output) =>
        [.. Number().Matches(output).Select(match => double.Parse(match.Value, CultureInfo.InvariantCulture))];

    /// <summary>
    /// Runs a sample in the folder of the tests, which has the default pictures as in the repository.
    /// </summary>
    private (int ExitCode, string Output) Run(string sample, string[] arguments, Action<Process, string>? onLine = null)
    {
        string[] program = [Path.Combine(AppContext.BaseDirectory, $"NativeStyle.{sample}.dll"), .. arguments];
        // Tests that run in the background ignore Ctrl-C, and their children inherit that.
        ProcessStartInfo start = OperatingSystem.IsLinux()
            ? new("env", ["--default-signal=INT", "dotnet", .. program])
            : new("dotnet", program);
        start.WorkingDirectory = AppContext.BaseDirectory;
        // The cache with this machine's GPUs belongs to the user.
        start.Environment["XDG_CACHE_HOME"] = _folder.Path;
        (int exitCode, string output, string error) = Programs.Run(start, onLine);
        return (exitCode, output + error);
    }

    /// <summary>Matches only numbers with a point, which counts of steps do not have.</summary>
    [GeneratedRegex(@"\d+\.\d+(e-?\d+)?")]
    private static partial Regex Number();
}
