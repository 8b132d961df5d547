using System.Security.Cryptography;
using System.Text;
using NativeStyle.Imaging;
using NativeStyle.Kernels.Devices;
using NativeStyle.Style.Options;
using NativeStyle.Vgg;
using NativeStyle.Vgg.Weights;

namespace NativeStyle.Style.Tests;

public class CheckpointTests
{
    private static readonly TransferOptions s_adam = Presets.DefaultRandom with
    {
        ContentLayers = [new("conv2_1", 1)],
        StyleLayers = [new("conv1_1", 0.5), new("conv2_1", 0.5)],
        Size = 36,
        CoarsestSize = 24,
        Iterations = [6, 5],
    };

    private static readonly TransferOptions s_lbfgs =
        s_adam with { Optimizer = OptimizerKind.Lbfgs, Clamp = false, History = 3 };

    public static TheoryData<string> Kinds() => ["adam", "lbfgs", "bounded lbfgs", "fixed lbfgs"];

    /// <summary>A run continues from each of its checkpoints, through the file, to the same bytes and losses.</summary>
    [Theory]
    [MemberData(nameof(Kinds))]
    public void ARunGoesOnFromEveryIterationToTheSameBytes(string kind)
    {
        TransferOptions options = kind switch
        {
            "adam" => s_adam,
            "lbfgs" => s_lbfgs,
            "bounded lbfgs" => s_lbfgs with { Clamp = true },
            _ => s_lbfgs with { StepRule = Autodiff.StepRule.Fixed, AverageDecay = 0 },
        };
        using var folder = new TemporaryFolder();
        List<string> files = [];
        TransferResult whole = Run(options, state =>
        {
            files.Add(folder.File($"{state.Iteration}.ckpt"));
            Checkpoint(options, state).Write(files[^1]);
        });
        Assert.Equal(11, files.Count);
        foreach (string file in files)
        {
            Checkpoint read = Style.Checkpoint.Read(file);
            Assert.Equal(OptionsJson.Write(options), OptionsJson.Write(read.Job.Options));
            TransferResult resumed = Run(read.Job.Options, null, read.State);
            Assert.Equal(whole.Picture.Pixels, resumed.Picture.Pixels);
            Assert.Equal(
                whole.Reports.Select(report => report with { Seconds = 0 }),
                resumed.Reports.Select(report => report with { Seconds = 0 }));
        }
    }

    [Fact]
    public void DamageIsRefusedWithTheReason()
    {
        using var folder = new TemporaryFolder();
        string file = folder.File("a.ckpt");
        Run(s_lbfgs, state =>
        {
            if (state.Iteration == 4) Checkpoint(s_lbfgs, state).Write(file);
        });
        byte[] good = File.ReadAllBytes(file);
        var mutator = new Mutator(new Random(1), []);
        for (int round = 0; round < Damage.Rounds(300); round++)
        {
            byte[] bad = mutator.Damaged(good, good);
            if (bad.AsSpan().SequenceEqual(good)) continue;
            File.WriteAllBytes(file, bad);
            var refused = Assert.Throws<InvalidDataException>(() => Style.Checkpoint.Read(file));
            Assert.StartsWith(file, refused.Message, StringComparison.Ordinal);
        }

        File.WriteAllBytes(file, [.. "NSTYLE99"u8, .. good[8..]]);
        Assert.Contains(
            "another version", Assert.Throws<InvalidDataException>(() => Style.Checkpoint.Read(file)).Message,
            StringComparison.Ordinal);
        File.WriteAllText(file, new string('x', 200));
        Assert.Contains(
            "no checkpoint", Assert.Throws<InvalidDataException>(() => Style.Checkpoint.Read(file)).Message,
            StringComparison.Ordinal);
    }

    /// <summary>A header that states what no run has is refused, though its checksum is right.</summary>
    [Theory]
    [InlineData("\"reports\": [", "\"reports\": [null,", "null")]
    [InlineData("\"styles\": [", "\"styles\": [null,", "null")]
    [InlineData("\"plan\": [", "\"plan\": [null,", "null")]
    [InlineData("\"plan\": [", "\"plan\": [{\"height\": 0, \"width\": 5, \"iterations\": 1},", "scale of 5 x 0")]
    [InlineData("\"\": \"weights\"", "\"\": null", "null")]
    [InlineData("\"optimizerSteps\": 4", "\"optimizerSteps\": -4", "does not fit")]
    [InlineData("\"iteration\": 4", "\"iteration\": -4", "does not fit")]
    [InlineData("\"layer\": \"conv2_1\",", "\"layer\": \"conv2_1\", \"layer\": \"conv2_1\",", "layer")]
    public void AHeaderThatNoRunHasIsRefused(string old, string replacement, string words)
    {
        using var folder = new TemporaryFolder();
        string file = folder.File("a.ckpt");
        Run(s_adam, state =>
        {
            if (state.Iteration == 4) Checkpoint(s_adam, state).Write(file);
        });
        byte[] good = File.ReadAllBytes(file);
        int start = 12, length = BitConverter.ToInt32(good, 8);
        string header = Encoding.UTF8.GetString(good, start, length);
        Assert.Contains(old, header, StringComparison.Ordinal);
        header = header.Replace(old, replacement, StringComparison.Ordinal);
        byte[] json = Encoding.UTF8.GetBytes(header);
        byte[] hashed = [.. good[..8], .. BitConverter.GetBytes(json.Length), .. json, .. good[(start + length)..^32]];
        File.WriteAllBytes(file, [.. hashed, .. SHA256.HashData(hashed)]);
        var refused = Assert.Throws<InvalidDataException>(() => Style.Checkpoint.Read(file));
        Assert.StartsWith(file, refused.Message, StringComparison.Ordinal);
        Assert.Contains(words, refused.Message, StringComparison.Ordinal);
    }

    private static Checkpoint Checkpoint(TransferOptions options, RunState state) => new(
        new TransferJob
        {
            Content = "content.png",
            Styles = [new JobStyle("style.png")],
            Options = options,
            Plan = Schedule.Plan(options, 48, 64),
        },
        "/", new Dictionary<string, string> { [""] = "weights" }, "cpu", 1, null, null, state);

    private static TransferResult Run(TransferOptions options, Action<RunState>? save, RunState? resume = null)
    {
        using var cpu = new CpuDevice(2);
        using var network =
            new VggNetwork(cpu, RandomWeights.Create(VggArchitecture.Vgg19, 1, "conv2_1"), options.Network);
        Picture content = new(48, 64), style = new(40, 40);
        for (int i = 0; i < content.Pixels.Length; i++) content.Pixels[i] = 0.5f + (0.4f * MathF.Sin(i * 0.011f));
        for (int i = 0; i < style.Pixels.Length; i++)
            style.Pixels[i] = ((i / 3 % 40) + (i / 120)) % 8 < 4 ? 0.2f : 0.9f;
        return new StyleTransfer(cpu, network, options) { Checkpoint = save is null ? null : (1, save) }.Run(
            new TransferInputs(content, [new StyleInput(style)]), Schedule.Plan(options, 48, 64), default, resume);
    }
}
