namespace NativeStyle.Tests;

/// <summary>Instructions and names of pickles.</summary>
internal static class PickleWords
{
    public static IReadOnlyList<string> All { get; } =
    [
        "ctorch._utils\n_rebuild_tensor_v2\n", "ctorch\nFloatStorage\n", "ctorch\nHalfStorage\n",
        "ccollections\nOrderedDict\n", "cnumpy.core.multiarray\n_reconstruct\n", "cnumpy\ndtype\n",
        "c_codecs\nencode\n", "(", ")R", "tR", "t", "l", "d", "b", "s", "u", "a", "e", "q\0", "h\0", "h\u0001",
        "h\u0002", "K\0", "K\u0001", "\u0085R", "\u0086R", "\u0087R", "\u008a\u0001\u00ff", "\u0094", "]", "}", "2",
        "0", "1", ".", "Q", "J\u00ff\u00ff\u00ff\u007f", "\u0080\u0002", "X\u0004\0\0\0abcd",
    ];
}
