using System.Numerics;
using NativeStyle.Imaging;

namespace NativeStyle.Generate;

/// <summary>
/// A picture in the making, at twice its final size so that edges become smooth. Colours are RGB 0..1.
/// </summary>
internal sealed class Canvas(int width, int height)
{
    private const int Supersampling = 2;

    private readonly Vector3[] _pixels = new Vector3[width * height * Supersampling * Supersampling];

    /// <summary>The width in pixels of the final picture.</summary>
    public int Width => width;

    public int Height => height;

    /// <summary>Sets every pixel to the <paramref name="color"/> of its position and its old colour.</summary>
    public void Fill(Func<float, float, Vector3, Vector3> color) => Fill(0, 0, width, height, color);

    /// <summary>Does the same within a rectangle.</summary>
    public void Fill(float left, float top, float right, float bottom, Func<float, float, Vector3, Vector3> color)
    {
        int stride = width * Supersampling, rows = height * Supersampling;
        int x0 = Math.Max(0, (int)(left * Supersampling)), y0 = Math.Max(0, (int)(top * Supersampling));
        int x1 = Math.Min(stride, (int)MathF.Ceiling(right * Supersampling));
        int y1 = Math.Min(rows, (int)MathF.Ceiling(bottom * Supersampling));
        for (int y = y0; y < y1; y++)
        for (int x = x0; x < x1; x++)
        {
            ref Vector3 pixel = ref _pixels[(y * stride) + x];
            pixel = color((x + 0.5f) / Supersampling, (y + 0.5f) / Supersampling, pixel);
        }
    }

    public Picture Finish()
    {
        var large = new Picture(height * Supersampling, width * Supersampling);
        for (int i = 0; i < _pixels.Length; i++)
        {
            for (int c = 0; c < 3; c++) large.Pixels[(3 * i) + c] = Math.Clamp(_pixels[i][c], 0f, 1f);
        }

        return Resampler.Resize(large, height, width);
    }
}

/// <summary>Colours, steps and noise.</summary>
internal static class Brush
{
    public static Vector3 Rgb(int hex) => new Vector3((hex >> 16) & 255, (hex >> 8) & 255, hex & 255) / 255f;

    /// <summary>
    /// Returns 0 below <paramref name="low"/>, 1 above <paramref name="high"/>, and a smooth step between.
    /// </summary>
    public static float Step(float low, float high, float x)
    {
        float t = Math.Clamp((x - low) / (high - low), 0f, 1f);
        return t * t * (3 - (2 * t));
    }

    /// <summary>Returns a number in [0, 1) for a lattice point.</summary>
    public static float Hash(int x, int y, int seed)
    {
        uint h = (uint)((x * 374761393) + (y * 668265263) + (seed * 974634533));
        h = (h ^ (h >> 13)) * 1274126177;
        return (h ^ (h >> 16)) / 4294967296f;
    }

    /// <summary>Returns smooth value noise in [0, 1].</summary>
    public static float Noise(float x, float y, int seed)
    {
        (int ix, int iy) = ((int)MathF.Floor(x), (int)MathF.Floor(y));
        float u = Step(0, 1, x - ix), v = Step(0, 1, y - iy);
        float top = float.Lerp(Hash(ix, iy, seed), Hash(ix + 1, iy, seed), u);
        float bottom = float.Lerp(Hash(ix, iy + 1, seed), Hash(ix + 1, iy + 1, seed), u);
        return float.Lerp(top, bottom, v);
    }

    /// <summary>Returns noise over five octaves, in [0, 1].</summary>
    public static float Clouds(float x, float y, int seed)
    {
        float sum = 0, weight = 0.5f;
        for (int octave = 0; octave < 5; octave++, weight /= 2, x *= 2.03f, y *= 2.03f)
            sum += weight * Noise(x, y, seed + octave);
        return sum;
    }
}
