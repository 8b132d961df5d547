using NativeStyle.Imaging;
using NativeStyle.Kernels.Devices;
using NativeStyle.Style;
using NativeStyle.Style.Options;

namespace NativeStyle.Jobs.Tests;

/// <summary>
/// A run that goes on as another job is the run that begins with its picture and the other job's options. That one knows
/// nothing of changes, so it is the reference.
/// </summary>
public sealed class ChangedJobTests : IDisposable
{
    private const int Made = 5, Total = 9;

    private readonly string _folder = Directory.CreateTempSubdirectory("nativestyle-test-").FullName;
    private readonly CpuDevice _device = new();
    private readonly TransferRunner _runner;

    public ChangedJobTests()
    {
        _runner = new TransferRunner(new Silence(), _device);
        var random = new Random(3);
        foreach (string name in new[] { "content.png", "one.png", "two.png" })
        {
            var picture = new Picture(40, 48);
            for (int i = 0; i < picture.Pixels.Length; i++) picture.Pixels[i] = random.NextSingle();
            PictureFile.Write(Path.Combine(_folder, name), picture);
        }
    }

    public void Dispose()
    {
        _runner.Dispose();
        _device.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Theory]
    [InlineData("style-weight", "3000")]
    [InlineData("tv-weight", "0")]
    [InlineData("pixel-range", "255")]
    [InlineData("learning-rate", "0.1")]
    [InlineData("optimizer", "lbfgs")]
    [InlineData("style-scale", "0.7")]
    [InlineData("colors", "covariance")]
    [InlineData("pooling", "max")]
    [InlineData("style-layers", "conv1_1,conv4_1")]
    public void ItEqualsANewRunFromItsPicture(string setting, string value)
    {
        (Checkpoint checkpoint, Picture picture) = Interrupted();
        TransferJob changed = ChangedJob.Of(checkpoint, Draft((setting, value)));
        JobChange change = Assert.Single(changed.Changes!);
        Assert.Equal(Made, change.Iteration);
        Assert.StartsWith($"{setting} ", change.What, StringComparison.Ordinal);
        Assert.EndsWith($" -> {value}", change.What, StringComparison.Ordinal);
        AssertGoesOnFrom(picture, Total - Made, checkpoint.Redirected(changed));
    }

    [Fact]
    public void WeightsOfStylesChangeToo()
    {
        (Checkpoint checkpoint, Picture picture) = Interrupted();
        TransferJob changed = ChangedJob.Of(checkpoint, Draft(), weights: [0, 2]);
        Assert.Equal("style-weights 1,1 -> 0,2", Assert.Single(changed.Changes!).What);
        AssertGoesOnFrom(picture, Total - Made, checkpoint.Redirected(changed));
    }

    [Fact]
    public void ItGoesBackToAnEarlierPicture()
    {
        const int Earlier = 2;
        Checkpoint checkpoint = Interrupted().Checkpoint;
        Picture early = Run(Prepare(Draft(("iterations", $"{Earlier}")))).Picture;
        TransferJob changed = ChangedJob.Of(checkpoint, Draft(), backTo: Earlier);
        Assert.Equal($"back to the picture of iteration {Earlier}", Assert.Single(changed.Changes!).What);
        AssertGoesOnFrom(early, Total - Earlier, checkpoint.Redirected(changed, (Earlier, early)));
    }

    [Fact]
    public void NothingChangedIsNoChange()
    {
        Checkpoint checkpoint = Interrupted().Checkpoint;
        Assert.Null(ChangedJob.Of(checkpoint, Draft()).Changes);
        Assert.Null(ChangedJob.Of(checkpoint, Draft(("size", "16"), ("seed", "7"))).Changes);
    }

    /// <summary>Two scales of ten and ten, of which the first is over and the second has made two.</summary>
    [Theory]
    [InlineData("30", 10, 20)]
    [InlineData("12", 10, 2)]
    [InlineData("3", 10, 2)]
    [InlineData("15,40", 10, 40)]
    [InlineData("5,1", 10, 2)]
    public void IterationsAreSpreadOverTheRest(string iterations, int first, int second)
    {
        (string, string)[] scales = [("coarsest-size", "32"), ("size", "48"), ("iterations", "10,10")];
        Checkpoint checkpoint = Interrupted(12, scales).Checkpoint;
        TransferJob changed = ChangedJob.Of(checkpoint, Draft([.. scales[..2], ("iterations", iterations)]));
        Assert.Equal([first, second], changed.Plan.Select(step => step.Iterations));
        // It can go on from there to its end.
        string file = Path.Combine(_folder, "changed.ckpt");
        checkpoint.Redirected(changed).Write(file);
        TransferResult end = Run(Prepare(changed), Checkpoint.Read(file));
        Assert.Equal(TransferEnd.Completed, end.End);
        Assert.Equal(Math.Max(12, first + second), end.IterationsMade);
    }

    [Fact]
    public void APresetForAnotherNetworkIsRefused()
    {
        TransferJob compact = new JobDraft("default", null, _ => null).Create(_ => { });
        Checkpoint checkpoint = Interrupted().Checkpoint;
        checkpoint = checkpoint with { Job = checkpoint.Job with { Weights = compact.Weights } };
        var error = Assert.Throws<UsageException>(() => ChangedJob.Of(checkpoint, Draft()));
        Assert.Contains("the network of this run lacks", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ItsRecipeTellsTheChangesAndNoCommand()
    {
        Checkpoint checkpoint = Interrupted().Checkpoint;
        TransferJob changed = ChangedJob.Of(checkpoint, Draft(("style-weight", "3000")));
        string plain = Path.Combine(_folder, "plain.png"), other = Path.Combine(_folder, "other.png");
        _runner.Run(Prepare(checkpoint.Job), new Outputs(plain), CancellationToken.None);
        _runner.Run(Prepare(changed), new Outputs(other), CancellationToken.None);
        Assert.NotNull(Recipe.Read(plain).Recipe.Command());
        Recipe recipe = Recipe.Read(other).Recipe;
        Assert.Null(recipe.Command());
        Assert.Equal(changed.Changes, recipe.Job.Changes);
    }

    /// <summary>A run of a few iterations that was cancelled, as its checkpoint and as its picture.</summary>
    private (Checkpoint Checkpoint, Picture Picture) Interrupted(int made = Made, params (string, string)[] settings)
    {
        string file = Path.Combine(_folder, "run.ckpt");
        using var cancellation = new CancellationTokenSource();
        int iteration = 0;
        using var runner = new TransferRunner(new Silence(), _device)
        {
            HasPicture = () =>
            {
                if (++iteration == made) cancellation.Cancel();
            },
        };
        var outputs = new Outputs(Path.Combine(_folder, "never.png")) { Checkpoint = file, Keeps = _ => false };
        TransferResult result = runner.Run(Prepare(Draft(settings)), outputs, cancellation.Token);
        Assert.Equal(TransferEnd.Cancelled, result.End);
        Assert.False(File.Exists(outputs.Picture));
        return (Checkpoint.Read(file), result.Picture);
    }

    private void AssertGoesOnFrom(Picture picture, int iterations, Checkpoint checkpoint)
    {
        string start = Path.Combine(_folder, "start.npy"), file = Path.Combine(_folder, "changed.ckpt");
        checkpoint.Write(file);
        Picture wentOn = Run(Prepare(checkpoint.Job), Checkpoint.Read(file)).Picture;
        ScaleStep step = Assert.Single(checkpoint.Job.Plan);
        TransferJob fresh = checkpoint.Job with
        {
            Options = checkpoint.Job.Options with { Init = InitKind.Picture },
            Plan = [step with { Iterations = iterations }],
        };
        PreparedJob prepared = Prepare(fresh);
        prepared = prepared with { Inputs = prepared.Inputs with { Init = picture } };
        Assert.Equal(Run(prepared).Picture.Pixels, wentOn.Pixels);
        Assert.NotEqual(picture.Pixels, wentOn.Pixels);
    }

    private TransferResult Run(PreparedJob prepared, Checkpoint? from = null)
    {
        var outputs = new Outputs(Path.Combine(_folder, "out.png")) { Keeps = _ => false };
        return _runner.Run(prepared, outputs, CancellationToken.None, from);
    }

    private PreparedJob Prepare(JobDraft draft)
    {
        TransferJob job = draft.Create(_ => { }) with
        {
            Content = "content.png", Styles = [new JobStyle("one.png"), new JobStyle("two.png")],
        };
        return PreparedJob.Create(job, draft.TotalIterations(), null, new Silence(), _folder);
    }

    private PreparedJob Prepare(TransferJob job) =>
        new(job, PreparedJob.ReadPictures(job, new Silence(), _folder)) { Folder = _folder };

    /// <summary>One scale, and no average of iterates, so that the picture is all that a run knows.</summary>
    private static JobDraft Draft(params (string Name, string Text)[] settings)
    {
        var texts = new Dictionary<string, string>
        {
            ["size"] = "48", ["coarsest-size"] = "0", ["iterations"] = $"{Total}", ["average-decay"] = "0",
            ["clamp"] = "true",
        };
        foreach ((string name, string text) in settings) texts[name] = text;
        return new JobDraft("default", WeightsLocator.Random, row => texts.GetValueOrDefault(row.CommandLineName));
    }

    private sealed class Silence : IJobDisplay
    {
        public void Say(string line)
        {
        }
    }
}
