using System.Runtime.InteropServices;
using NativeStyle.Autodiff;
using NativeStyle.Style;
using NativeStyle.Style.Options;

namespace NativeStyle.Tests;

/// <summary>The readers of checkpoints and presets.</summary>
internal static class TransferTargets
{
    public static IReadOnlyList<FuzzTarget> All { get; } =
    [
        new("checkpoint", Checkpoints, ReadCheckpoint) { Shape = new CheckpointShape() },
        new("preset", PresetSeeds.Files, ReadPreset)
        {
            Shape = new JsonShape(), NamesFile = false, Refuses = refusal => refusal is TransferException,
        },
    ];

    /// <summary>Checkpoints of both optimisers, at the first scale and with a picture to fall back on.</summary>
    private static IEnumerable<byte[]> Checkpoints()
    {
        const int Height = 3, Width = 4;
        float[] Vector(int seed) => [.. Enumerable.Range(0, 3 * Height * Width).Select(i => (i + seed) / 64f)];
        TransferOptions adam = Presets.DefaultRandom;
        TransferOptions lbfgs = adam with { Optimizer = OptimizerKind.Lbfgs, Clamp = false, History = 3 };
        foreach ((TransferOptions options, bool second) in new[] { (adam, false), (lbfgs, true) })
        {
            var state = new RunState(Height, Width, Vector(0))
            {
                Scale = second ? 1 : 0,
                IterationAtScale = 2,
                Iteration = second ? 5 : 2,
                Losses = second ? new LossValues(3, 1, 1, 1, [new LayerLoss("conv1_1", true, 0.5)]) : null,
                Optimizer = second ? new OptimizerState(2, [Vector(1), Vector(2), Vector(3)], [0.5, 1, 2])
                    : new OptimizerState(2, [Vector(1), Vector(2)], []),
            };
            if (second) state.Fallback = (Vector(4)[..18], 2, 3);
            state.Reports.Add(new IterationReport(1, 2, 3, 4, 3, 2, 1, 0.5));
            var job = new TransferJob
            {
                Content = "content.png",
                Styles = [new JobStyle("style.png", 2, "region.png", "part.png")],
                Options = options,
                Plan = second ? [new ScaleStep(2, 3, 3), new ScaleStep(Height, Width, 4)]
                    : [new ScaleStep(Height, Width, 4)],
            };
            string file = Path.GetTempFileName();
            new Checkpoint(job, "/", new Dictionary<string, string> { [""] = "weights" }, "cpu", 1, 1L << 34, 2, state)
                .Write(file);
            yield return File.ReadAllBytes(file);
            File.Delete(file);
        }
    }

    private static int ReadCheckpoint(string path)
    {
        var checkpoint = Checkpoint.Read(path);
        RunState state = checkpoint.State;
        ScaleStep step = checkpoint.Job.Plan[state.Scale];
        Finding.Require((step.Height, step.Width) == (state.Height, state.Width), "the state does not fit the plan");
        Finding.Require(checkpoint.Job.Plan.All(each => each is { Height: > 0, Width: > 0 }), "a scale has no pixels");
        var digest = new HashCode();
        float[][] vectors = [state.Pixels, state.Average, .. state.Optimizer?.Vectors ?? []];
        foreach (float[] vector in vectors)
        {
            Finding.Require(vector.Length == 3 * state.Height * state.Width, $"a vector has {vector.Length} numbers");
            digest.AddBytes(MemoryMarshal.AsBytes(vector.AsSpan()));
        }

        if (state.Fallback is var (good, height, width))
            Finding.Require(good.Length == 3 * height * width, "the picture to fall back on does not fit its size");
        foreach (string picture in checkpoint.Job.Pictures()) digest.Add(picture);
        foreach (IterationReport report in state.Reports) digest.Add(report.Loss);
        digest.Add(OptionsJson.Write(checkpoint.Job.Options));
        return digest.ToHashCode();
    }

    private static int ReadPreset(string path)
    {
        TransferOptions options = OptionsJson.Read(File.ReadAllText(path), name => Presets.Find(name));
        string json = OptionsJson.Write(options);
        string again = OptionsJson.Write(OptionsJson.Read(json, _ => null));
        Finding.Require(json == again, "the options are not those that were written of them");
        return json.GetHashCode(StringComparison.Ordinal);
    }
}
