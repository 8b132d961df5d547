using System.Globalization;

namespace NativeStyle.Imaging;

/// <summary>The limit on the size of pictures.</summary>
internal static class PictureSize
{
    /// <summary>The environment variable with the most megapixels, for anyone who has larger pictures.</summary>
    public const string Variable = "NATIVESTYLE_MAX_MEGAPIXELS";

    private const int DefaultMegapixels = 134;

    /// <summary>Decoders return four bytes per pixel and count them in 31 bits.</summary>
    private const int MostMegapixels = 500;

    /// <summary>The pixels of the largest picture to decode. More is taken for damage or an attack.</summary>
    /// <exception cref="InvalidDataException">The variable is not such a number.</exception>
    public static long MaxPixels => 1_000_000L * MaxMegapixels;

    private static int MaxMegapixels
    {
        get
        {
            if (Environment.GetEnvironmentVariable(Variable) is not { Length: > 0 } text) return DefaultMegapixels;
            bool number = int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int most);
            if (number && most is > 0 and <= MostMegapixels) return most;
            throw new InvalidDataException(
                $"was not read: the environment variable {Variable} is '{text}', expected 1 to {MostMegapixels}");
        }
    }

    /// <summary>Refuses a picture that is too large, before memory is allocated.</summary>
    /// <exception cref="InvalidDataException">The message is meant to follow a file's name.</exception>
    internal static void Require(long height, long width)
    {
        if (height < 1 || width < 1)
            throw new InvalidDataException($"states {width} x {height} pixels, expected at least one");
        // Divide, because a product of two such numbers can be too large.
        if (height <= MaxPixels / width) return;
        throw new InvalidDataException(
            $"states {width} x {height} pixels, and at most {MaxMegapixels} megapixels are read; make it smaller, "
            + $"or set the environment variable {Variable} to at most {MostMegapixels}");
    }
}
