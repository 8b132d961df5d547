using System.Globalization;

namespace NativeStyle.Imaging;

/// <summary>Writes labels on pictures, in letters of five by seven pixels, for contact sheets and figures.</summary>
internal static class Lettering
{
    /// <summary>Pixels from one letter to the next and from one line to the next, at scale 1.</summary>
    public const int Advance = 6, LineHeight = 10;

    private const int Rows = 7, Columns = 5;

    /// <summary>
    /// Each letter, followed by its seven rows of five bits, with two hexadecimal digits for each row.
    /// </summary>
    private const string Glyphs =
        "A0e11111f111111 B1e11111e11111e C0e11101010110e " +
        "D1e11111111111e E1f10101e10101f F1f10101e101010 " +
        "G0e11101711110f H1111111f111111 I0e04040404040e " +
        "J0702020202120c K11121418141211 L1010101010101f " +
        "M111b1515111111 N11191513111111 O0e11111111110e " +
        "P1e11111e101010 Q0e11111115120d R1e11111e141211 " +
        "S0f10100e01011e T1f040404040404 U1111111111110e " +
        "V11111111110a04 W11111115151b11 X11110a040a1111 " +
        "Y11110a04040404 Z1f01020408101f a00000e010f110f " +
        "b10101e1111111e c00000e1110110e d01010f1111110f " +
        "e00000e111f100e f06081c08080808 g000f11110f010e " +
        "h10101e11111111 i04000c0404040e j0200060202120c " +
        "k10101214181412 l0c04040404040e m00001a15151515 " +
        "n00001e11111111 o00000e1111110e p001e11111e1010 " +
        "q000f11110f0101 r00001619101010 s00000f100e011e " +
        "t08081c08080906 u0000111111110f v00001111110a04 " +
        "w0000111515150a x0000110a040a11 y001111110f010e " +
        "z00001f0204081f 00e11131519110e 1040c040404040e " +
        "20e11010608101f 31f02040601110e 402060a121f0202 " +
        "51f101e0101110e 60608101e11110e 71f010204040404 " +
        "80e11110e11110e 90e11110f01020c .00000000000c0c " +
        ",000000000c0408 -0000001f000000 _0000000000001f " +
        "+0004041f040400 :000c0c000c0c00 /01010204081010 " +
        "(02040808080402 )08040202020408 =00001f001f0000 " +
        "%18190204081303 '04040800000000 !04040404040004 " +
        "#0a0a1f0a1f0a0a >10080402040810 <02040810080402 " +
        "[0e08080808080e ]0e02020202020e *00150e1f0e1500 " +
        "&0c12140815120d ;000c0c000c0408";

    private static readonly Dictionary<char, int[]> s_glyphs =
        Glyphs.Split(' ', StringSplitOptions.RemoveEmptyEntries).ToDictionary(
            glyph => glyph[0],
            glyph => Enumerable.Range(0, Rows).Select(row => int.Parse(
                glyph.AsSpan(1 + (2 * row), 2), NumberStyles.HexNumber, CultureInfo.InvariantCulture)).ToArray());

    /// <summary>Returns the width of a text in pixels.</summary>
    public static int Width(string text, int scale) => Math.Max(0, (text.Length * Advance) - 1) * scale;

    /// <summary>Writes a text. Letters outside the picture are cut off, and unknown letters are left blank.</summary>
    /// <param name="top">The row of the letters' upper edge.</param>
    /// <param name="left">The column of the first letter.</param>
    /// <param name="scale">Pixels of the picture for each pixel of a letter.</param>
    /// <param name="grey">The colour, from 0 (black) to 1 (white).</param>
    public static void Write(Picture picture, string text, int top, int left, int scale = 1, float grey = 0f)
    {
        for (int i = 0; i < text.Length; i++)
        {
            if (!s_glyphs.TryGetValue(text[i], out int[]? rows)) continue;
            for (int y = 0; y < Rows * scale; y++)
            {
                for (int x = 0; x < Columns * scale; x++)
                {
                    (int row, int column) = (top + y, left + (i * Advance * scale) + x);
                    bool ink = (rows[y / scale] >> (Columns - 1 - (x / scale)) & 1) != 0;
                    if (!ink || row < 0 || column < 0 || row >= picture.Height || column >= picture.Width) continue;
                    for (int channel = 0; channel < 3; channel++) picture[row, column, channel] = grey;
                }
            }
        }
    }
}
