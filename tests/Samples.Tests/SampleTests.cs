using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using NativeStyle.Imaging;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Operators.Conv3x3;
using NativeStyle.Kernels.Operators.Pool2x2;
using NativeStyle.Style;
using NativeStyle.Style.Options;
using NativeStyle.Vgg;
using NativeStyle.Vgg.Weights;

namespace NativeStyle.Samples.Tests;

/// <summary>Runs each sample as a user does: a process, its exit code, what it prints and writes.</summary>
public sealed partial class SampleTests : IDisposable
{
    private const string Content = "samples/content/town.jpg", Style = "samples/style/mosaic.jpg";

    private static readonly string[] s_styleLayers = ["conv1_1", "conv2_1", "conv3_1", "conv3_4"];

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
    /// The scalars' gradients by hand. With x0 = 3/4 and t0 = 1/4, y = 2 x0 - 1/2 = 1 and L = (y - t)² = 9/16, so
    /// dL/dy = 3/2, dL/dw = 3/2 x0 = 9/8 and dL/dx = 3/2 w = 3. Of the four pixels, the second has a closed ReLU.
    /// </summary>
    [Fact]
    public void MicroTapePrintsItsGraphAndAgreesWithTheLibrary()
    {
        (int exitCode, string output) = Run("MicroTape", []);
        Assert.True(exitCode == 0, output);
        string folded = Spaces().Replace(output, " ");
        foreach (string expected in new[]
        {
            "#8 * 0.5625 1", "#0 w 2 1.125", "#2 x0 0.75 3", "#1 b -0.5 1.5", "(as above)",
            "w 3.125 3.125 3.125", "b 3.5 3.5 3.5", "x0 3 3 3", "x1 0 0 0", "x2 2 2 2", "x3 2 2 2", "all agree",
        })
        {
            Assert.Contains(expected, folded, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("cpu")]
    [InlineData("cpu-kernels")]
    public void GramByHandAgreesInEveryBit(string device)
    {
        (int exitCode, string output) = Run("GramByHand", ["--device", device]);
        Assert.True(exitCode == 0, output);
        Assert.Contains($"G by the kernel, on {device}", output, StringComparison.Ordinal);
        Assert.Contains("agree in every bit", output, StringComparison.Ordinal);
    }

    /// <summary>
    /// An element takes a few roundings of 2^-24 each, 3.6e-7 together. A wrong formula is wrong by far more. Some
    /// elements are rounded, so an error of zero means that nothing was compared.
    /// </summary>
    [Fact]
    public void OwnOperatorPassesTheGradientCheck()
    {
        (int exitCode, string output) = Run("OwnOperator", []);
        Assert.True(exitCode == 0, output);
        string[] lines = output.Trim().Split('\n');
        Assert.Equal(["cpu", "cpu-kernels"], lines.Select(line => line.Split(':')[0]));
        Assert.All(lines, line =>
        {
            double[] numbers = Numbers(line);
            Assert.All(numbers[..2], error => Assert.InRange(error, 1e-9, 3.6e-7));
        });
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
        Assert.Contains("iteration 12 of 12: ", output, StringComparison.Ordinal);
        Assert.Contains("Completed after 12 iterations", output, StringComparison.Ordinal);
        AssertChanged(file, 48, 64);
    }

    /// <summary>
    /// The loop in one file computes what the library computes with the same options: one scale, no average. Sums are
    /// added in another order, and Adam divides by roots of small numbers, so some pixels move a little differently.
    /// </summary>
    [Fact]
    public void Transfer100PaintsWhatTheLibraryPaints()
    {
        string file = _folder.File("transfer100.png");
        (int exitCode, string output) = Run("Transfer100", [Content, Style, file, "64", "12"]);
        Assert.True(exitCode == 0, output);
        Assert.Contains("step 12: ", output, StringComparison.Ordinal);
        AssertChanged(file, 48, 64);

        TransferOptions options = Presets.DefaultCompact with
        {
            ContentLayers = [new("conv3_2", 1)],
            StyleLayers = [.. s_styleLayers.Select(layer => new LayerWeight(layer, 0.25))],
            ContentWeight = 5,
            StyleWeight = 100,
            TvWeight = 30,
            TvScale = VariationScale.Mean,
            InputPadding = Padding.Zero,
            PoolEdge = PoolEdge.Floor,
            Beta2 = 0.999f,
            AverageDecay = 0,
            Colors = ColorMode.Style,
            Size = 64,
            CoarsestSize = 0,
            Iterations = [12],
        };
        using var device = new CpuDevice();
        using VggNetwork network =
            VggNetwork.Load(device, () => WeightsFile.Load(CompactNetwork.Name, options.Layers), options.Network);
        string InTests(string path) => Path.Combine(AppContext.BaseDirectory, path);
        var inputs = new TransferInputs(
            PictureFile.Open(InTests(Content)), [new StyleInput(PictureFile.Open(InTests(Style)))]);
        Picture expected =
            new StyleTransfer(device, network, options).Run(inputs).Picture;
        double[] apart =
            [.. expected.Pixels.Zip(PictureFile.Read(file).Pixels, (a, b) => Math.Abs((double)a - b)).Order()];
        Assert.Equal(48 * 64 * 3, apart.Length);
        // The file's levels are 1/255 apart.
        Assert.True(apart[^1] < 0.05 && apart[apart.Length * 99 / 100] < 1.0 / 255, $"up to {apart[^1]} apart");
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

    [GeneratedRegex(" +")]
    private static partial Regex Spaces();
}
