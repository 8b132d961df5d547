using System.Text.Json;
using NativeStyle.GradientCheck.References;
using NativeStyle.Imaging;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Operators.Adam;
using NativeStyle.Kernels.Operators.Conv3x3;
using NativeStyle.Kernels.Operators.Pool2x2;
using NativeStyle.Style.Options;
using NativeStyle.Vgg;
using NativeStyle.Vgg.Weights;

namespace NativeStyle.Style.Tests;

/// <summary>
/// Compares whole runs with computations of the same systems in double precision, from the same start and weights.
/// PyTorch and scipy make them with trained weights (Reference/reference_run.py wrote reference_run.json), and MathNet
/// with random ones.
/// </summary>
public class FollowTests
{
    private const int Iterations = 20;

    /// <summary>Under Adam, each of twenty losses agrees to four digits.</summary>
    [SkippableFact]
    public void CourseraFollowsPyTorchsDoublePrecision()
    {
        double[] expected = Reference("coursera");
        IReadOnlyList<IterationReport> reports = RunOnTrained(Presets.Coursera with { Init = InitKind.Picture });
        for (int i = 0; i <= Iterations; i++) Assert.Equal(expected[i], reports[i].Loss, 1e-4 * expected[i]);
    }

    /// <summary>
    /// L-BFGS starts from the content. Its losses agree within 1% for twenty iterations, and the first ones to four
    /// digits. Its steps depend on differences of gradients, so rounding errors grow.
    /// </summary>
    [SkippableFact]
    public void RyanChanKhFollowsScipysDoublePrecision()
    {
        double[] expected = Reference("ryanchankh");
        TransferOptions options = Presets.Find("ryanchankh")! with { Init = InitKind.Content };
        IReadOnlyList<IterationReport> reports = RunOnTrained(options);
        for (int i = 0; i <= 5; i++) Assert.Equal(expected[i], reports[i].Loss, 1e-4 * expected[i]);
        for (int i = 6; i <= Iterations; i++) Assert.Equal(expected[i], reports[i].Loss, 1e-2 * expected[i]);
    }

    /// <summary>
    /// After a hundred iterations on a photograph and a painting, L-BFGS has lowered the loss at least as far as Adam.
    /// </summary>
    [SkippableFact]
    public void LbfgsEndsNoHigherThanAdam()
    {
        TransferOptions adam = Presets.DefaultTrainedToBlock3 with { Size = 80, CoarsestSize = 0, Iterations = [101] };
        VggWeights weights =
            WeightsFile.Load(TestData.Path("weights", "vgg19_trained_conv1_to_conv3_bgr.npz"), adam.Layers);
        Picture content = PictureFile.Read(TestData.Path("photos", "tubingen.jpg"));
        Picture style = PictureFile.Read(TestData.Path("paintings", "starry_night_google.jpg"));
        double byAdam = Run(adam, weights, content, style, content)[^1].Loss;
        double byLbfgs = Run(
            adam with { Optimizer = OptimizerKind.Lbfgs, Clamp = false }, weights, content, style, content)[^1].Loss;
        double bounded = Run(adam with { Optimizer = OptimizerKind.Lbfgs }, weights, content, style, content)[^1].Loss;
        Assert.True(byLbfgs <= byAdam, $"L-BFGS {byLbfgs}, Adam {byAdam}");
        Assert.True(bounded <= byAdam, $"L-BFGS within bounds {bounded}, Adam {byAdam}");
    }

    /// <summary>The whole formula of the assignment, five style layers, with random weights.</summary>
    [Fact]
    public void CourseraFollowsMathNetsDoublePrecision()
    {
        const int Height = 16, Width = 20, Steps = 10;
        string[] layers = ["conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv5_1"];
        VggWeights weights = RandomWeights.Create(NarrowNetwork.Of(VggArchitecture.Vgg19), 5, "conv5_1");
        var reference = new ReferenceNetwork(
            weights, Pooling.Average, PoolEdge.Same, Padding.Zero, [1, 1, 1],
            Array.ConvertAll(VggWeights.CaffeMean, value => (double)value));
        (Picture content, Picture style, Picture start) = (Smooth(1), Smooth(2), Noise(Height, Width));
        var contentMaps = reference.Forward(Pixels(content), Height, Width, "conv5_1").Maps;
        var styleMaps = reference.Forward(Pixels(style), Height, Width, "conv5_1").Maps;

        double[] x = Pixels(start), m = new double[x.Length], v = new double[x.Length];
        double[] expected = new double[Steps];
        for (int step = 1; step <= Steps; step++)
        {
            ReferenceNetwork.Pass pass = reference.Forward(x, Height, Width, "conv5_1");
            Dictionary<string, double[]> gradients = [];
            double[] target = contentMaps["conv4_2"].Values;
            expected[step - 1] =
                StyleReference.SquaredError(pass.Maps["conv4_2"].Values, target, 10 / (4.0 * target.Length));
            gradients["conv4_2"] =
                StyleReference.SquaredErrorBackward(pass.Maps["conv4_2"].Values, target, 10 / (4.0 * target.Length));
            foreach (string layer in layers)
            {
                (double[] map, int pixels, int channels) = pass.Maps[layer];
                double factor = 40 * 0.2 / (4.0 * channels * channels * pixels * pixels);
                double[] gram = StyleReference.Gram(map, pixels, channels, 1);
                double[] goal = StyleReference.Gram(styleMaps[layer].Values, pixels, channels, 1);
                expected[step - 1] += StyleReference.SquaredError(gram, goal, factor);
                gradients[layer] = StyleReference.GramBackward(
                    map, StyleReference.SquaredErrorBackward(gram, goal, factor), pixels, channels, 1);
            }

            double[] state = VectorReference.AdamStep(x, pass.Backward(gradients), m, v, new AdamSettings(2f), step);
            (x, m, v) = (state[..x.Length], state[x.Length..(2 * x.Length)], state[(2 * x.Length)..]);
        }

        TransferOptions options = Presets.Coursera with { Size = Width, Init = InitKind.Picture, Iterations = [Steps] };
        IReadOnlyList<IterationReport> reports = Run(options, weights, content, style, start);
        for (int i = 0; i < Steps; i++) Assert.Equal(expected[i], reports[i].Loss, 1e-4 * expected[i]);

        static double[] Pixels(Picture picture) => Array.ConvertAll(picture.Pixels, value => 255.0 * value);

        static Picture Smooth(int seed)
        {
            var picture = new Picture(Height, Width);
            for (int i = 0; i < picture.Pixels.Length; i++)
            {
                int row = i / 3 / Width, column = i / 3 % Width, c = i % 3;
                picture.Pixels[i] =
                    0.5f + (0.4f * MathF.Sin((seed * 1.7f) + (row * 0.3f * seed) + (column * 0.21f) + c));
            }

            return picture;
        }
    }

    private static double[] Reference(string system)
    {
        string file = Path.Combine(AppContext.BaseDirectory, "Reference", "reference_run.json");
        JsonElement losses = JsonDocument.Parse(File.ReadAllText(file)).RootElement.GetProperty(system);
        return losses.EnumerateArray().Select(value => value.GetDouble()).ToArray();
    }

    private static IReadOnlyList<IterationReport> RunOnTrained(TransferOptions options)
    {
        options = options with
        {
            ContentLayers = [new("conv3_2", 1)],
            StyleLayers = [new("conv1_1", 0.2), new("conv2_1", 0.2), new("conv3_1", 0.2)],
            Size = 96,
            Iterations = [Iterations + 1],
        };
        VggWeights weights =
            WeightsFile.Load(TestData.Path("weights", "vgg19_trained_conv1_to_conv3_bgr.npz"), options.Layers);
        return Run(options, weights, Piece("kodim02.png", 200, 300), Piece("kodim23.png", 150, 250), Noise(64, 96));
    }

    private static IReadOnlyList<IterationReport> Run(
        TransferOptions options, VggWeights weights, Picture content, Picture style, Picture start)
    {
        using var cpu = new CpuDevice(2);
        using var network = new VggNetwork(cpu, weights, options.Network);
        return new StyleTransfer(cpu, network, options).Run(
            new TransferInputs(content, [new StyleInput(style)], start),
            Schedule.Plan(options, content.Height, content.Width),
            default).Reports;
    }

    /// <summary>64 x 96 pixels of a photograph.</summary>
    private static Picture Piece(string name, int top, int left)
    {
        Picture photograph = PictureFile.Read(TestData.Path("photos", name));
        var piece = new Picture(64, 96);
        for (int i = 0; i < piece.Pixels.Length; i++)
            piece.Pixels[i] = photograph[top + (i / 3 / 96), left + (i / 3 % 96), i % 3];
        return piece;
    }

    /// <summary>Noise of whole grey levels, from a hash of the position.</summary>
    private static Picture Noise(int height, int width)
    {
        var noise = new Picture(height, width);
        for (int i = 0; i < noise.Pixels.Length; i++) noise.Pixels[i] = ((uint)i * 2654435761u >> 24) / 255f;
        return noise;
    }
}
