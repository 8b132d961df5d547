namespace NativeStyle.Kernels.Operators.Expand;

/// <summary>
/// One axis of an <see cref="Expansion"/>: which row (or column) of the map each row of the result is a copy of. Both
/// may be windows, so that a map can be expanded tile by tile.
/// </summary>
/// <param name="First">The first row of the result's window, counted from the first row of the whole result.</param>
/// <param name="Count">Rows of the result's window.</param>
/// <param name="Length">Rows of the whole map.</param>
/// <param name="Start">The first row of the map's window, counted from the first row of the whole map.</param>
/// <param name="Upsampling">As in <see cref="Expansion"/>.</param>
/// <param name="Padding">As in <see cref="Expansion"/>.</param>
public readonly record struct ExpansionAxis(
    int First, int Count, int Length, int Start, int Upsampling, int Padding)
{
    /// <summary>The axis of a whole map and its whole result.</summary>
    /// <param name="length">Rows of the map.</param>
    /// <exception cref="ArgumentException">The map is too small for the padding.</exception>
    public static ExpansionAxis Whole(int length, Expansion expansion)
    {
        var axis = new ExpansionAxis(
            0, expansion.Expanded(length), length, 0, expansion.Upsampling, expansion.Padding);
        axis.RequireValid();
        return axis;
    }

    /// <summary>
    /// The axis of a window of the result. Its map is the smallest window that the result needs, see
    /// <see cref="Sources"/>.
    /// </summary>
    /// <param name="length">Rows of the whole map.</param>
    /// <param name="first">The first row of the result's window.</param>
    /// <param name="count">Rows of the result's window.</param>
    /// <exception cref="ArgumentException">
    /// The map is too small for the padding, or the window does not lie in the result.
    /// </exception>
    public static ExpansionAxis Part(int length, Expansion expansion, int first, int count)
    {
        ExpansionAxis axis = Whole(length, expansion) with { First = first, Count = count };
        axis.RequireValid();
        return axis with { Start = axis.Sources.Start };
    }

    /// <summary>The rows [Start, End) of the whole map that the result's window is made of.</summary>
    public (int Start, int End) Sources
    {
        get
        {
            // The mapping goes up or down by at most a row each step, and turns where it reflects.
            int from = First - Padding, to = from + Count - 1, last = (Length * Upsampling) - 1;
            int start = Math.Min(Reflect(from), Reflect(to)), end = Math.Max(Reflect(from), Reflect(to));
            if (from <= 0 && to >= 0) start = 0;
            if (from <= last && to >= last) end = last;
            return (start / Upsampling, (end / Upsampling) + 1);
        }
    }

    /// <summary>The most rows of the whole result that a row of the map can have become.</summary>
    internal int Copies => Padding == 0 ? Upsampling : 3 * Upsampling;

    /// <summary>The row of the map's window that a row of the result's window is a copy of.</summary>
    internal int Source(int index) => (Reflect(First + index - Padding) / Upsampling) - Start;

    /// <summary>
    /// A row of the result's window that a row of the map's window became, or -1 if there is no copy of that number.
    /// </summary>
    /// <param name="source">The row of the map's window.</param>
    /// <param name="number">
    /// The copy's number below <see cref="Copies"/>: first those of the upsampled map, then those that are mirrored at
    /// its first row, then those that are mirrored at its last row.
    /// </param>
    internal int Copy(int source, int number)
    {
        int last = (Length * Upsampling) - 1;
        int at = ((Start + source) * Upsampling) + (number % Upsampling);
        int image = number / Upsampling;
        int mirrored = image == 0 ? at : image == 1 ? -at : (2 * last) - at;
        int index = mirrored + Padding - First;
        bool isCopy = (image == 0 || mirrored != at) && index >= 0 && index < Count;
        return isCopy ? index : -1;
    }

    /// <summary>
    /// How many rows of the result, from this one on, are copies of rows of the map that follow one another. It is at
    /// least 1, and exactly 1 where the result is upsampled or mirrored.
    /// </summary>
    internal int Run(int index)
    {
        int at = First + index - Padding;
        return Upsampling > 1 || at < 0 || at >= Length ? 1 : Math.Min(Length - at, Count - index);
    }

    /// <exception cref="ArgumentException">
    /// The map is too small for the padding, or the window does not lie in the result.
    /// </exception>
    internal void RequireValid()
    {
        if (Upsampling < 1) throw new ArgumentException($"an upsampling of {Upsampling}: expected 1 or more");
        int upsampled = checked(Length * Upsampling);
        if (Padding < 0 || Padding >= upsampled)
            throw new ArgumentException($"a padding of {Padding} of {upsampled} rows or columns: expected fewer");
        int expanded = checked(upsampled + (2 * Padding));
        if (First < 0 || Count < 1 || First > expanded - Count)
            throw new ArgumentException($"{Count} rows or columns from {First} on do not lie in a map of {expanded}");
    }

    /// <summary>Mirrors a row of the padded map into the upsampled map; the border rows are not repeated.</summary>
    private int Reflect(int at)
    {
        int last = (Length * Upsampling) - 1;
        int inside = at < 0 ? -at : at;
        return inside > last ? (2 * last) - inside : inside;
    }
}
