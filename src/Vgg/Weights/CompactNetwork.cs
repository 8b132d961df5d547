namespace NativeStyle.Vgg.Weights;

/// <summary>
/// The network that is part of the program: a VGG-19 of half the channels to conv3_4, which <c>weights compress</c> made of
/// Oxford's trained one (Simonyan and Zisserman 2014, CC BY 4.0; weights/README.md says how). <see cref="WeightsFile"/> takes
/// its name in place of a file's.
/// </summary>
public static class CompactNetwork
{
    /// <summary>What <c>--weights</c> takes for it.</summary>
    public const string Name = "compact";

    /// <summary>What it is called in the repository's folder of weights.</summary>
    public const string FileName = "vgg19-compact.safetensors";

    /// <summary>Whose work it is, as its licence asks for.</summary>
    public const string Credit =
        "VGG-19 by Karen Simonyan and Andrew Zisserman (Visual Geometry Group, University of Oxford, 2014), CC BY 4.0; " +
        "changed: compressed to fewer channels by 'nativestyle weights compress'";

    /// <summary>Its .safetensors file.</summary>
    internal static Stream Open() => typeof(CompactNetwork).Assembly.GetManifestResourceStream(FileName)!;
}
