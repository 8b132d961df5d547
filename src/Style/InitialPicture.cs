using System.Numerics;
using NativeStyle.Imaging;
using NativeStyle.Style.Losses;
using NativeStyle.Style.Options;
using NativeStyle.Vgg.Weights;

namespace NativeStyle.Style;

/// <summary>The picture that a transfer starts from.</summary>
internal static class InitialPicture
{
    /// <summary>Creates the start, (height, width, 3), in units of the pixel range.</summary>
    /// <param name="zeroPixel">The pixel that the network sees as zero, RGB 0..1.</param>
    public static float[] Create(
        TransferOptions options, TransferInputs inputs, float[] zeroPixel, int height, int width)
    {
        float noise = options.InitNoise / 255f;
        var random = new NormalGenerator((ulong)(uint)options.Seed + (1UL << 40));
        float[] pixels = new float[height * width * 3];
        switch (options.Init)
        {
            case InitKind.Content or InitKind.Blend:
                Sized(inputs.Content, "the content picture").CopyTo(pixels, 0);
                break;
            case InitKind.Style:
                PictureSource? style = inputs.Styles.Count > 0 ? inputs.Styles[0].Picture : null;
                Sized(style, "a style picture").CopyTo(pixels, 0);
                break;
            case InitKind.Picture:
                Sized(inputs.Init, "a picture to start from").CopyTo(pixels, 0);
                break;
            case InitKind.White:
                Array.Fill(pixels, 1f);
                break;
            case InitKind.Grey:
                for (int i = 0; i < pixels.Length; i++) pixels[i] = 0.5f + ((float)random.Uniform() / 255f);
                break;
            case InitKind.Uniform:
                for (int i = 0; i < pixels.Length; i++) pixels[i] = (float)random.Uniform();
                break;
            case InitKind.Normal:
                Truncated(random, pixels, [0.5f, 0.5f, 0.5f], [noise, noise, noise]);
                break;
            case InitKind.MeanNormal:
                random.Fill(pixels, noise);
                for (int i = 0; i < pixels.Length; i++) pixels[i] += zeroPixel[i % 3];
                break;
            default:
                (float[] mean, float[] deviation) = StyleStatistics(inputs.Styles);
                Truncated(random, pixels, mean, deviation);
                break;
        }

        if (options.Init == InitKind.Blend)
        {
            // The mixing happens in the network's input, which means around the mean pixel.
            for (int i = 0; i < pixels.Length; i++)
            {
                float uniform = (float)((2 * random.Uniform()) - 1) * noise, mean = zeroPixel[i % 3];
                float content = (1 - options.InitNoiseShare) * (pixels[i] - mean);
                pixels[i] = mean + (options.InitNoiseShare * uniform) + content;
            }
        }

        foreach (ref float value in pixels.AsSpan()) value *= options.PixelRange;
        return pixels;

        float[] Sized(PictureSource? picture, string what)
        {
            if (picture is null) throw new TransferException($"the start is {what}, and there is none");
            return picture.At(height, width).Pixels;
        }
    }

    /// <summary>Fills pixels with normal values. A value outside 0..1 is drawn again.</summary>
    private static void Truncated(NormalGenerator random, float[] pixels, float[] mean, float[] deviation)
    {
        Span<float> one = stackalloc float[1];
        for (int i = 0; i < pixels.Length; i++)
        {
            int channel = i % 3;
            do
            {
                random.Fill(one, 1);
                pixels[i] = mean[channel] + (deviation[channel] * one[0]);
            }
            while (pixels[i] is < 0f or > 1f);
        }
    }

    /// <summary>The means and standard deviations of the styles by channel, blended by the styles' weights.</summary>
    private static (float[] Mean, float[] Deviation) StyleStatistics(IReadOnlyList<StyleInput> styles)
    {
        if (styles.Count == 0)
            throw new TransferException("the start is noise like the style's, and there is no style picture");
        double sum = styles.Sum(style => style.Weight);
        double[] mean = new double[3], variance = new double[3];
        foreach (StyleInput style in styles)
        {
            (Vector3 average, Matrix4x4 covariance) = ColorTransfer.Statistics(style.Picture);
            for (int c = 0; c < 3; c++)
            {
                mean[c] += style.Weight / sum * average[c];
                variance[c] += style.Weight / sum * covariance[c, c];
            }
        }

        return (
            Array.ConvertAll(mean, value => (float)value),
            Array.ConvertAll(variance, value => (float)Math.Sqrt(value)));
    }
}
