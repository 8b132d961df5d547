using System.Numerics;

namespace NativeStyle.Generate;

/// <summary>Thick brush strokes that follow a swirling field, in blues, yellows and greens.</summary>
internal static class Strokes
{
    private const int Count = 9000;

    public static Canvas Paint()
    {
        var canvas = new Canvas(512, 384);
        canvas.Fill((_, _, _) => Brush.Rgb(0x1b2a4a));
        for (int i = 0; i < Count; i++)
        {
            float x = (Brush.Hash(i, 1, 1) * (canvas.Width + 40)) - 20;
            float y = (Brush.Hash(i, 2, 1) * (canvas.Height + 40)) - 20;
            float length = 10 + (16 * Brush.Hash(i, 3, 1)), width = 2.4f + (1.8f * Brush.Hash(i, 4, 1));
            Stroke(canvas, i, new Vector2(x, y), Field(x, y), length, width, Color(x, y, i));
        }

        return canvas;
    }

    private static readonly Vector3[] s_eyes =
        [new(130, 110, 66), new(360, 90, 44), new(430, 250, 58), new(230, 280, 50)];

    /// <summary>Returns the strokes' direction: in circles around each eye, elsewhere along a slow wave.</summary>
    private static Vector2 Field(float x, float y)
    {
        float angle = (3f * (Brush.Clouds(x / 170, y / 130, 12) - 0.5f)) + 0.25f;
        var field = new Vector2(MathF.Cos(angle), MathF.Sin(angle));
        foreach (Vector3 eye in s_eyes)
        {
            Vector2 away = new(x - eye.X, y - eye.Y);
            float pull = MathF.Exp(-away.LengthSquared() / (2 * eye.Z * eye.Z));
            field += 5 * pull * new Vector2(-away.Y, away.X) / (away.Length() + 1);
        }

        return Vector2.Normalize(field);
    }

    private static Vector3 Color(float x, float y, int i)
    {
        Vector3[] palette =
        [
            Brush.Rgb(0x16305f), Brush.Rgb(0x24579c), Brush.Rgb(0x3f86bf), Brush.Rgb(0x87b9cf), Brush.Rgb(0xd9d8b0),
        ];
        float clouds = 1.6f * (Brush.Clouds(x / 90, y / 70, 21) - 0.2f);
        float value = Math.Clamp(clouds + (0.35f * (Brush.Hash(i, 5, 1) - 0.5f)), 0, 0.999f);
        Vector3 color = palette[(int)(value * palette.Length)];
        foreach (Vector3 eye in s_eyes)
        {
            float r = Vector2.Distance(new Vector2(x, y), new Vector2(eye.X, eye.Y)) / eye.Z;
            if (r < 0.35f) color = Brush.Rgb(0xf7e07a);
            else if (r < 0.95f && Brush.Hash(i, 6, 1) < 0.75f - (0.5f * r))
                color = Brush.Rgb(i % 2 == 0 ? 0xe3a93c : 0xf2d472);
        }

        if (y > 320 + (20 * Brush.Noise(x / 40, 0, 3)))
            color = Brush.Rgb(i % 3 == 0 ? 0x6d8b3d : i % 3 == 1 ? 0x2f4f37 : 0xa77b35);
        return color;
    }

    /// <summary>Paints a capsule with bristles along it and a ridge of paint at its lit side.</summary>
    private static void Stroke(
        Canvas canvas, int seed, Vector2 center, Vector2 direction, float length, float width, Vector3 color)
    {
        var side = new Vector2(-direction.Y, direction.X);
        float reach = length + width;
        canvas.Fill(center.X - reach, center.Y - reach, center.X + reach, center.Y + reach, (x, y, old) =>
        {
            Vector2 offset = new Vector2(x, y) - center;
            float along = Vector2.Dot(offset, direction), across = Vector2.Dot(offset, side);
            float past = MathF.Max(0, MathF.Abs(along) - (length / 2));
            float distance = MathF.Sqrt((past * past) + (across * across)) / width;
            if (distance > 1) return old;
            float bristle = Brush.Noise((across * 1.6f) + (seed * 7), along / 14, seed & 63);
            float relief = 0.82f + (0.36f * bristle) - (0.14f * across / width);
            return Vector3.Lerp(color * relief, old, Brush.Step(0.75f, 1, distance + (0.25f * (bristle - 0.5f))));
        });
    }
}
