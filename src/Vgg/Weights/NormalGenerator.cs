namespace NativeStyle.Vgg.Weights;

/// <summary>
/// Generates normally distributed numbers that are the same in every version of .NET: SplitMix64 (Steele, Lea and Flood
/// 2014) through the Box-Muller transform.
/// </summary>
internal sealed class NormalGenerator(ulong seed)
{
    private ulong _state = seed;

    /// <summary>Fills a span with numbers of mean 0 and the given standard deviation.</summary>
    public void Fill(Span<float> values, double deviation)
    {
        for (int i = 0; i < values.Length; i += 2)
        {
            double radius = deviation * Math.Sqrt(-2 * Math.Log(1 - Uniform()));
            (double sin, double cos) = Math.SinCos(2 * Math.PI * Uniform());
            values[i] = (float)(radius * cos);
            if (i + 1 < values.Length) values[i + 1] = (float)(radius * sin);
        }
    }

    /// <summary>Returns a number in [0, 1).</summary>
    public double Uniform()
    {
        ulong z = _state += 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return ((z ^ (z >> 31)) >> 11) * (1.0 / (1UL << 53));
    }
}
