using System.Globalization;

namespace NativeStyle.Imaging;

/// <summary>The largest picture that is read.</summary>
public static class PictureSize
{
    /// <summary>The environment variable with the most megapixels, for who has larger ones.</summary>
    public const string Variable = "NATIVESTYLE_MAX_MEGAPIXELS";

    private const int DefaultMegapixels = 134;

    /// <summary>Four bytes a pixel of what a decoder returns are counted in 31 bits.</summary>
    private const int MostMegapixels = 500;

    /// <summary>Pixels of the largest picture that is decoded; more is taken for damage or an attack.</summary>
    /// <exception cref="InvalidDataException">The variable is no such number.</exception>
    public static long MaxPixels => 1_000_000L * MaxMegapixels;

    private static int MaxMegapixels
    {
        get
        {
            if (Environment.GetEnvironmentVariable(Variable) is not { Length: > 0 } text) return DefaultMegapixels;
            return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int most) && most is > 0 and <= MostMegapixels ? most
                : throw new InvalidDataException($"was not read: the environment variable {Variable} is '{text}', expected 1 to {MostMegapixels}");
        }
    }

    /// <summary>Refuses what is too large, before memory is taken.</summary>
    /// <exception cref="InvalidDataException">The message goes after a file's name.</exception>
    internal static void Require(long height, long width)
    {
        if (height < 1 || width < 1) throw new InvalidDataException($"states {width} x {height} pixels, expected at least one");
        // Divided, since a product of two such numbers can be too large.
        if (height <= MaxPixels / width) return;
        throw new InvalidDataException(
            $"states {width} x {height} pixels, and at most {MaxMegapixels} megapixels are read; make it smaller, or set the environment variable {Variable} to at most {MostMegapixels}");
    }
}
