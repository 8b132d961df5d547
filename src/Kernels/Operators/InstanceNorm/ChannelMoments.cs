namespace NativeStyle.Kernels.Operators.InstanceNorm;

/// <summary>
/// The mean of each channel of a map and the sum of its squared deviations from that mean. Those of a whole map are
/// combined from those of its tiles.
/// </summary>
/// <param name="Pixels">The pixels that they are of.</param>
/// <param name="Mean">A number a channel.</param>
/// <param name="SquaredDeviations">A number a channel: pixels times the variance.</param>
internal sealed record ChannelMoments(long Pixels, double[] Mean, double[] SquaredDeviations)
{
    /// <summary>
    /// The moments of the pixels of both (Chan, Golub and LeVeque 1983, "Algorithms for computing the sample variance",
    /// eq. 2.1).
    /// </summary>
    /// <exception cref="ArgumentException">The other moments are of another number of channels.</exception>
    public ChannelMoments With(ChannelMoments other)
    {
        if (other.Mean.Length != Mean.Length)
            throw new ArgumentException($"moments of {other.Mean.Length} channels, expected {Mean.Length}");
        long pixels = Pixels + other.Pixels;
        double share = (double)other.Pixels / pixels;
        double[] mean = new double[Mean.Length], squares = new double[Mean.Length];
        for (int c = 0; c < mean.Length; c++)
        {
            double difference = other.Mean[c] - Mean[c];
            mean[c] = Mean[c] + (share * difference);
            squares[c] = SquaredDeviations[c] + other.SquaredDeviations[c]
                + (share * Pixels * difference * difference);
        }

        return new ChannelMoments(pixels, mean, squares);
    }

    /// <summary>Computes what normalises a channel, see <see cref="InstanceNormOp.Factors"/>.</summary>
    /// <param name="scale">A number a channel.</param>
    /// <param name="shift">A number a channel.</param>
    /// <returns>(4, channels).</returns>
    /// <exception cref="ArgumentException">Scale or shift is of another number of channels.</exception>
    public float[] Factors(ReadOnlySpan<float> scale, ReadOnlySpan<float> shift)
    {
        int channels = Mean.Length;
        if (scale.Length != channels || shift.Length != channels)
            throw new ArgumentException($"{scale.Length} scales and {shift.Length} shifts of {channels} channels");
        float[] factors = new float[4 * channels];
        for (int c = 0; c < channels; c++)
        {
            double root = 1 / Math.Sqrt((SquaredDeviations[c] / Pixels) + InstanceNormOp.Epsilon);
            factors[c] = (float)Mean[c];
            factors[channels + c] = (float)root;
            factors[(2 * channels) + c] = (float)(scale[c] * root);
            factors[(3 * channels) + c] = shift[c];
        }

        return factors;
    }
}
