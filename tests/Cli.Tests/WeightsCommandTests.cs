using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using NativeStyle.Imaging;
using NativeStyle.Vgg;
using NativeStyle.Vgg.Weights;

namespace NativeStyle.Cli.Tests;

public class WeightsCommandTests
{
    private static string Fixture(string name) => Path.Combine(AppContext.BaseDirectory, "weights-fixtures", name);

    [Theory]
    [InlineData("torchvision_zip.pth", "PyTorch state dictionary", "rgb-unit", "(out, in, height, width)")]
    [InlineData("tensorflow_vgg_python2.npy", "tensorflow-vgg", "bgr-255", "(height, width, in, out)")]
    [InlineData(
        "keras_application.h5", "HDF5 (Keras)", "bgr-255: Keras's VGG files are BGR", "(height, width, in, out)")]
    [InlineData(
        "float64_bgr.safetensors", ".safetensors", "bgr-255: the file's metadata says so", "(height, width, in, out)")]
    public void InfoTellsFormatConventionAndOrder(string name, string format, string convention, string order)
    {
        CommandLine.Outcome outcome = CommandLine.Run("weights", "info", Fixture(name));
        Assert.True(outcome.ExitCode == 0, outcome.Error);
        foreach (string word in new[] { "conv1_1", format, convention, order, "sha256" })
            Assert.Contains(word, outcome.Output, StringComparison.Ordinal);
    }

    /// <summary>
    /// The program finds, uses and names a converted file in the user's data folder. 'random' ignores it.
    /// </summary>
    [Fact]
    public void AConvertedFileIsFoundAndUsed()
    {
        using var folder = new TemporaryFolder();
        (string content, string style) = CommandLine.Pictures(folder);
        string file = Path.Combine(folder.Path, "nativestyle", "weights", "vgg.safetensors");
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        CommandLine.Outcome convert =
            CommandLine.Run("weights", "convert", Fixture("torchvision_legacy.pth"), "-o", file);
        Assert.True(convert.ExitCode == 0, convert.Error);
        Assert.Contains("1 convolutions of VGG-19, from rgb-unit", convert.Output, StringComparison.Ordinal);
        string[] transfer =
        [
            "transfer", content, style, "-o", folder.File("out.png"), "--size", "24", "--iterations", "2",
            "--content-layers", "features.0", "--style-layers", "block1_conv1",
        ];
        CommandLine.Outcome used = CommandLine.RunWith($"XDG_DATA_HOME={folder.Path}", transfer);
        Assert.True(used.ExitCode == 0, used.Error);
        Assert.Contains($"found {file}: using it", used.Output, StringComparison.Ordinal);
        Assert.Contains("network vgg.safetensors", used.Output, StringComparison.Ordinal);
        CommandLine.Outcome random =
            CommandLine.RunWith($"XDG_DATA_HOME={folder.Path}", [.. transfer, "--weights", "random"]);
        Assert.Contains("random VGG-19", random.Output, StringComparison.Ordinal);
        Assert.Contains("weights download vgg19", random.Output, StringComparison.Ordinal);
        CommandLine.AssertRefused(
            CommandLine.Run("weights", "convert", Fixture("torchvision_zip.pth"), "-o", folder.File("x.npz")),
            ".safetensors");
        CommandLine.Outcome keras = CommandLine.Run(
            "weights", "convert", Fixture("keras_application.h5"), "-o", folder.File("keras.safetensors"));
        Assert.Contains("1 convolutions of VGG-19, from bgr-255", keras.Output, StringComparison.Ordinal);
        CommandLine.AssertRefused(
            CommandLine.Run(
                "weights", "convert", Fixture("refused_external_link.h5"), "-o", folder.File("x.safetensors")),
            "external links", "download it again");
    }

    /// <summary>
    /// The commands take a network with other numbers of channels than VGG's. Its file has the numbers.
    /// </summary>
    [Fact]
    public void CommandsTakeNetworksOfAnyWidth()
    {
        using var folder = new TemporaryFolder();
        (string content, string style) = CommandLine.Pictures(folder);
        VggArchitecture narrow = VggArchitecture.Vgg19.WithChannels(
            new Dictionary<string, int> { ["conv1_1"] = 5, ["conv1_2"] = 12, ["conv2_1"] = 20, ["conv2_2"] = 7 });
        string weights = folder.File("narrow.safetensors");
        using (FileStream stream = File.Create(weights))
            WeightsFile.Save(RandomWeights.Create(narrow, 1, "conv2_2"), stream, "");
        string[] network = ["--weights", weights];
        Assert.Contains("3 x 3 x 12 x 20", Succeeds("weights", "info", weights), StringComparison.Ordinal);
        string[] settings =
        [
            .. network, "--size", "32", "--iterations", "6", "--preset", "gatys", "--content-layers", "conv2_2",
            "--style-layers", "conv1_1,conv2_1",
        ];
        string whole = folder.File("whole.png"), resumed = folder.File("resumed.png"),
            checkpoint = folder.File("run.ckpt");
        Succeeds(
            ["transfer", content, style, "-o", whole, .. settings, "--checkpoint", checkpoint, "--checkpoint-every",
             "4"]);
        Succeeds("transfer", "--resume", checkpoint, "-o", resumed);
        Assert.Equal(File.ReadAllBytes(whole), File.ReadAllBytes(resumed));
        Assert.Contains("narrow.safetensors", Succeeds("show", whole), StringComparison.Ordinal);
        Succeeds(["features", content, "-o", folder.File("sheets"), "--layers", "all", "--channels", "0", .. network]);
        CommandLine.AssertRefused(
            CommandLine.Run(
                ["maximize", "--layer", "conv2_2", "--channel", "7", "-o", folder.File("unit.png"), .. network]),
            "0 to 6");

        // Products per pixel of blocks 1 and 2 are 9 times input times output channels. Forward and backward passes
        // count 2 operations for each product.
        double flop = 4 * 9 * ((512.0 * 384 * ((3 * 5) + (5 * 12))) + (256 * 192 * ((12 * 20) + (20 * 7))));
        string line = Succeeds(["bench", "512", "384", "--iterations", "1", .. network]).Split('\n')[0];
        JsonElement result = JsonDocument.Parse(line).RootElement;
        Assert.Equal(flop / 1e9, result.GetProperty("direct_gflop_per_iteration").GetDouble(), 0.05);

        static string Succeeds(params string[] arguments)
        {
            CommandLine.Outcome outcome = CommandLine.Run(arguments);
            Assert.True(outcome.ExitCode == 0, outcome.Error);
            return outcome.Output;
        }
    }

    /// <summary>
    /// The file has fewer channels, says from what it was made, has the same bytes each time, and works for a transfer.
    /// </summary>
    [Fact]
    public void CompressMakesANetworkThatCanBeUsed()
    {
        using var folder = new TemporaryFolder();
        string pictures = Path.Combine(folder.Path, "pictures"), weights = folder.File("teacher.safetensors"),
            small = folder.File("small.safetensors");
        Directory.CreateDirectory(pictures);
        for (int n = 0; n < 2; n++)
        {
            var random = new Random(n);
            float[] pixels = [.. Enumerable.Range(0, 140 * 150 * 3).Select(_ => random.NextSingle())];
            PictureFile.Write(Path.Combine(pictures, $"{n}.png"), new Picture(140, 150, pixels));
        }

        VggArchitecture wide = VggArchitecture.Vgg19.WithChannels(
            new Dictionary<string, int> { ["conv1_1"] = 24, ["conv1_2"] = 20, ["conv2_1"] = 12 });
        using (FileStream stream = File.Create(weights))
            WeightsFile.Save(RandomWeights.Create(wide, 1, "conv2_1"), stream, "");
        string[] compress =
        [
            "weights", "compress", weights, "--pictures", pictures, "--crops", "4", "--positions", "4000", "--seed",
            "3",
        ];
        CommandLine.Outcome outcome =
            CommandLine.Run([.. compress, "-o", small, "--width", "16,7", "--layers", "conv2_1"]);
        Assert.True(outcome.ExitCode == 0, outcome.Error);
        foreach (string word in new[] { "16 of 24", "16 of 20", "7 of 12", "l2 pooling" })
            Assert.Contains(word, outcome.Output, StringComparison.Ordinal);
        string info = CommandLine.Run("weights", "info", small).Output, sha256 = WeightsFile.Identify(weights).Sha256;
        foreach (string word in new[]
        {
            "3 x 3 x 16 x 7", sha256, "seed 3, float16", "errors_max", "2, sha256", "conv2_1 7 of 12",
        })
            Assert.Contains(word, info, StringComparison.Ordinal);
        byte[] once = File.ReadAllBytes(small);
        Assert.Equal(
            0,
            CommandLine.Run(
                [.. compress, "-o", small, "--width", "16,7", "--layers", "conv2_1", "--threads", "1"]).ExitCode);
        Assert.Equal(once, File.ReadAllBytes(small));
        string picture = Path.Combine(pictures, "0.png");
        CommandLine.Outcome used = CommandLine.Run(
            "transfer", picture, picture, "-o", folder.File("out.png"), "--weights", small, "--size", "32",
            "--iterations", "2", "--content-layers", "conv2_1", "--style-layers", "conv1_1");
        Assert.True(used.ExitCode == 0, used.Error);

        CommandLine.AssertRefused(CommandLine.Run([.. compress, "-o", weights]), "is the input");
        CommandLine.AssertRefused(CommandLine.Run([.. compress, "-o", folder.File("x.npz")]), ".safetensors");
        CommandLine.AssertRefused(
            CommandLine.Run([.. compress, "-o", small, "--width", "30"]), "--width '30' is no width for conv1_1",
            "24 channels");
        CommandLine.AssertRefused(
            CommandLine.Run([.. compress, "-o", small, "--layers", "conv3_1"]), "has the layers up to conv2_1");
        CommandLine.AssertRefused(
            CommandLine.Run("weights", "compress", weights, "--pictures", folder.File("none"), "-o", small),
            "none is no folder");
        CommandLine.AssertRefused(
            CommandLine.Run("weights", "compress", picture, "--pictures", pictures, "-o", small), "no weights file");
        Assert.Equal(once, File.ReadAllBytes(small));
    }

    /// <summary>The program asks the proxy for the whole address, and checks that the file has weights.</summary>
    [Fact]
    public async Task DownloadGoesThroughTheProxyOfTheEnvironment()
    {
        using var folder = new TemporaryFolder();
        byte[] file = File.ReadAllBytes(Fixture("float32.safetensors"));
        using var proxy = new TcpListener(IPAddress.Loopback, 0);
        proxy.Start();
        string asked = "";
        Task serving = Task.Run(() =>
        {
            using TcpClient client = proxy.AcceptTcpClient();
            using NetworkStream stream = client.GetStream();
            var reader = new StreamReader(stream, Encoding.ASCII);
            asked = reader.ReadLine() ?? "";
            while (reader.ReadLine() is { Length: > 0 })
            {
                // Skip the request's other lines.
            }

            stream.Write(
                Encoding.ASCII.GetBytes(
                    $"HTTP/1.1 200 OK\r\nContent-Length: {file.Length}\r\nConnection: close\r\n\r\n"));
            stream.Write(file);
        });
        CommandLine.Outcome outcome = CommandLine.RunProcessWith(
            $"http_proxy=http://127.0.0.1:{((IPEndPoint)proxy.LocalEndpoint).Port}",
            "weights", "download", "vgg19", "--url", "http://weights.invalid/some/vgg.safetensors", "-o",
            folder.File("vgg.safetensors"));
        await serving;
        Assert.True(outcome.ExitCode == 0, outcome.Error);
        Assert.StartsWith("GET http://weights.invalid/some/vgg.safetensors", asked, StringComparison.Ordinal);
        Assert.Equal(file, File.ReadAllBytes(folder.File("vgg.safetensors")));
        Assert.Contains("VGG-19, 1 layers", outcome.Output, StringComparison.Ordinal);
        CommandLine.AssertRefused(
            CommandLine.Run(
                "weights", "download", "vgg19", "--url", "http://127.0.0.1:9/w.npz", "-o",
                folder.File("vgg.safetensors")),
            "is there already");
    }

    [Theory]
    [InlineData("weights download resnet", "there is no network 'resnet'; there are vgg19, vgg16")]
    [InlineData("weights download vgg16 --from matconvnet", "there are keras, frossard, torchvision")]
    [InlineData("weights download vgg16 --url ftp://x/y", "no http or https address")]
    public void WrongUsesOfDownloadAreOneLine(string arguments, string words) =>
        CommandLine.AssertRefused(CommandLine.Run(arguments.Split(' ')), words);
}
