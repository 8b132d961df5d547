using NativeStyle.Autodiff;
using NativeStyle.GradientCheck.References;
using NativeStyle.Imaging;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Operators.Conv3x3;
using NativeStyle.Kernels.Operators.Pool2x2;
using NativeStyle.Style.Options;
using NativeStyle.Style.Study;
using NativeStyle.Vgg;
using NativeStyle.Vgg.Weights;

namespace NativeStyle.Style.Tests;

public class ExplanationTests
{
    private static readonly VggWeights s_weights = RandomWeights.Create(VggArchitecture.Vgg19, 1, "conv2_1");

    private static readonly TransferOptions s_options = Presets.Coursera with
    {
        ContentLayers = [new("conv2_1", 1)],
        StyleLayers = [new("conv1_1", 0.4), new("conv2_1", 0.6)],
        TvWeight = 3,
        Size = 32,
        CoarsestSize = 20,
        Iterations = [4, 5],
        Init = InitKind.Content,
        StyleSizing = StyleSizing.LongestSide,
    };

    [Fact]
    public void ItsNumbersAreThoseOfTheRun()
    {
        using var cpu = new CpuDevice(2);
        using var network = new VggNetwork(cpu, s_weights, s_options.Network);
        var inputs = new TransferInputs(Smooth(24, 32, 1), [new StyleInput(Smooth(30, 30, 2))]);
        IReadOnlyList<ScaleStep> plan = Schedule.Plan(s_options, 24, 32);
        TransferExplanation explained =
            TransferExplanation.Create(cpu, network, s_options, inputs, plan, 3, (5, 6), _ => { }, default);

        // The run is the same as without an explanation. It has the start and three pictures.
        TransferResult plain = new StyleTransfer(cpu, network, s_options).Run(inputs, plan, default);
        Assert.Equal(plain.Picture.Pixels, explained.Result.Picture.Pixels);
        Assert.Equal([0, 3, 6, 9], explained.Pictures.Select(each => each.Iteration));
        Assert.All(
            explained.Result.Reports,
            report => Assert.Equal(
                report.Content + report.Style, report.Layers!.Sum(layer => layer.Value), 1e-4 * report.Loss));

        // The pixel's gradient comes from one more evaluation of all terms, and is the sum of the terms' gradients.
        Assert.Equal(
            ["content conv2_1", "style conv1_1", "style conv2_1", "tv"],
            explained.Terms.Select(term => term.Name).Order());
        PixelStory story = explained.Pixel;
        Assert.Equal((5, 6), (story.Row, story.Column));
        for (int c = 0; c < 3; c++)
            Assert.Equal(
                explained.Terms.Sum(term => (double)term.Gradient[(((5 * 32) + 6) * 3) + c]), story.Gradient[c],
                1e-4 * Math.Abs(story.Gradient[c]));
        Assert.Equal(story.Predicted, story.Measured, 0.02 * Math.Abs(story.Predicted));

        // The tape holds the operators that ran, with the norms of their gradients. The loss's own norm is 1.
        Assert.Equal(2, explained.Tape.Count(node => node.Name == "Gram"));
        Assert.Equal(3, explained.Tape.Count(node => node.Name == "Conv3x3"));
        Assert.Equal(1, explained.Tape[^1].GradientNorm!.Value, 1e-6);
        TapeNode input = explained.Tape[0];
        Assert.Equal(("Normalize", "(24, 32, 3)"), (input.Name, input.Shape.ToString()));
        float[] network255 = [.. Enumerable.Range(0, 24 * 32 * 3).Select(i =>
            explained.Terms.Where(term => term.Name != "tv").Sum(term => term.Gradient[i]))];
        Assert.Equal(
            Math.Sqrt(network255.Sum(g => (double)g * g)), input.GradientNorm!.Value, 1e-3 * input.GradientNorm.Value);
        Assert.All(explained.Tape, node =>
            Assert.All(node.Inputs, from => Assert.InRange(from, -1, explained.Tape.Count - 1)));
    }

    [Fact]
    public void ItsGramMatricesAreTheStylesByMathNet()
    {
        using var cpu = new CpuDevice(2);
        using var network = new VggNetwork(cpu, s_weights, s_options.Network);
        Picture style = Smooth(32, 32, 2);
        TransferOptions options =
            s_options with { ContentWeight = 0.01, TvWeight = 0, CoarsestSize = 0, Iterations = [80] };
        var inputs = new TransferInputs(Smooth(24, 32, 1), [new StyleInput(style)]);
        TransferExplanation explained = TransferExplanation.Create(
            cpu, network, options, inputs, Schedule.Plan(options, 24, 32), 2, null, _ => { }, default);
        var reference = new ReferenceNetwork(
            s_weights, Pooling.Average, PoolEdge.Same, Padding.Zero, [1, 1, 1],
            Array.ConvertAll(VggWeights.CaffeMean, value => (double)value));
        ReferenceNetwork.Map map = reference.Forward(
            Array.ConvertAll(style.Pixels, value => 255.0 * value), 32, 32, "conv1_1").Maps["conv1_1"];
        double[] gram = StyleReference.Gram(map.Values, map.Pixels, map.Channels, 1.0 / map.Pixels);
        GramComparison found = explained.Grams.Single(each => each.Layer == "conv1_1");
        Assert.Equal(32, found.Channels.Length);
        double largest = gram.Max();
        for (int i = 0; i < 32; i++)
            for (int j = 0; j < 32; j++)
                Assert.Equal(
                    gram[(found.Channels[i] * map.Channels) + found.Channels[j]], found.Style[(i * 32) + j],
                    1e-5 * largest);
        double Off(float[] of) => of.Zip(found.Style, (a, b) => (double)(a - b) * (a - b)).Sum();
        Assert.True(Off(found.Result) < Off(found.Start));
    }

    /// <summary>
    /// Where the run holds a pixel at a bound, its gradient stays, so it may well be the strongest of all. Followed
    /// back, it would show a pull that moves nothing. So another pixel is chosen, and one that the user names says so.
    /// </summary>
    [Fact]
    public void ItFollowsAPixelThatIsFreeToMove()
    {
        using var cpu = new CpuDevice(2);
        using var network = new VggNetwork(cpu, s_weights, s_options.Network);
        TransferOptions options =
            s_options with { Clamp = true, TvWeight = 0, CoarsestSize = 0, Iterations = [4], LearningRate = 1 };
        // Half of the content's pixels are black or white. The style is white, and pulls most where there is most.
        Picture content = Smooth(24, 32, 1), style = Smooth(30, 30, 2);
        for (int i = 0; i < content.Pixels.Length; i++)
            content.Pixels[i] = Math.Clamp((2.5f * content.Pixels[i]) - 0.75f, 0f, 1f);
        Array.Fill(style.Pixels, 1f);
        var inputs = new TransferInputs(content, [new StyleInput(style)]);
        TransferExplanation Explain((int, int)? pixel) => TransferExplanation.Create(
            cpu, network, options, inputs, Schedule.Plan(options, 24, 32), 1, pixel, _ => { }, default);

        TransferExplanation chosen = Explain(null);
        Assert.False(chosen.Pixel.Held![chosen.Pixel.Channel]);
        float[] sum = [.. Enumerable.Range(0, 24 * 32 * 3).Select(i => chosen.Terms.Sum(term => term.Gradient[i]))];
        int strongest = Enumerable.Range(0, 24 * 32).MaxBy(p => sum[(3 * p)..((3 * p) + 3)].Sum(Math.Abs));
        PixelStory held = Explain((strongest / 32, strongest % 32)).Pixel;
        Assert.Contains(true, held.Held!);
        for (int c = 0; c < 3; c++)
        {
            bool atBound = held.Result[c] == (held.Gradient[c] > 0 ? 0f : options.PixelRange);
            Assert.Equal(atBound, held.Held![c]);
        }
    }

    private static Picture Smooth(int height, int width, int seed)
    {
        var picture = new Picture(height, width);
        for (int i = 0; i < picture.Pixels.Length; i++)
        {
            int row = i / 3 / width, column = i / 3 % width, c = i % 3;
            picture.Pixels[i] =
                0.5f + (0.4f * MathF.Sin((seed * 1.7f) + (row * 0.3f * seed) + (column * 0.21f) + c));
        }

        return picture;
    }
}
