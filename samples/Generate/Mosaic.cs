using System.Numerics;

namespace NativeStyle.Generate;

/// <summary>Glass tiles in rings, with light grout between them.</summary>
internal static class Mosaic
{
    private const float Tile = 11;

    public static Canvas Paint()
    {
        var canvas = new Canvas(512, 384);
        canvas.Fill((x, y, _) =>
        {
            // Find the nearest two of jittered lattice points. A tile is where their distances differ much.
            (float nearest, float second, Vector2 at) = (float.MaxValue, float.MaxValue, default);
            (int cx, int cy) = ((int)(x / Tile), (int)(y / Tile));
            for (int j = -2; j <= 2; j++)
            for (int i = -2; i <= 2; i++)
            {
                var point = new Vector2(
                    (cx + i + 0.5f + (0.62f * (Brush.Hash(cx + i, cy + j, 1) - 0.5f))) * Tile,
                    (cy + j + 0.5f + (0.62f * (Brush.Hash(cx + i, cy + j, 2) - 0.5f))) * Tile);
                float distance = Vector2.Distance(point, new Vector2(x, y));
                if (distance < nearest) (second, nearest, at) = (nearest, distance, point);
                else if (distance < second) second = distance;
            }

            Vector3 glass = Color(at) * (0.8f + (0.4f * Brush.Hash((int)at.X, (int)at.Y, 3)));
            glass *= 1.12f - (0.03f * ((x - at.X) + (y - at.Y)));
            Vector3 grout = Brush.Rgb(0xd9cfbb) * (0.85f + (0.2f * Brush.Noise(x, y, 9)));
            return Vector3.Lerp(grout, glass, Brush.Step(0.9f, 1.9f, second - nearest));
        });
        return canvas;
    }

    private static Vector3 Color(Vector2 at)
    {
        Vector3[] rings =
        [
            Brush.Rgb(0xc8452e), Brush.Rgb(0xe9b23c), Brush.Rgb(0x1f6f78), Brush.Rgb(0xf0e6cc), Brush.Rgb(0x274b8f),
            Brush.Rgb(0x2e8b57),
        ];
        float left = Vector2.Distance(at, new Vector2(150, 200)), right = Vector2.Distance(at, new Vector2(400, 150));
        float ring = (MathF.Min(left, right * 1.2f) / 24) + (1.4f * Brush.Clouds(at.X / 70, at.Y / 70, 6));
        return rings[(int)ring % rings.Length];
    }
}
