namespace NativeStyle.Vgg.Weights;

/// <summary>
/// The network that is part of the program: a VGG-19 with half the channels to conv3_4. <c>weights compress</c> made it
/// from Oxford's trained network (Simonyan and Zisserman 2014, CC BY 4.0; weights/README.md describes how).
/// <see cref="WeightsFile"/> accepts its name in place of a file's.
/// </summary>
public static class CompactNetwork
{
    /// <summary>The value of <c>--weights</c> that selects it.</summary>
    public const string Name = "compact";

    /// <summary>Its file name in the repository's folder of weights.</summary>
    public const string FileName = "vgg19-compact.safetensors";

    /// <summary>The attribution that its licence requires.</summary>
    public const string Credit =
        "VGG-19 by Karen Simonyan and Andrew Zisserman (Visual Geometry Group, University of Oxford, 2014), CC BY 4.0; "
        + "changed: compressed to fewer channels by 'nativestyle weights compress'";

    /// <summary>Opens its .safetensors file.</summary>
    internal static Stream Open() => typeof(CompactNetwork).Assembly.GetManifestResourceStream(FileName)!;
}
