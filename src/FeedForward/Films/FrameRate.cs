using System.Globalization;

namespace NativeStyle.FeedForward.Films;

/// <summary>Frames per second as a fraction, for example 30000/1001.</summary>
public readonly record struct FrameRate(int Numerator, int Denominator)
{
    /// <summary>More frames per second come from clocks of files, not from cameras.</summary>
    private const double Most = 240;

    /// <summary>Frames per second.</summary>
    public double PerSecond => (double)Numerator / Denominator;

    private bool IsUsable => Numerator > 0 && Denominator > 0 && PerSecond <= Most;

    /// <summary>
    /// Chooses the rate of a film to write. A film whose frames come at irregular times gets the rate that has a place
    /// for each of them, and repeats frames where there are fewer.
    /// </summary>
    /// <param name="finest">The lowest rate that has a place for each frame.</param>
    /// <param name="average">Frames divided by seconds.</param>
    internal static FrameRate Choose(FrameRate finest, FrameRate average)
    {
        if (!finest.IsUsable) return average.IsUsable ? average : new FrameRate(25, 1);
        // Some films state the rate of fields, which is twice that of frames.
        bool countsFields = average.IsUsable && Math.Abs((finest.PerSecond / average.PerSecond) - 2) < 0.02;
        return countsFields ? average : finest;
    }

    /// <summary>Reads N/D. Returns a rate of no use if the text is something else.</summary>
    internal static FrameRate Parse(string? text)
    {
        string[] parts = text?.Split('/') ?? [];
        bool numbers = parts.Length == 2
            & int.TryParse(parts.ElementAtOrDefault(0), NumberStyles.None, CultureInfo.InvariantCulture, out int above)
            & int.TryParse(parts.ElementAtOrDefault(1), NumberStyles.None, CultureInfo.InvariantCulture, out int below);
        return numbers ? new FrameRate(above, below) : default;
    }

    /// <inheritdoc/>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Numerator}/{Denominator}");
}
