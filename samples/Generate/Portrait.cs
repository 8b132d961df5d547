using System.Numerics;

namespace NativeStyle.Generate;

/// <summary>A head and shoulders in front of a warm wall, made of shaded ellipsoids.</summary>
internal static class Portrait
{
    private static readonly Vector3 s_light = Vector3.Normalize(new Vector3(-0.55f, -0.5f, 0.68f));

    public static Canvas Paint()
    {
        var canvas = new Canvas(384, 480);
        canvas.Fill((x, y, _) =>
        {
            float glow = MathF.Exp(-Vector2.Distance(new Vector2(x, y), new Vector2(120, 150)) / 240);
            Vector3 wall = Vector3.Lerp(Brush.Rgb(0x3b2f3d), Brush.Rgb(0xd29a5c), glow);
            return wall * (0.88f + (0.26f * Brush.Clouds(x / 60, y / 60, 5)));
        });
        Vector3 skin = Brush.Rgb(0xe2ac86), coat = Brush.Rgb(0x2f5470), hair = Brush.Rgb(0x4a2a1c);
        Ellipsoid(canvas, 192, 196, 104, 132, hair * 0.8f, strands: true);
        Ellipsoid(canvas, 192, 500, 190, 160, coat);
        Ellipsoid(canvas, 192, 345, 46, 70, skin * 0.86f);
        Collar(canvas);
        Ellipsoid(canvas, 192, 212, 78, 106, skin);
        Hair(canvas, hair);
        foreach (int side in new[] { -1, 1 }) Eye(canvas, 192 + (side * 32), 198);
        Nose(canvas, skin);
        Mouth(canvas);
        return canvas;
    }

    /// <summary>Paints an ellipsoid lit from the upper left, with the normal at each point.</summary>
    private static void Ellipsoid(
        Canvas canvas, float cx, float cy, float rx, float ry, Vector3 color, bool strands = false) =>
        canvas.Fill(cx - rx, cy - ry, cx + rx, cy + ry, (x, y, old) =>
        {
            (float u, float v) = ((x - cx) / rx, (y - cy) / ry);
            float r = (u * u) + (v * v);
            if (r > 1) return old;
            var normal = new Vector3(u, v, MathF.Sqrt(1 - r));
            float light = 0.42f + (0.72f * MathF.Max(0, Vector3.Dot(normal, s_light)));
            if (strands) light *= 0.8f + (0.45f * Brush.Noise(x / 2.5f, y / 26, 4));
            return color * light * (0.95f + (0.1f * Brush.Clouds(x / 12, y / 12, 9)));
        });

    private static void Collar(Canvas canvas) => canvas.Fill(110, 350, 274, 480, (x, y, old) =>
    {
        bool shirt = y > 395 && MathF.Abs(x - 192) < 62 - ((y - 395) * 0.6f);
        float shade = 0.75f + (0.3f * (200 - x) / 80) + (0.1f * Brush.Noise(x / 9, y / 3, 2));
        if (shirt) return Brush.Rgb(0xefe6d6) * shade;
        return old;
    });

    private static void Hair(Canvas canvas, Vector3 hair) => canvas.Fill(90, 60, 294, 330, (x, y, old) =>
    {
        float cap = Vector2.Distance(new Vector2((x - 192) / 92, (y - 178) / 106), Vector2.Zero);
        float fringe = 140 + (26 * MathF.Sin((x - 150) / 42)) + (10 * Brush.Noise(x / 6, 0, 8));
        bool side = cap < 1.08f && MathF.Abs(x - 192) > 70 - ((y - 180) * 0.05f) && y < 300;
        if (!(cap < 1 && y < fringe) && !side) return old;
        float shine = MathF.Exp(-MathF.Pow((y - 108 - ((x - 160) * 0.25f)) / 16, 2));
        float strand = 0.65f + (0.6f * Brush.Noise((x + (0.4f * y)) / 3, y / 30, 14));
        return (hair * strand * (1.25f - (0.45f * (x - 110) / 160))) + (new Vector3(0.28f, 0.19f, 0.12f) * shine);
    });

    private static void Eye(Canvas canvas, float cx, float cy) => canvas.Fill(
        cx - 26, cy - 30, cx + 26, cy + 18, (x, y, old) =>
        {
            (float u, float v) = ((x - cx) / 17, (y - cy) / 8);
            float brow = MathF.Abs(y - (cy - 20) - (0.012f * (x - cx) * (x - cx)));
            if (brow < 3 && MathF.Abs(x - cx) < 22)
                return Vector3.Lerp(Brush.Rgb(0x3a2014), old, Brush.Step(1.5f, 3, brow));
            float r = (u * u) + (v * v);
            if (r > 1.25f) return old * (1 - (0.22f * MathF.Exp(-(r - 1.25f))));
            if (r > 1) return Brush.Rgb(0x4b2c20);
            float iris = Vector2.Distance(new Vector2(x, y), new Vector2(cx, cy));
            float glint = Vector2.Distance(new Vector2(x, y), new Vector2(cx - 3, cy - 3));
            if (glint < 1.8f) return Vector3.One;
            if (iris < 3.2f) return Brush.Rgb(0x0f0c10);
            return iris < 7.5f
                ? Brush.Rgb(0x4f7f6a) * (0.7f + (iris / 16))
                : Brush.Rgb(0xf3ece6) * (1f - (0.2f * MathF.Max(0, -v)));
        });

    private static void Nose(Canvas canvas, Vector3 skin) => canvas.Fill(168, 196, 222, 262, (x, y, old) =>
    {
        float t = (y - 196) / 60, width = 5 + (11 * t * t);
        float across = (x - 194) / width;
        if (MathF.Abs(across) > 1.6f || t > 1.05f) return old;
        float shade = MathF.Exp(-MathF.Pow(across - 0.9f, 2) * 5) * 0.35f * t;
        float light = MathF.Exp(-MathF.Pow(across + 0.3f, 2) * 4) * 0.18f;
        float tip = MathF.Exp(-(MathF.Pow((x - 194) / 13, 2) + MathF.Pow((y - 254) / 5, 2)) * 2) * 0.35f;
        return (old * (1 - shade - tip)) + (skin * light);
    });

    private static void Mouth(Canvas canvas) => canvas.Fill(152, 262, 234, 300, (x, y, old) =>
    {
        float u = (x - 193) / 33, curve = 276 - (5 * u * u) + 3;
        if (MathF.Abs(u) > 1) return old;
        float upper = (6 - (4 * u * u)) * (1 - (0.35f * MathF.Exp(-u * u * 60))), lower = 9 * (1 - (u * u));
        if (MathF.Abs(y - curve) < 1.2f) return Brush.Rgb(0x6e2b2b);
        if (y < curve && curve - y < upper) return Brush.Rgb(0xb2534f);
        return y > curve && y - curve < lower ? Brush.Rgb(0xcb6b63) * (1.12f - (0.02f * (y - curve))) : old;
    });
}
