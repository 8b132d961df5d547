using System.CommandLine;
using NativeStyle.Imaging;

namespace NativeStyle.Cli;

/// <summary>What a transfer writes, beside its last picture.</summary>
internal sealed record Outputs(string Picture)
{
    /// <summary>Iterations between numbered pictures; 0 for none.</summary>
    public int SaveEvery { get; init; }

    /// <summary>The name that numbered pictures are made from, where it is not <see cref="Picture"/>.</summary>
    public string? NumberedAs { get; init; }

    /// <summary>A JSON line per iteration.</summary>
    public string? Trace { get; init; }

    /// <summary>The losses as SVG.</summary>
    public string? Plot { get; init; }

    /// <summary>An animated PNG.</summary>
    public string? Timelapse { get; init; }

    /// <summary>Iterations between its frames; 0 for about sixty frames.</summary>
    public int TimelapseEvery { get; init; }

    public string? Checkpoint { get; init; }

    public int CheckpointEvery { get; init; } = 50;

    /// <summary>All files.</summary>
    public IEnumerable<string> Files => new[] { Picture, Trace, Plot, Timelapse, Checkpoint }.OfType<string>();
}

/// <summary>The options for what is written.</summary>
internal sealed class OutputArguments
{
    private readonly Option<string> _output = new("--output", "-o")
    {
        Description = "The result: .png, .jpg, .tif (16 bits), or .npy (float32, the exact values)", Required = true, HelpName = "OUT",
    };

    private readonly Option<string?> _saveEvery = new("--save-every") { Description = "Also save every N iterations, as OUT-0100.png and so on", HelpName = "N" };
    private readonly Option<string?> _trace = new("--trace") { Description = "Write a JSON line per iteration: losses and seconds", HelpName = "FILE.jsonl" };
    private readonly Option<string?> _plot = new("--plot") { Description = "Write the losses as a plot", HelpName = "FILE.svg" };
    private readonly Option<string?> _timelapse = new("--timelapse") { Description = "Write how the picture came about as an animated PNG", HelpName = "FILE.png" };
    private readonly Option<string?> _timelapseEvery = new("--timelapse-every") { Description = "Iterations between its frames (default: for about 60 frames)", HelpName = "N" };
    private readonly Option<string?> _checkpoint = new("--checkpoint") { Description = "Write a file that --resume goes on from, every --checkpoint-every iterations and at Ctrl-C", HelpName = "FILE" };
    private readonly Option<string?> _checkpointEvery = new("--checkpoint-every") { Description = "Iterations between checkpoints (default: 50)", HelpName = "N" };

    public void AddTo(Command command)
    {
        foreach (Option option in new Option[] { _output, _saveEvery, _trace, _plot, _timelapse, _timelapseEvery, _checkpoint, _checkpointEvery }) command.Add(option);
    }

    /// <summary>What the user asked for, every name checked.</summary>
    /// <param name="inputs">Files that are read and so may not be written.</param>
    public Outputs Parse(ParseResult parsed, IEnumerable<string> inputs)
    {
        var outputs = new Outputs(parsed.GetValue(_output)!)
        {
            SaveEvery = Count(parsed, _saveEvery) ?? 0,
            Trace = parsed.GetValue(_trace),
            Plot = parsed.GetValue(_plot),
            Timelapse = parsed.GetValue(_timelapse),
            TimelapseEvery = Count(parsed, _timelapseEvery) ?? 0,
            Checkpoint = parsed.GetValue(_checkpoint),
            CheckpointEvery = Count(parsed, _checkpointEvery) ?? 50,
        };
        RequireExtension(outputs.Picture, [.. PictureFile.WritableExtensions]);
        if (outputs.Plot is not null) RequireExtension(outputs.Plot, ".svg");
        if (outputs.Timelapse is not null) RequireExtension(outputs.Timelapse, ".png", ".apng");
        string[] read = [.. inputs.Select(Path.GetFullPath)];
        HashSet<string> written = [];
        foreach (string file in outputs.Files)
        {
            UserErrors.RequireWritable(file);
            if (read.Contains(Path.GetFullPath(file))) throw new UsageException($"{file} is an input and would be overwritten; choose another name for the output");
            if (!written.Add(Path.GetFullPath(file))) throw new UsageException($"{file} is to be written twice; choose different names");
        }

        return outputs;
    }

    /// <summary>A picture's name that can be written.</summary>
    public static void RequireExtension(string file, params string[] known)
    {
        if (Directory.Exists(file)) throw new UsageException($"{file} is a folder, expected the name of a file to write");
        string extension = Path.GetExtension(file).ToLowerInvariant();
        if (!known.Contains(extension)) throw new UsageException($"{file} has the extension '{extension}', expected one of {string.Join(", ", known)}");
    }

    private static int? Count(ParseResult parsed, Option<string?> option) =>
        parsed.GetValue(option) is string text ? Settings.ParseWhole(option.Name, text, 1, 1_000_000) : null;
}
