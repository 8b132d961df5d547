using System.Numerics;

namespace NativeStyle.Generate;

/// <summary>An evening town between hills and a river that mirrors the town.</summary>
internal static class Town
{
    private const float Shore = 268;

    public static Canvas Paint()
    {
        var canvas = new Canvas(512, 384);
        Sky(canvas);
        Hills(canvas);
        for (int i = 0; i < 13; i++) House(canvas, i);
        Tower(canvas, 318, 70);
        for (int i = 0; i < 26; i++) Tree(canvas, i);
        River(canvas);
        return canvas;
    }

    private static void Sky(Canvas canvas) => canvas.Fill((x, y, _) =>
    {
        float t = y / Shore;
        Vector3 sky = Vector3.Lerp(Brush.Rgb(0x2f5d9b), Brush.Rgb(0xf6c48f), MathF.Pow(t, 1.3f));
        float sun = Vector2.Distance(new Vector2(x, y), new Vector2(118, 112));
        sky = Vector3.Lerp(sky, Brush.Rgb(0xfff1cf), MathF.Exp(-sun / 46) * 0.9f);
        sky = Vector3.Lerp(sky, Brush.Rgb(0xfffaea), 1 - Brush.Step(19, 22, sun));
        float cloud = Brush.Step(0.48f, 0.72f, Brush.Clouds(x / 110, y / 42, 3));
        return Vector3.Lerp(sky, Vector3.Lerp(Brush.Rgb(0xfbe6cf), Brush.Rgb(0xc58f93), t), 0.75f * cloud);
    });

    private static void Hills(Canvas canvas)
    {
        for (int layer = 0; layer < 3; layer++)
        {
            Vector3 near = Brush.Rgb(0x3f5f45), far = Brush.Rgb(0x8796b0);
            Vector3 color = Vector3.Lerp(far, near, layer / 2f);
            int seed = 20 + layer;
            float level = 168 + (28 * layer), height = 74 - (14 * layer), scale = 150 - (30 * layer);
            canvas.Fill((x, y, old) =>
            {
                float ridge = level - (height * (Brush.Clouds(x / scale, 0.5f, seed) - 0.35f));
                float texture = Brush.Clouds(x / 9, y / 6, seed + 9) - 0.5f;
                return y < ridge ? old : color * (1f + (0.35f * texture)) * (1.06f - ((y - ridge) / 400));
            });
        }
    }

    private static void House(Canvas canvas, int i)
    {
        int[] walls = [0xe8c36a, 0xd98b5f, 0xf0e3c8, 0xb9543f, 0xcfd8d2, 0xe2a9a0, 0xf2d9a0];
        float width = 34 + (18 * Brush.Hash(i, 1, 5)), height = 52 + (44 * Brush.Hash(i, 2, 5));
        float left = 128 + (i * 29.5f) + (6 * Brush.Hash(i, 3, 5)), top = Shore - height, right = left + width;
        float roof = 20 + (16 * Brush.Hash(i, 4, 5)), middle = (left + right) / 2;
        Vector3 wall = Brush.Rgb(walls[i % walls.Length]), tile = Brush.Rgb(i % 3 == 0 ? 0x6e3b34 : 0x9a4a36);
        canvas.Fill(left - 3, top - roof, right + 3, Shore, (x, y, old) =>
        {
            if (y < top)
            {
                float half = ((width / 2) + 3) * (y - (top - roof)) / roof;
                bool row = (y * 0.25f) % 1 < 0.22f;
                return MathF.Abs(x - middle) > half ? old : tile * (x < middle ? 1.12f : 0.82f) * (row ? 0.86f : 1f);
            }

            if (x < left || x > right) return old;
            float light = 1.1f - (0.35f * (x - left) / width) - (0.12f * (Brush.Clouds(x / 7, y / 7, 31) - 0.5f));
            (float u, float v) = (((x - left - 4) / 11) % 1, ((y - top - 5) / 17) % 1);
            bool onWall = x > left + 4 && x < right - 3 && y > top + 5 && y < Shore - 8;
            bool window = onWall && u is > 0.2f and < 0.78f && v is > 0.15f and < 0.72f;
            if (!window) return wall * light;
            bool lit = Brush.Hash((int)((x - left) / 11), (int)((y - top) / 17) + (7 * i), 8) < 0.42f;
            bool frame = u is < 0.26f or > 0.72f || v is < 0.2f or > 0.67f || MathF.Abs(u - 0.49f) < 0.04f;
            return frame ? Brush.Rgb(0xf5efe2) * light : lit ? Brush.Rgb(0xffd978) : Brush.Rgb(0x35435c);
        });
    }

    private static void Tower(Canvas canvas, float center, float top)
    {
        canvas.Fill(center - 20, top - 64, center + 20, Shore, (x, y, old) =>
        {
            float across = (x - center) / 16, half = y < top ? 17 * (y - (top - 64)) / 64 : 16;
            if (MathF.Abs(x - center) > half) return old;
            if (y < top) return Brush.Rgb(0x3f6d6a) * (x < center ? 1.25f : 0.8f);
            float light = 1.05f - (0.32f * across) - (0.1f * (Brush.Clouds(x / 5, y / 5, 77) - 0.5f));
            float clock = Vector2.Distance(new Vector2(x, y), new Vector2(center, top + 22));
            if (clock < 9) return clock < 7 ? Brush.Rgb(0xfaf3dd) : Brush.Rgb(0x4a3a2a);
            bool arch = MathF.Abs(x - center) < 5 && y > top + 46 && y < top + 72;
            return arch ? Brush.Rgb(0x3a3340) : Brush.Rgb(0xd9c7a5) * light;
        });
    }

    private static void Tree(Canvas canvas, int i)
    {
        float x0 = i < 16 ? (i * 9.5f) - 6 : 150 + ((i - 16) * 37), size = 13 + (16 * Brush.Hash(i, 7, 2));
        if (i < 16) size += 14;
        float y0 = Shore - (size * 0.8f);
        Vector3 leaf = Vector3.Lerp(Brush.Rgb(0x2c4a2d), Brush.Rgb(0x7d8a3a), Brush.Hash(i, 8, 2));
        canvas.Fill(x0 - (2 * size), y0 - (2 * size), x0 + (2 * size), Shore, (x, y, old) =>
        {
            float edge = size * (0.7f + (0.6f * Brush.Clouds(x / 8, y / 8, 40 + i)));
            float distance = Vector2.Distance(new Vector2(x, y), new Vector2(x0, y0));
            if (distance > edge) return old;
            float slope = 0.55f * ((x0 - x) + (y0 - y)) / (2 * size);
            float light = 0.75f + slope + (0.7f * (Brush.Noise(x / 3, y / 3, i) - 0.4f));
            return leaf * Math.Clamp(light, 0.3f, 1.7f);
        });
    }

    /// <summary>Paints the scene above the shore upside down, darker, and pulled apart by ripples.</summary>
    private static void River(Canvas canvas)
    {
        var above = canvas.Finish();
        canvas.Fill(0, Shore, canvas.Width, canvas.Height, (x, y, _) =>
        {
            float depth = (y - Shore) / (canvas.Height - Shore);
            float ripple = (Brush.Clouds(x / 60, y / 5, 60) - 0.5f) * 26 * depth;
            int row = Math.Clamp((int)(Shore - ((y - Shore) * 1.6f) + (0.4f * ripple)), 0, (int)Shore - 1);
            int column = Math.Clamp((int)(x + ripple), 0, canvas.Width - 1);
            Vector3 mirrored = new(above[row, column, 0], above[row, column, 1], above[row, column, 2]);
            float glint = Brush.Step(0.64f, 0.74f, Brush.Clouds(x / 34, y / 3.2f, 61));
            Vector3 water = Vector3.Lerp(mirrored * 0.82f, Brush.Rgb(0x27405f), 0.25f + (0.3f * depth));
            return Vector3.Lerp(water, Brush.Rgb(0xf3d2a2), 0.55f * glint);
        });
    }
}
