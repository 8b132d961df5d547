namespace NativeStyle.Kernels.Operators.Expand;

/// <summary>
/// Nearest upsampling by a whole factor, then reflection padding. Each pixel becomes a square of
/// <paramref name="Upsampling"/> x <paramref name="Upsampling"/> pixels. The result then is mirrored at its border
/// pixels, which are not repeated, as PyTorch's ReflectionPad2d does.
/// </summary>
/// <param name="Upsampling">Rows and columns that a pixel becomes; at least 1.</param>
/// <param name="Padding">
/// Rows and columns added on each side, less than the upsampled map has.
/// </param>
public readonly record struct Expansion(int Upsampling = 1, int Padding = 0)
{
    /// <summary>Neither upsampling nor padding.</summary>
    public static Expansion None => new(1, 0);

    /// <summary>Rows or columns of the result.</summary>
    /// <param name="length">Rows or columns of the map.</param>
    public int Expanded(int length) => (length * Upsampling) + (2 * Padding);
}
