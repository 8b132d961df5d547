using System.Text;
using NativeStyle.FeedForward;
using NativeStyle.Imaging;
using NativeStyle.Vgg;
using NativeStyle.Vgg.Weights;

namespace NativeStyle.Cli.Tests;

/// <summary>
/// Tests that files for other people's eyes do not tell where the user's files lie, or on which computer.
/// </summary>
public sealed class PrivacyTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    public static TheoryData<string> Commands() =>
    [
        "transfer {in}/content.png {in}/style.jpg {job} --init {in}/start.png --mask {in}/mask.png --preset " +
        "{in}/mine.json --save-every 2 --trace {out}/t.jsonl --plot {out}/p.svg --timelapse {out}/lapse.png -o " +
        "{out}/o.png --checkpoint {in}/run.ckpt",
        "texture {in}/style.jpg --weights {in}/vgg.safetensors --style-layers conv1_1 --size 32 --coarsest-size 0 " +
        "--iterations 4 -o {out}/o.png",
        "batch --manifest {in}/jobs.jsonl {job} --out {out} --save-every 2",
        "explain {in}/content.png {in}/style.jpg {job} --html {out}/page.html -o {out}/o.png",
        "stylize {in}/content.png --model {in}/model.safetensors -o {out}/o.png",
        "train {in}/style.jpg --pictures {in}/photos --start {in}/model.safetensors --iterations 2 --batch 1 " +
        "--crop 32 --style-size 40 --weights {in}/vgg.safetensors --style-layers conv1_1 --content-layers conv2_1 -o " +
        "{out}/m.safetensors --preview {out}/now.png --trace {out}/t.jsonl --plot {out}/p.svg",
        "weights convert {in}/vgg.safetensors -o {out}/w.safetensors",
        "bench 32 32 --iterations 1 --weights {in}/vgg.safetensors",
    ];

    [Theory]
    [MemberData(nameof(Commands))]
    public void WhatTheProgramWritesTellsNoFolder(string command)
    {
        string input = Directory.CreateDirectory(_folder.File("in")).FullName,
            output = Directory.CreateDirectory(_folder.File("out")).FullName;
        Fill(input);
        string[] words = [.. command
            .Replace("{job}", "--weights {in}/vgg.safetensors --content-layers conv2_1 --style-layers conv1_1 --size " +
                "32 --coarsest-size 0 --iterations 4", StringComparison.Ordinal)
            .Split(' ').Select(word => word.Replace("{in}", input, StringComparison.Ordinal)
                .Replace("{out}", output, StringComparison.Ordinal))];
        CommandLine.Outcome outcome = CommandLine.Run(words);
        Assert.True(outcome.ExitCode == 0, outcome.Error);
        string[] files = Directory.GetFiles(output, "*", SearchOption.AllDirectories);
        foreach (string file in files) AssertSilent(Path.GetFileName(file), File.ReadAllBytes(file));
        if (words[0] == "bench") AssertSilent("the report", Encoding.UTF8.GetBytes(outcome.Output));
        else Assert.NotEmpty(files);
    }

    private void AssertSilent(string what, byte[] bytes)
    {
        // UTF-8 as texts have it, UTF-16 as some formats would.
        foreach (string secret in new[] { _folder.Path, Path.GetFileName(_folder.Path), Environment.MachineName })
        foreach (Encoding encoding in new[] { Encoding.UTF8, Encoding.Unicode })
            Assert.True(bytes.AsSpan().IndexOf(encoding.GetBytes(secret)) < 0, $"{what} has {secret}");
    }

    private static void Fill(string folder)
    {
        string File(string name) => Path.Combine(folder, name);
        Directory.CreateDirectory(File("photos"));
        foreach ((string name, int step) in new[]
        {
            ("content.png", 7), ("style.jpg", 30), ("start.png", 11), ("mask.png", 500), ("photos/one.png", 13),
        })
        {
            var picture = new Picture(40, 56);
            for (int i = 0; i < picture.Pixels.Length; i++) picture.Pixels[i] = i / step % 5 / 4f;
            PictureFile.Write(File(name), picture);
        }

        System.IO.File.WriteAllText(File("mine.json"), """{"base": "coursera", "name": "mine"}""");
        System.IO.File.WriteAllText(
            File("jobs.jsonl"),
            """{"content": "content.png", "style": "style.jpg", "masks": ["mask.png"], "output": "sub/o.png"}""");
        VggArchitecture narrow = VggArchitecture.Vgg19.WithChannels(
            new Dictionary<string, int> { ["conv1_1"] = 5, ["conv1_2"] = 12, ["conv2_1"] = 20 });
        using (FileStream stream = System.IO.File.Create(File("vgg.safetensors")))
            WeightsFile.Save(RandomWeights.Create(narrow, 1, "conv2_1"), stream, "");
        ModelFile.Write(
            File("model.safetensors"), TransformerWeights.Random(new TransformerArchitecture(2, 2, 2, 1), 1),
            new Dictionary<string, string>());
    }
}
