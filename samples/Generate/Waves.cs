using System.Numerics;

namespace NativeStyle.Generate;

/// <summary>Rows of curling waves with white crests and engraved lines, after Japanese woodblock prints.</summary>
internal static class Waves
{
    public static Canvas Paint()
    {
        var canvas = new Canvas(512, 384);
        canvas.Fill((x, y, _) =>
        {
            Vector3 paper = Vector3.Lerp(Brush.Rgb(0xe9d9b5), Brush.Rgb(0xd8b98f), y / 200);
            return paper * (0.97f + (0.06f * Brush.Clouds(x / 3, y / 30, 2)));
        });
        canvas.Fill((x, y, old) =>
            Vector2.Distance(new Vector2(x, y), new Vector2(390, 74)) < 34 ? Brush.Rgb(0xc9503a) : old);
        for (int row = 0; row < 9; row++) Row(canvas, row);
        return canvas;
    }

    private static void Row(Canvas canvas, int row)
    {
        float level = 110 + (row * 34), height = 34 + (2.5f * row), length = 118 + (6 * row);
        float shift = (row * 67) + (23 * Brush.Hash(row, 0, 4));
        Vector3 deep = Vector3.Lerp(Brush.Rgb(0x5f8fae), Brush.Rgb(0x17305c), row / 8f), foam = Brush.Rgb(0xf4efe2);
        canvas.Fill((x, y, old) =>
        {
            // A crest leans over: the phase runs ahead where the wave is high.
            float phase = (x + shift) / length, lean = 0.16f * MathF.Sin(2 * MathF.PI * phase);
            float wave = MathF.Pow(0.5f + (0.5f * MathF.Sin((2 * MathF.PI * phase) + (4 * lean))), 1.6f);
            float claw = 4.5f * MathF.Abs(MathF.Sin(x / 5.2f)) * wave;
            float depth = y - (level - (height * wave) - claw);
            if (depth < 0) return old;
            if (depth < 2) return Brush.Rgb(0x1b2438);
            if (depth < 8 + (9 * wave) - (3 * MathF.Sin(x / 4f))) return foam * (0.95f + (0.05f * MathF.Sin(x)));
            float line = ((depth + (6 * MathF.Sin(phase * 9))) / 7.5f) % 1;
            if (line < 0.22f) return deep * 0.55f;
            return Vector3.Lerp(deep, foam, line > 0.8f ? 0.35f : 0.04f * (1 - (depth / 80)));
        });
    }
}
