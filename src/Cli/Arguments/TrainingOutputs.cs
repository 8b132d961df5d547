using System.CommandLine;
using NativeStyle.Cli.Help;
using NativeStyle.Imaging;
using NativeStyle.Jobs;
using NativeStyle.Style.Options;

namespace NativeStyle.Cli.Arguments;

/// <summary>The files that a training writes.</summary>
internal sealed record TrainingOutputs(string Model)
{
    /// <summary>The picture of the present state, if any.</summary>
    public string? Preview { get; init; }

    /// <summary>The picture that the preview shows; null for the first of those to learn from.</summary>
    public string? PreviewPicture { get; init; }

    public int PreviewEvery { get; init; }

    /// <summary>The file for a line of JSON per iteration.</summary>
    public string? Trace { get; init; }

    /// <summary>The SVG file for a plot of the losses.</summary>
    public string? Plot { get; init; }

    public string? Checkpoint { get; init; }

    public int CheckpointEvery { get; init; }

    public IEnumerable<string> Files => new[] { Model, Preview, Trace, Plot, Checkpoint }.OfType<string>();
}

/// <summary>The options for the files that a training writes.</summary>
internal sealed class TrainingOutputArguments
{
    private readonly Option<string> _model = Typed.Output("The model to write", "MODEL.safetensors");

    private readonly Option<string?> _preview = new("--preview")
    {
        Description = "Write a picture and its present result side by side, every --preview-every iterations",
        HelpName = "FILE.png",
    };

    private readonly Option<string?> _previewPicture = new("--preview-picture")
    {
        Description = "The picture to show there (default: the first to learn from)", HelpName = "FILE",
    };

    private readonly Option<int> _previewEvery = Typed.Option(
        "--preview-every", "Iterations between previews", OptionTable.Steps, 100);

    private readonly Option<string?> _trace = new("--trace")
    {
        Description = "Write a JSON line per iteration: losses and seconds", HelpName = "FILE.jsonl",
    };

    private readonly Option<string?> _plot = new("--plot")
    {
        Description = "Write the losses as a plot", HelpName = "FILE.svg",
    };

    private readonly Option<string?> _checkpoint = new("--checkpoint")
    {
        Description = "Write a file from which --resume continues, every --checkpoint-every iterations and when a " +
            "signal ends the run",
        HelpName = "FILE",
    };

    private readonly Option<int> _checkpointEvery = Typed.Option(
        "--checkpoint-every", "Iterations between checkpoints", OptionTable.Steps, 100);

    public void AddTo(ProgramCommand command)
    {
        command.Add(OptionGroup.Common, _model);
        command.Add(OptionGroup.Output, _preview, _previewPicture, _previewEvery, _trace, _plot, _checkpoint);
        command.AddRare(OptionGroup.Output, _checkpointEvery);
    }

    /// <summary>Parses the user's options and checks every file name.</summary>
    /// <param name="inputs">Input files, which must not be overwritten.</param>
    public TrainingOutputs Parse(ParseResult parsed, IEnumerable<string> inputs)
    {
        var outputs = new TrainingOutputs(parsed.GetValue(_model)!)
        {
            Preview = parsed.GetValue(_preview),
            PreviewPicture = parsed.GetValue(_previewPicture),
            PreviewEvery = parsed.GetValue(_previewEvery),
            Trace = parsed.GetValue(_trace),
            Plot = parsed.GetValue(_plot),
            Checkpoint = parsed.GetValue(_checkpoint),
            CheckpointEvery = parsed.GetValue(_checkpointEvery),
        };
        OutputFiles.RequireExtension(outputs.Model, ".safetensors");
        if (outputs.Plot is not null) OutputFiles.RequireExtension(outputs.Plot, ".svg");
        if (outputs.Preview is not null)
            OutputFiles.RequireExtension(outputs.Preview, [.. PictureFile.WritableExtensions]);
        if (outputs.PreviewPicture is not null)
            InputFiles.RequirePicture(outputs.PreviewPicture, "a picture for the preview");
        OutputFiles.RequireAll(outputs.Files, [.. inputs, .. new[] { outputs.PreviewPicture }.OfType<string>()]);
        return outputs;
    }
}
