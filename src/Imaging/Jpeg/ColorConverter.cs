namespace NativeStyle.Imaging.Jpeg;

/// <summary>From coefficients to RGB: dequantisation, inverse DCT, upsampling, colour.</summary>
internal static class ColorConverter
{
    public static Picture ToPicture(Frame frame, ushort[]?[] quantization, int? adobeTransform)
    {
        int count = frame.Components.Length;
        float[][] planes = new float[count][];
        for (int i = 0; i < count; i++)
        {
            Component component = frame.Components[i];
            ushort[] table = quantization[component.Quantization]
                ?? throw new InvalidDataException("is a damaged JPEG: a quantisation table is missing");
            planes[i] = Upsample(Samples(component, table), component, frame);
        }

        // Without Adobe's word three components are YCbCr, unless they are called R, G and B; four are CMYK.
        bool named = frame.Components.Select(component => component.Id).SequenceEqual([(int)'R', 'G', 'B']);
        bool luma = count == 3 ? adobeTransform is > 0 || (adobeTransform is null && !named) : adobeTransform == 2;
        var picture = new Picture(frame.Height, frame.Width);
        float[] pixels = picture.Pixels;
        for (int p = 0; p < frame.Width * frame.Height; p++)
        {
            float a = planes[0][p], b = count > 1 ? planes[1][p] : a, c = count > 1 ? planes[2][p] : a;
            if (count > 1 && luma)
            {
                (float cb, float cr) = (b - 128f, c - 128f);
                (a, b, c) = (a + (1.402f * cr), a - (0.344136f * cb) - (0.714136f * cr), a + (1.772f * cb));
            }

            if (count == 4)
            {
                // Adobe stores inks inverted, 255 for none; YCCK's colours come out of the formula as 255 - ink.
                float k = planes[3][p];
                if (luma) (a, b, c) = (255f - a, 255f - b, 255f - c);
                if (adobeTransform is null) (a, b, c, k) = (255f - a, 255f - b, 255f - c, 255f - k);
                float paper = Math.Clamp(k, 0f, 255f) / 255f;
                (a, b, c) = (Math.Clamp(a, 0f, 255f) * paper, Math.Clamp(b, 0f, 255f) * paper, Math.Clamp(c, 0f, 255f) * paper);
            }

            pixels[3 * p] = Math.Clamp(a / 255f, 0f, 1f);
            pixels[(3 * p) + 1] = Math.Clamp(b / 255f, 0f, 1f);
            pixels[(3 * p) + 2] = Math.Clamp(c / 255f, 0f, 1f);
        }

        return picture;
    }

    /// <summary>The component's samples, 0 to 255, (height, width) of the component.</summary>
    private static float[] Samples(Component component, ushort[] table)
    {
        float[] samples = new float[component.Width * component.Height];
        Parallel.For(0, (component.Height + 7) / 8, blockRow =>
        {
            Span<float> block = stackalloc float[64];
            for (int blockColumn = 0; blockColumn < (component.Width + 7) / 8; blockColumn++)
            {
                int first = 64 * ((blockRow * component.BlocksAcross) + blockColumn);
                for (int i = 0; i < 64; i++) block[i] = component.Coefficients[first + i] * table[i];
                Dct.Inverse(block);
                int height = Math.Min(8, component.Height - (8 * blockRow)), width = Math.Min(8, component.Width - (8 * blockColumn));
                for (int y = 0; y < height; y++)
                {
                    int target = (((8 * blockRow) + y) * component.Width) + (8 * blockColumn);
                    for (int x = 0; x < width; x++) samples[target + x] = Math.Clamp(block[(8 * y) + x] + 128f, 0f, 255f);
                }
            }
        });
        return samples;
    }

    /// <summary>To the frame's size: linear between samples for a factor of two, as libjpeg does, else repeated.</summary>
    private static float[] Upsample(float[] samples, Component component, Frame frame)
    {
        if (component.Width == frame.Width && component.Height == frame.Height) return samples;
        (int First, int Second, float Weight)[] across = Taps(component.Width, frame.Width, frame.MaxHorizontal, component.Horizontal);
        (int First, int Second, float Weight)[] down = Taps(component.Height, frame.Height, frame.MaxVertical, component.Vertical);
        float[] full = new float[frame.Width * frame.Height];
        Parallel.For(0, frame.Height, row =>
        {
            (int top, int bottom, float lower) = down[row];
            for (int column = 0; column < frame.Width; column++)
            {
                (int left, int right, float weight) = across[column];
                float upper = Mix(samples[(top * component.Width) + left], samples[(top * component.Width) + right], weight);
                float below = Mix(samples[(bottom * component.Width) + left], samples[(bottom * component.Width) + right], weight);
                full[(row * frame.Width) + column] = Mix(upper, below, lower);
            }
        });
        return full;
    }

    private static float Mix(float a, float b, float weight) => a + (weight * (b - a));

    private static (int First, int Second, float Weight)[] Taps(int size, int newSize, int most, int own)
    {
        var taps = new (int, int, float)[newSize];
        for (int i = 0; i < newSize; i++)
        {
            int nearest = Math.Min(i * own / most, size - 1);
            int neighbour = Math.Clamp(nearest + (i % 2 == 0 ? -1 : 1), 0, size - 1);
            taps[i] = most == 2 * own && size > 2 ? (nearest, neighbour, 0.25f) : (nearest, nearest, 0f);
        }

        return taps;
    }
}
