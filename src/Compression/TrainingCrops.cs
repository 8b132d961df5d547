using NativeStyle.Imaging;
using NativeStyle.Vgg.Weights;

namespace NativeStyle.Compression;

/// <summary>
/// Cuts square pieces from pictures and changes each a little, so that they have the statistics of more pictures than
/// there are. Sizes, places, mirroring, contrast, brightness, colours and noise are drawn from a seed.
/// </summary>
internal static class TrainingCrops
{
    private static readonly int[][] s_orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];

    /// <summary>Draws pieces, about equally many from each picture.</summary>
    /// <param name="pictures">PNG or JPEG files. Those smaller than a piece are skipped.</param>
    /// <param name="count">The number of pieces in all.</param>
    /// <param name="side">The pieces' rows and columns, in pixels.</param>
    /// <param name="seed">The same seed draws the same pieces.</param>
    /// <param name="notice">Called with a message for each picture that is skipped.</param>
    /// <returns>(side, side, RGB) each, 0..1.</returns>
    /// <exception cref="InvalidDataException">No picture is large enough.</exception>
    public static IReadOnlyList<float[]> Draw(
        IReadOnlyList<string> pictures, int count, int side, int seed, Action<string> notice,
        CancellationToken cancellation = default)
    {
        var crops = new List<float[]>();
        for (int i = 0; i < pictures.Count; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            int here = (count * (i + 1) / pictures.Count) - (count * i / pictures.Count);
            if (here == 0) continue;
            Picture picture;
            try
            {
                picture = PictureFile.Read(pictures[i]);
            }
            catch (Exception unreadable)
                when (unreadable is InvalidDataException or IOException or UnauthorizedAccessException)
            {
                notice($"passed over: {unreadable.Message}");
                continue;
            }

            if (Math.Min(picture.Height, picture.Width) < side)
            {
                notice(
                    $"passed over: {pictures[i]} has {picture.Height} x {picture.Width} pixels, "
                    + $"expected at least {side} on each side");
                continue;
            }

            var random = new NormalGenerator(((ulong)(uint)seed << 32) + (ulong)i);
            for (int n = 0; n < here; n++) crops.Add(Crop(picture, side, random));
        }

        return crops.Count > 0 ? crops : throw new InvalidDataException(
            $"none of the {pictures.Count} pictures can be read and has at least {side} pixels on each side");
    }

    private static float[] Crop(Picture picture, int side, NormalGenerator random)
    {
        // Draw a size between the picture's own and the smallest that a piece fits into: transfers see pictures at any
        // size.
        double least = (double)side / Math.Min(picture.Height, picture.Width);
        double scale = Math.Pow(least, random.Uniform() * random.Uniform());
        Picture scaled = picture.At(
            Math.Max(side, (int)(picture.Height * scale)), Math.Max(side, (int)(picture.Width * scale)));
        int top = Whole(scaled.Height - side + 1), left = Whole(scaled.Width - side + 1);
        bool mirrored = random.Uniform() < 0.5;
        // Half of the pieces keep their colours, the other half have them in another order.
        int[] colours = random.Uniform() < 0.5 ? s_orders[0] : s_orders[1 + Whole(s_orders.Length - 1)];
        double contrast = Between(0.6, 1.3), brightness = Between(-0.2, 0.2);
        double deviation = random.Uniform() < 0.3 ? Between(0, 0.1) : 0;
        float[] crop = new float[3 * side * side], noise = new float[crop.Length];
        if (deviation > 0) random.Fill(noise, deviation);
        for (int i = 0; i < crop.Length; i++)
        {
            (int row, int column, int channel) = (i / 3 / side, i / 3 % side, i % 3);
            float value = scaled[top + row, left + (mirrored ? side - 1 - column : column), colours[channel]];
            crop[i] = (float)Math.Clamp(0.5 + (contrast * (value - 0.5)) + brightness + noise[i], 0, 1);
        }

        return crop;

        int Whole(int below) => (int)(random.Uniform() * below);

        double Between(double low, double high) => low + (random.Uniform() * (high - low));
    }
}
