using NativeStyle.GradientCheck;
using NativeStyle.Autodiff;
using NativeStyle.Imaging;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Operators.Pool2x2;
using NativeStyle.Vgg;
using NativeStyle.Vgg.Weights;

namespace NativeStyle.Compression.Tests;

public class CompressorTests
{
    /// <summary>
    /// Half of the teacher's filters are multiples of others. A student of the other half restores all of it, at the
    /// borders too, and a request for more channels gets no more.
    /// </summary>
    [Theory]
    [InlineData("cpu", 6, 5, 7, Pooling.Average)]
    [InlineData("cpu", 9, 10, 8, Pooling.Max)]
    [InlineData("cpu-kernels", 6, 5, 7, Pooling.L2)]
    public void WhatIsSuperfluousIsLeftOutWithoutLoss(string name, int first, int second, int third, Pooling pooling)
    {
        VggWeights teacher = Redundant((12, 6), (10, 5), (14, 7));
        using ComputeDevice device = DeviceCatalog.Find(name)!.Open(2);
        NetworkCompressor compressor = new(device, teacher, Noise(6, 1), Settings(first, second, third));
        CompressedNetwork student = compressor.Run();
        Assert.Equal([6, 5, 7], student.Maps.Values.Select(map => map.ColumnCount));
        Assert.Equal([12, 10, 14], student.Maps.Values.Select(map => map.RowCount));
        IReadOnlyDictionary<string, double> errors =
            RestorationErrors.Measure(device, student, teacher, Noise(2, 5), pooling);
        foreach ((string layer, double error) in errors)
            Assert.True(error < 1e-6, $"{layer}: {error}");

        // Restore the last layer's map on the host.
        float[] pixels = Noise(1, 9)[0];
        (float[] seen, float[] restored) = (Map(device, teacher, pixels), Map(device, student.Weights, pixels));
        var map = student.Maps["conv2_1"];
        double[] back = new double[seen.Length];
        for (int i = 0; i < back.Length; i++)
            for (int k = 0; k < 7; k++) back[i] += map[i % 14, k] * restored[(i / 14 * 7) + k];
        Assert.True(GradientChecker.RelativeError(seen, back) < 1e-3);
    }

    /// <summary>
    /// The bytes do not depend on the number of threads. The student's channels are as large as the part of the
    /// teacher's map that they carry: the map's columns have length 1.
    /// </summary>
    [Fact]
    public void TheSameSeedGivesTheSameBytesAndTheErrorsAreThoseOfTheChoice()
    {
        VggWeights teacher = Teacher();
        IReadOnlyList<float[]> crops = Noise(6, 1);
        using CpuDevice one = new(1), two = new(2);
        CompressionSettings settings = Settings(8, 7, 6) with { Positions = 900 };
        CompressedNetwork student = new NetworkCompressor(one, teacher, crops, settings).Run();
        string digest = student.Weights.Digest();
        Assert.Equal(digest, new NetworkCompressor(two, teacher, crops, settings).Run().Weights.Digest());
        CompressionSettings otherSeed = settings with { Seed = 2 };
        Assert.NotEqual(digest, new NetworkCompressor(two, teacher, crops, otherSeed).Run().Weights.Digest());
        Assert.All(student.Maps.Values, map => Assert.All(map.ColumnNorms(2), norm => Assert.Equal(1, norm, 1e-9)));
        CompressedNetwork wider = new NetworkCompressor(one, teacher, crops, Settings(8, 7, 13)).Run();
        double narrow = Error(student), wide = Error(wider);
        Assert.InRange(narrow, 1.5 * wide, 0.9);

        double Error(CompressedNetwork network) =>
            RestorationErrors.Measure(one, network, teacher, Noise(3, 5), Pooling.Average)["conv2_1"];
    }

    /// <summary>
    /// Descent on the errors lowers their sum, also on unseen pictures, and gives the same bytes each time.
    /// </summary>
    [Fact]
    public void RefiningLowersTheErrors()
    {
        VggWeights teacher = Teacher();
        IReadOnlyList<float[]> crops = Noise(12, 1), fresh = Noise(4, 5);
        using CpuDevice one = new(1), two = new(2);
        CompressedNetwork student = new NetworkCompressor(two, teacher, crops, Settings(8, 7, 8)).Run();
        var settings = new RefineSettings(60, 0.02f);
        CompressedNetwork refined = new NetworkRefiner(two, teacher, crops, settings).Run(student);
        IReadOnlyDictionary<string, double> before =
            RestorationErrors.Measure(two, student, teacher, fresh, Pooling.Average);
        IReadOnlyDictionary<string, double> after =
            RestorationErrors.Measure(two, refined, teacher, fresh, Pooling.Average);
        Assert.True(
            after.Values.Sum() < 0.9 * before.Values.Sum(),
            $"{string.Join(' ', before)}, refined {string.Join(' ', after)}");
        Assert.True(after["conv2_1"] < 0.9 * before["conv2_1"]);
        CompressedNetwork again = new NetworkRefiner(one, teacher, crops, settings).Run(student);
        Assert.Equal(refined.Weights.Digest(), again.Weights.Digest());
    }

    [Fact]
    public void AnEndedRunIsEnded()
    {
        using var cpu = new CpuDevice(1);
        using var ended = new CancellationTokenSource();
        VggWeights teacher = Redundant((12, 6), (10, 5), (14, 7));
        var compressor = new NetworkCompressor(cpu, teacher, Noise(6, 1), Settings(6, 5, 7))
        {
            Progress = (layer, crop) => { if ((layer, crop) == ("conv1_2", 2)) ended.Cancel(); },
        };
        Assert.Throws<OperationCanceledException>(() => compressor.Run(ended.Token));
    }

    [Theory]
    [InlineData("0.5", "32,32,64,64,128")]
    [InlineData("0.3,1,0.06", "16,16,128,128,15")]
    [InlineData("1,7,128,0.005,50", "64,7,128,1,50")]
    public void WidthsAreSharesOrNumbers(string text, string channels) =>
        Assert.Equal(channels, string.Join(',', Parse(text).Values));

    [Theory]
    [InlineData("0.5,0.5", "2 numbers, expected one, one for each of 3 blocks or one for each of 5 layers")]
    [InlineData("0", "'0' is no width for conv1_1")]
    [InlineData("65", "its 64 channels")]
    [InlineData("2.5", "'2.5' is no width")]
    [InlineData("half", "'half' is no width")]
    public void WrongWidthsAreNamed(string text, string words) =>
        Assert.Contains(
            words, Assert.Throws<FormatException>(() => Parse(text)).Message, StringComparison.Ordinal);

    /// <summary>
    /// A piece of a picture of one colour has one colour and another brightness. The same seed gives the same piece.
    /// </summary>
    [Fact]
    public void CropsAreDrawnFromEachPictureThatIsLargeEnough()
    {
        using var folder = new TemporaryFolder();
        string[] files = [folder.File("plain.png"), folder.File("small.png"), folder.File("none.png")];
        float[] plain = [.. Enumerable.Range(0, 40 * 60 * 3).Select(i => i % 3 * 0.4f)];
        PictureFile.Write(files[0], new Picture(40, 60, plain));
        PictureFile.Write(files[1], new Picture(40, 31));
        File.WriteAllText(files[2], "no picture");
        List<string> notices = [];
        IReadOnlyList<float[]> crops = TrainingCrops.Draw(files, 30, 32, 4, notices.Add);
        IReadOnlyList<float[]> again = TrainingCrops.Draw(files, 30, 32, 4, _ => { });
        Assert.Equal(10, crops.Count);
        Assert.Equal(crops.SelectMany(crop => crop), again.SelectMany(crop => crop));
        const string TooSmall = "small.png has 40 x 31 pixels, expected at least 32";
        Assert.Contains(notices, notice => notice.Contains(TooSmall, StringComparison.Ordinal));
        Assert.Contains(notices, notice => notice.Contains("none.png", StringComparison.Ordinal));
        Assert.All(crops, crop => Assert.True(crop.Length == 32 * 32 * 3 && crop.All(value => value is >= 0 and <= 1)));
        // The channels have several orders, and pieces without noise have one colour each.
        IEnumerable<string> orders =
            crops.Select(crop => string.Join(',', Enumerable.Range(0, 3).OrderBy(c => crop[c])));
        Assert.True(orders.Distinct().Count() > 2);
        Assert.Contains(crops, HasNoise);
        Assert.Contains(crops, crop => !HasNoise(crop));
        Assert.Throws<InvalidDataException>(() => TrainingCrops.Draw(files[1..], 8, 32, 4, _ => { }));

        static bool HasNoise(float[] crop) => crop.Where((value, i) => Math.Abs(value - crop[i % 3]) > 0.01f).Any();
    }

    private static IReadOnlyDictionary<string, int> Parse(string text) =>
        LayerWidths.Parse(text, [.. VggArchitecture.Vgg19.Layers.Take(5)]);

    private static VggWeights Teacher()
    {
        var channels = new Dictionary<string, int> { ["conv1_1"] = 12, ["conv1_2"] = 10, ["conv2_1"] = 14 };
        return RandomWeights.Create(VggArchitecture.Vgg19.WithChannels(channels), 3, "conv2_1");
    }

    private static CompressionSettings Settings(int first, int second, int third) =>
        new(new Dictionary<string, int> { ["conv1_1"] = first, ["conv1_2"] = second, ["conv2_1"] = third }, 5000);

    private static float[] Map(ComputeDevice device, VggWeights weights, float[] pixels)
    {
        using var network = new VggNetwork(device, weights, new VggOptions());
        using var image = new Tensor(device, new Shape(20, 20, 3), pixels);
        using var tape = new Tape(device);
        return network.Features(tape, image, 1f, ["conv2_1"]).Single().Map.ToArray();
    }

    /// <summary>Draws random filters. Those from the rank on are multiples of the ones before.</summary>
    private static VggWeights Redundant(params (int Channels, int Rank)[] layers)
    {
        string[] names = ["conv1_1", "conv1_2", "conv2_1"];
        VggArchitecture architecture = VggArchitecture.Vgg19.WithChannels(
            names.Zip(layers).ToDictionary(each => each.First, each => each.Second.Channels));
        VggWeights random = RandomWeights.Create(architecture, 8, "conv2_1");
        foreach ((string name, (int channels, int rank)) in names.Zip(layers))
        {
            (float[] kernel, float[] bias) = random.Layers[name];
            for (int o = 0; o < channels; o++)
            {
                (int from, float factor) = (o % rank, o < rank ? 1f : 0.5f + (o * 0.1f));
                bias[o] = o < rank ? 3f * o : factor * bias[from];
                for (int i = 0; i < kernel.Length / channels; i++)
                    if (o >= rank) kernel[(i * channels) + o] = factor * kernel[(i * channels) + from];
            }
        }

        return random;
    }

    private static float[][] Noise(int count, int seed)
    {
        var random = new Random(seed);
        return
        [
            .. Enumerable.Range(0, count)
                .Select(_ => Enumerable.Range(0, 20 * 20 * 3).Select(_ => random.NextSingle()).ToArray()),
        ];
    }
}
