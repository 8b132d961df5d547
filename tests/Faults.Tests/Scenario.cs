using NativeStyle.FeedForward;
using NativeStyle.Imaging;

namespace NativeStyle.Faults.Tests;

/// <summary>One command, with the files that it reads and writes.</summary>
/// <param name="Name">A name for messages.</param>
/// <param name="Arguments">The command line, for a folder.</param>
/// <param name="Results">The files that the command is for, relative to the folder.</param>
/// <param name="Beside">The files beside them, without which a run goes on.</param>
/// <param name="HasOld">
/// Whether files of these names are there before. A folder's results must not be: they would count as done.
/// </param>
internal sealed record Scenario(
    string Name, Func<string, string[]> Arguments, string[] Results, string[] Beside, bool HasOld = true)
{
    /// <summary>What an old file of the user holds.</summary>
    public static ReadOnlySpan<byte> Old => "an old file of the user"u8;

    private static readonly string[] s_shallow =
        ["--content-layers", "relu2_1", "--style-layers", "conv1_1:0.5,conv2_1:0.5", "--weights", "random"];

    /// <summary>Whether the disk's calls are to fail.</summary>
    public bool ForDisks { get; private init; } = true;

    /// <summary>Whether devices' calls are to fail.</summary>
    public bool ForDevices { get; private init; } = true;

    /// <summary>The commands whose calls fail.</summary>
    public static IReadOnlyList<Scenario> All { get; } =
    [
        new("transfer", folder =>
        [
            "transfer", $"{folder}/content.png", $"{folder}/style.png", "-o", $"{folder}/out.png", .. s_shallow,
            "--size", "40", "--coarsest-size", "28", "--iterations", "3,3", "--print-every", "1",
            "--checkpoint", $"{folder}/run.ckpt", "--checkpoint-every", "2", "--plot", $"{folder}/loss.svg",
            "--timelapse", $"{folder}/lapse.png", "--save-every", "4",
        ], ["out.png"], ["run.ckpt", "loss.svg", "lapse.png", "out-0004.png"]),
        new("lbfgs", folder =>
        [
            "transfer", $"{folder}/content.png", $"{folder}/style.png", "-o", $"{folder}/out.tif", .. s_shallow,
            "--size", "36", "--iterations", "4", "--print-every", "1", "--optimizer", "lbfgs", "--clamp", "false",
            "--checkpoint", $"{folder}/run.ckpt", "--checkpoint-every", "3",
        ], ["out.tif"], ["run.ckpt"]),
        new("tiles", folder => Tiled(folder, "128", "94M"), ["out.png"], ["run.ckpt"]) { ForDisks = false },
        // Its maps are in scratch files. It asks devices for no more than the tiles above.
        new("scratch", folder => Tiled(folder, "192", "95M"), ["out.png"], ["run.ckpt"]) { ForDevices = false },
        new("resume", folder =>
        [
            "transfer", "--resume", $"{folder}/before.ckpt", "-o", $"{folder}/out.png", "--checkpoint",
            $"{folder}/run.ckpt", "--checkpoint-every", "2",
        ], ["out.png"], ["run.ckpt"]),
        new("batch", folder =>
        [
            "batch", "--content", $"{folder}/contents", "--style", $"{folder}/styles", "--out", $"{folder}/art",
            .. s_shallow, "--size", "32", "--iterations", "2", "--coarsest-size", "0",
        ], ["art/a--s.png", "art/b--s.png"], [], HasOld: false),
        new("train", folder =>
        [
            "train", $"{folder}/style.png", "--pictures", $"{folder}/contents", "-o", $"{folder}/out.safetensors",
            "--batch", "1", "--crop", "32", "--style-size", "40", "--width", "0.1", "--iterations", "3",
            "--checkpoint", $"{folder}/run.ckpt", "--checkpoint-every", "2", "--preview", $"{folder}/now.png",
            "--preview-every", "2", "--plot", $"{folder}/loss.svg",
        ], ["out.safetensors"], ["run.ckpt", "now.png", "loss.svg"]),
        new("stylize", folder =>
        [
            "stylize", $"{folder}/content.png", "-o", $"{folder}/out.png", "--model", $"{folder}/model.safetensors",
            "--colors", "luminance",
        ], ["out.png"], []),
        new("stylize a folder", folder =>
        [
            "stylize", $"{folder}/contents", "-o", $"{folder}/art", "--model", $"{folder}/model.safetensors",
            "--size", "40", "--strength", "0.7",
        ], ["art/a.png", "art/b.png"], [], HasOld: false),
    ];

    public static Scenario Find(string name) => All.Single(scenario => scenario.Name == name);

    /// <summary>Writes the files that the commands read.</summary>
    public static void Prepare(string folder)
    {
        foreach (string inner in new[] { "contents", "styles" }) Directory.CreateDirectory(Path.Combine(folder, inner));
        Write("content.png", 34, 40, 0.011f);
        Write("style.png", 40, 44, 0.5f);
        Write("large.png", 144, 192, 0.007f);
        Write("contents/a.png", 40, 44, 0.013f);
        Write("contents/b.png", 44, 40, 0.017f);
        Write("styles/s.png", 36, 36, 0.7f);
        ModelFile.Write(
            Path.Combine(folder, "model.safetensors"),
            TransformerWeights.Random(new TransformerArchitecture(4, 8, 8, 1), 1), new Dictionary<string, string>());

        void Write(string name, int height, int width, float pace)
        {
            var picture = new Picture(height, width);
            for (int i = 0; i < picture.Pixels.Length; i++) picture.Pixels[i] = 0.5f + (0.4f * MathF.Sin(i * pace));
            PictureFile.Write(Path.Combine(folder, name), picture);
        }
    }

    /// <summary>A transfer that does not fit whole.</summary>
    private static string[] Tiled(string folder, string size, string memory) =>
    [
        "transfer", $"{folder}/large.png", $"{folder}/style.png", "-o", $"{folder}/out.png", .. s_shallow,
        "--size", size, "--coarsest-size", "0", "--iterations", "2", "--print-every", "1", "--memory", memory,
        "--checkpoint", $"{folder}/run.ckpt", "--checkpoint-every", "1", "--threads", "2",
    ];
}
