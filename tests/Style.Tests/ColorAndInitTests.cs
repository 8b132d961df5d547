using NativeStyle.Imaging;
using NativeStyle.Style.Options;

namespace NativeStyle.Style.Tests;

public class ColorAndInitTests
{
    private static readonly float[] s_mean = [0.485f, 0.458f, 0.408f];

    [Fact]
    public void LuminanceOfTheResultWithTheContentsChroma()
    {
        Picture result = Colors(1), content = Colors(2);
        Picture merged = ColorTransfer.WithChromaOf(result, content);
        for (int i = 0; i < merged.Pixels.Length; i += 3)
        {
            // Converts to YUV (BT.601), exchanges Y, and converts back, as the original tools do it.
            (double y, _, _) = Yuv(result.Pixels.AsSpan(i, 3));
            (_, double u, double v) = Yuv(content.Pixels.AsSpan(i, 3));
            double[] rgb = [y + (1.13983 * v), y - (0.39465 * u) - (0.58060 * v), y + (2.03211 * u)];
            for (int c = 0; c < 3; c++) Assert.Equal(Math.Clamp(rgb[c], 0, 1), merged.Pixels[i + c], 2e-4);
        }

        static (double Y, double U, double V) Yuv(ReadOnlySpan<float> rgb)
        {
            double y = (0.299 * rgb[0]) + (0.587 * rgb[1]) + (0.114 * rgb[2]);
            return (y, 0.492111 * (rgb[2] - y), 0.877283 * (rgb[0] - y));
        }
    }

    [Fact]
    public void MatchedHistogramsAreTheReferences()
    {
        Picture picture = Colors(1), reference = Colors(2);
        Picture matched = ColorTransfer.MatchHistogram(picture, reference);
        for (int c = 0; c < 3; c++)
        {
            float[] Channel(Picture of) => [.. of.Pixels.Where((_, i) => i % 3 == c)];
            // Both pictures have equally many pixels, and no two values are equal. So the result has the reference's
            // values in the picture's order.
            Assert.Equal(Channel(reference).Order(), Channel(matched).Order());
            int[] Ranks(Picture of) =>
                [.. Channel(of).Select((value, i) => (value, i)).OrderBy(each => each.value).Select(each => each.i)];
            Assert.Equal(Ranks(picture), Ranks(matched));
        }
    }

    [Fact]
    public void EqualValuesStayEqualUnderAHistogram()
    {
        var flat = new Picture(4, 4);
        Array.Fill(flat.Pixels, 0.7f);
        Picture matched = ColorTransfer.MatchHistogram(flat, Colors(2));
        Assert.Single(matched.Pixels.Where((_, i) => i % 3 == 0).Distinct());
    }

    public static TheoryData<InitKind, double, double> Noises() => new()
    {
        // Each row has a kind, and its mean and standard deviation in red.
        { InitKind.White, 1, 0 },
        { InitKind.Grey, 0.5 + (0.5 / 255), 1 / 255.0 / Math.Sqrt(12) },
        { InitKind.Uniform, 0.5, 1 / Math.Sqrt(12) },
        { InitKind.Normal, 0.5, 20 / 255.0 },
        { InitKind.MeanNormal, 0.485, 20 / 255.0 },
    };

    [Theory]
    [MemberData(nameof(Noises))]
    public void NoisesHaveTheMeanAndDeviationTheySay(InitKind kind, double mean, double deviation)
    {
        float[] red = Red(Presets.Coursera with { Init = kind, InitNoise = 20 }, new TransferInputs(null, []));
        Assert.Equal(mean, red.Average(), 0.005);
        Assert.Equal(deviation, Math.Sqrt(red.Average(value => Math.Pow(value - red.Average(), 2))), 0.003);
    }

    [Fact]
    public void StyleNoiseHasTheStylesMeanAndDeviationWithinBlackAndWhite()
    {
        Picture style = Colors(1);
        for (int i = 0; i < style.Pixels.Length; i++) style.Pixels[i] = 0.4f + (0.2f * style.Pixels[i]);
        float[] red = Red(
            Presets.Coursera with { Init = InitKind.StyleNormal }, new TransferInputs(null, [new StyleInput(style)]));
        double[] of = [.. style.Pixels.Where((_, i) => i % 3 == 0).Select(value => (double)value)];
        Assert.Equal(of.Average(), red.Average(), 0.003);
        Assert.Equal(
            Math.Sqrt(of.Average(value => Math.Pow(value - of.Average(), 2))),
            Math.Sqrt(red.Average(value => Math.Pow(value - red.Average(), 2))), 0.003);
        Assert.All(red, value => Assert.InRange(value, 0f, 1f));
    }

    [Fact]
    public void AStartThatNeedsAPictureSaysSo()
    {
        InitKind[] kinds =
            [InitKind.Content, InitKind.Style, InitKind.StyleNormal, InitKind.Picture, InitKind.Blend];
        foreach (InitKind kind in kinds)
        {
            Assert.Throws<TransferException>(
                () => Red(Presets.Coursera with { Init = kind }, new TransferInputs(null, [])));
        }
    }

    [Fact]
    public void ASquareIsCutFromTheMiddle()
    {
        var wide = new Picture(4, 9);
        for (int i = 0; i < wide.Pixels.Length; i++) wide.Pixels[i] = i / 3 % 9 / 10f;
        Picture square = new TransferInputs(wide, []).Cropped(PictureCrop.Square).Content!.At(4, 4);
        Assert.Equal((4, 4), (square.Height, square.Width));
        Assert.Equal([0.2f, 0.3f, 0.4f, 0.5f], Enumerable.Range(0, 4).Select(column => square[1, column, 2]));
    }

    [Theory]
    [InlineData(StyleSizing.LongestSide, 1.0, 0, 200, 100)]
    [InlineData(StyleSizing.LongestSideAtMost, 1.0, 0, 80, 40)]
    [InlineData(StyleSizing.LongestSideAtMost, 0.25, 0, 50, 25)]
    [InlineData(StyleSizing.ContentSize, 1.0, 0, 150, 200)]
    [InlineData(StyleSizing.ContentWidth, 1.0, 0, 400, 200)]
    [InlineData(StyleSizing.ContentWidth, 0.5, 0, 200, 100)]
    [InlineData(StyleSizing.LongestSide, 1.0, 60, 60, 30)]
    public void StylesAreSeenAtTheSizesOfTheSystems(
        StyleSizing sizing, double factor, int fixedSize, int height, int width)
    {
        // The result has 150 x 200 pixels, the style 80 x 40.
        TransferOptions options =
            Presets.Coursera with { StyleSizing = sizing, StyleSizeFactor = factor, StyleSize = fixedSize };
        Assert.Equal((height, width), Schedule.StyleSize(options, 150, 200, 80, 40));
    }

    private static float[] Red(TransferOptions options, TransferInputs inputs) =>
        [.. InitialPicture.Create(options, inputs, s_mean, 100, 100)
            .Where((_, i) => i % 3 == 0)
            .Select(value => value / options.PixelRange)];

    private static Picture Colors(int seed)
    {
        var picture = new Picture(30, 40);
        var random = new Random(seed);
        for (int i = 0; i < picture.Pixels.Length; i++) picture.Pixels[i] = 0.2f + (0.6f * random.NextSingle());
        return picture;
    }
}
