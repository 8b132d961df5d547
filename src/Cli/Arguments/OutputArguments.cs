using System.CommandLine;
using NativeStyle.Cli.Help;
using NativeStyle.Imaging;
using NativeStyle.Jobs;
using NativeStyle.Style;
using NativeStyle.Style.Options;

namespace NativeStyle.Cli.Arguments;

/// <summary>The options for the files that a transfer writes.</summary>
internal sealed class OutputArguments
{
    private readonly Option<string> _output =
        Typed.Output("The result: .png, .jpg, .tif (16 bits), or .npy (float32, the exact values)");

    private readonly Option<int?> _saveEvery = SaveEveryOption();

    private readonly Option<string?> _trace = new("--trace")
    {
        Description = "Write a JSON line per iteration: losses and seconds", HelpName = "FILE.jsonl",
    };

    private readonly Option<string?> _plot = new("--plot")
    {
        Description = "Write the losses as a plot", HelpName = "FILE.svg",
    };

    private readonly Option<string?> _timelapse = new("--timelapse")
    {
        Description = "Write an animated PNG of how the picture developed", HelpName = "FILE.png",
    };

    private readonly Option<int?> _timelapseEvery = Typed.Option(
        "--timelapse-every", "Iterations between its frames (default: enough for about 60 frames)", OptionTable.Steps);

    private readonly Option<string?> _checkpoint = new("--checkpoint")
    {
        Description = "Write a file from which --resume continues, every --checkpoint-every iterations and when a " +
            "signal ends the run",
        HelpName = "FILE",
    };

    private readonly Option<int> _checkpointEvery = Typed.Option(
        "--checkpoint-every", "Iterations between checkpoints", OptionTable.Steps, new Outputs("").CheckpointEvery);

    public static Option<int?> SaveEveryOption() =>
        Typed.Option("--save-every", "Also save every N iterations, as OUT-0100.png and so on", OptionTable.Steps);

    public static Option<int> QualityOption() =>
        Typed.Option("--quality", "Quality of a .jpg result", new NumberRange<int>(1, 100), 95);

    public static Option<int> DepthOption() => Typed.Option(
        "--depth", "Bits per channel of a .png result (.tif always has 16)", new Words<int>((8, "8"), (16, "16")), 8);

    public void AddTo(ProgramCommand command)
    {
        command.Add(OptionGroup.Common, _output);
        command.Add(OptionGroup.Output, _saveEvery, _trace, _plot, _timelapse);
        command.AddRare(OptionGroup.Output, _timelapseEvery);
        command.Add(OptionGroup.Output, _checkpoint);
        command.AddRare(OptionGroup.Output, _checkpointEvery);
    }

    /// <summary>Parses the user's options and checks every file name.</summary>
    /// <param name="inputs">Input files, which must not be overwritten.</param>
    public Outputs Parse(ParseResult parsed, IEnumerable<string> inputs)
    {
        var outputs = new Outputs(parsed.GetValue(_output)!)
        {
            SaveEvery = parsed.GetValue(_saveEvery) ?? 0,
            Trace = parsed.GetValue(_trace),
            Plot = parsed.GetValue(_plot),
            Timelapse = parsed.GetValue(_timelapse),
            TimelapseEvery = parsed.GetValue(_timelapseEvery) ?? 0,
            Checkpoint = parsed.GetValue(_checkpoint),
            CheckpointEvery = parsed.GetValue(_checkpointEvery),
        };
        OutputFiles.RequireExtension(outputs.Picture, [.. PictureFile.WritableExtensions]);
        if (outputs.Plot is not null) OutputFiles.RequireExtension(outputs.Plot, ".svg");
        if (outputs.Timelapse is not null) OutputFiles.RequireExtension(outputs.Timelapse, ".png", ".apng");
        OutputFiles.RequireAll(outputs.Files, inputs);
        return outputs;
    }
}
