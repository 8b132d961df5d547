using System.Text;
using NativeStyle.Style.Options;

namespace NativeStyle.Tests;

/// <summary>Files of presets.</summary>
internal static class PresetSeeds
{
    /// <summary>Each preset of the program as a file, and one that names another.</summary>
    public static IEnumerable<byte[]> Files() =>
    [
        .. Presets.All.Select(preset => Encoding.UTF8.GetBytes(OptionsJson.Write(preset))),
        [.. """{"base": "gatys", "size": 99, "styleLayers": [{"layer": "conv1_1", "weight": 1}]} // mine"""u8],
    ];
}
