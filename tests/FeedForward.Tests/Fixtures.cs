using System.Runtime.InteropServices;

namespace NativeStyle.FeedForward.Tests;

/// <summary>The files that PyTorch wrote (Fixtures/make_models.py).</summary>
internal static class Fixtures
{
    public const int Height = 33, Width = 46;

    /// <summary>Rows and columns that PyTorch makes of them: the next multiples of four.</summary>
    public const int DrawnHeight = 36, DrawnWidth = 48;

    /// <summary>The network of all of these files.</summary>
    public static TransformerArchitecture Architecture { get; } = new(4, 8, 8, 2);

    /// <summary>RGB 0..255, (33, 46, 3).</summary>
    public static float[] Picture => Numbers("picture_33x46.f32");

    /// <summary>What PyTorch draws of the picture in double precision, (36, 48, 3).</summary>
    public static float[] Drawing => Numbers("drawing_36x48.f32");

    public static string Of(string name) => Path.Combine(AppContext.BaseDirectory, "Fixtures", name);

    public static float[] Numbers(string name) =>
        MemoryMarshal.Cast<byte, float>(File.ReadAllBytes(Of(name))).ToArray();
}
