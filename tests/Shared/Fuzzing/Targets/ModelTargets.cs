using System.Runtime.InteropServices;
using NativeStyle.FeedForward;
using NativeStyle.FeedForward.Films;
using NativeStyle.FeedForward.Training;
using NativeStyle.Style;

namespace NativeStyle.Tests;

/// <summary>The readers of trained styles, of checkpoints of trainings, and of films.</summary>
internal static class ModelTargets
{
    private static readonly string[] s_films =
    [
        """
        {"programs": [], "streams": [{"index": 0, "codec_name": "h264", "codec_type": "video", "width": 640,
        "height": 360, "sample_aspect_ratio": "1:1", "color_space": "bt709", "r_frame_rate": "30000/1001",
        "avg_frame_rate": "30000/1001", "duration": "2.002000", "nb_frames": "60", "disposition": {"attached_pic": 0},
        "side_data_list": [{"rotation": -90}]},
        {"index": 1, "codec_name": "aac", "codec_type": "audio", "r_frame_rate": "0/0", "avg_frame_rate": "0/0"}],
        "format": {"format_name": "mov,mp4,m4a,3gp,3g2,mj2", "duration": "2.020000"}}
        """,
        """
        {"streams": [{"index": 0, "codec_name": "mjpeg", "codec_type": "video", "width": 100, "height": 100,
        "disposition": {"attached_pic": 1}}, {"index": 2, "codec_name": "vp9", "codec_type": "video", "width": 720,
        "height": 576, "sample_aspect_ratio": "64:45", "r_frame_rate": "1000/1", "avg_frame_rate": "25/1"}],
        "format": {"format_name": "matroska,webm", "duration": "7.5"}}
        """,
    ];

    public static IReadOnlyList<FuzzTarget> All { get; } =
    [
        new("model-pth", () => FuzzTarget.Fixtures("", "small*.pth"), ReadModel)
        {
            Shape = new ZipShape(), Words = PickleWords.All,
        },
        new("model-safetensors", Models, ReadModel) { Shape = new SafeTensorsShape() },
        new("training-checkpoint", Trainings, ReadTraining) { Shape = new SafeTensorsShape(checksum: true) },
        new("film-info", () => s_films.Select(System.Text.Encoding.UTF8.GetBytes), ReadFilm)
        {
            Shape = new JsonShape(), Refuses = refusal => refusal is FilmException,
        },
    ];

    private static int ReadModel(string path)
    {
        TransformerWeights weights = ModelFile.Read(path).Weights;
        var digest = new HashCode();
        foreach (TransformerParameter parameter in weights.Architecture.Parameters)
        {
            float[] values = weights[parameter.Name];
            Finding.Require(values.Length == parameter.Shape.Length, $"{parameter.Name} has {values.Length} numbers");
            Finding.Require(values.All(float.IsFinite), $"{parameter.Name} is not finite");
            digest.AddBytes(MemoryMarshal.AsBytes(values.AsSpan()));
        }

        return digest.ToHashCode();
    }

    private static IEnumerable<byte[]> Models()
    {
        var made = new Dictionary<string, string> { [StyleModel.StyleKey] = "waves.jpg" };
        var weights = TransformerWeights.Random(new TransformerArchitecture(2, 3, 4, 1), 5);
        foreach (bool half in new[] { false, true })
        {
            using var file = new MemoryStream();
            ModelFile.Write(file, weights, made, half);
            yield return file.ToArray();
        }

        foreach (byte[] file in FuzzTarget.Fixtures("", "smaller.safetensors")) yield return file;
    }

    private static IEnumerable<byte[]> Trainings()
    {
        var architecture = new TransformerArchitecture(1, 2, 2, 1);
        var weights = TransformerWeights.Random(architecture, 6);
        var job = new TrainingJob(
            "style.jpg", "pictures", "weights.mat", new TrainingOptions { Iterations = 5 }, "waves", true,
            new Dictionary<string, string> { ["style"] = "1", ["pictures"] = "2", ["weights"] = "3" });
        TrainedParameter[] parameters = [.. architecture.Parameters.Select(each =>
            new TrainedParameter(each.Name, weights[each.Name], weights[each.Name], weights[each.Name]))];
        var state = new TrainingState(2, [new IterationReport(1, 8, 8, 4, 3, 2, 1, 0.5)], parameters);
        string file = Path.GetTempFileName();
        new TrainingCheckpoint(job, "/", "cpu", 10, architecture, state).Write(file);
        yield return File.ReadAllBytes(file);
        File.Delete(file);
    }

    private static int ReadTraining(string path)
    {
        var checkpoint = TrainingCheckpoint.Read(path);
        var digest = new HashCode();
        TransformerParameter[] expected = [.. checkpoint.Architecture.Parameters];
        Finding.Require(expected.Length == checkpoint.State.Parameters.Count, "parameters are missing");
        Finding.Require(checkpoint.State.Iteration >= 0, "the iteration is negative");
        foreach ((TransformerParameter shape, TrainedParameter each) in expected.Zip(checkpoint.State.Parameters))
        {
            foreach (float[] values in new[] { each.Values, each.FirstMoment, each.SecondMoment })
            {
                Finding.Require(values.Length == shape.Shape.Length, $"{each.Name} has {values.Length} numbers");
                digest.AddBytes(MemoryMarshal.AsBytes(values.AsSpan()));
            }
        }

        foreach (IterationReport report in checkpoint.State.Reports) digest.Add(report.Loss);
        foreach ((string name, string sum) in checkpoint.Job.Digests) digest.Add((name.Length, sum.Length));
        foreach (string layer in checkpoint.Job.Options.Layers) digest.Add(layer.Length);
        return digest.ToHashCode();
    }

    private static int ReadFilm(string path)
    {
        var film = FilmInfo.Parse(path, File.ReadAllText(path));
        Finding.Require(film.Stream >= 0, $"the stream has the number {film.Stream}");
        Finding.Require(film.Frames is null or >= 0, $"the film has {film.Frames} frames");
        Finding.Require(film.Rate is { Numerator: > 0, Denominator: > 0 }, $"the rate is {film.Rate}");
        foreach (int? longest in new int?[] { null, 2, 512, 16384 })
        {
            (int height, int width) = film.SizeFor(longest);
            bool Fits(int side) => side % 2 == 0 && side is >= 2 and <= 16384;
            Finding.Require(
                Fits(height) && Fits(width), $"a film of {film.Width} x {film.Height} is drawn as {width} x {height}");
        }

        return film.ToString().GetHashCode(StringComparison.Ordinal);
    }
}
