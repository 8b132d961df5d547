using System.CommandLine;
using System.Globalization;
using NativeStyle.Cli.Arguments;
using NativeStyle.Cli.Help;
using NativeStyle.FeedForward;
using NativeStyle.Imaging;
using NativeStyle.Jobs;
using NativeStyle.Kernels.Devices;
using NativeStyle.Style.Options;
using NativeStyle.Style.Tiling;
using Spectre.Console;

namespace NativeStyle.Cli.Commands;

/// <summary>
/// <c>nativestyle models [PICTURE] [--sheet FILE]</c>: lists the trained styles that are built in, and shows what they
/// draw.
/// </summary>
internal sealed class ModelsCommand : ProgramCommand
{
    private const int Columns = 4;

    private readonly Argument<string?> _picture = new("PICTURE")
    {
        Description = "What --sheet draws (default: a town)", Arity = ArgumentArity.ZeroOrOne,
    };

    private readonly Option<string?> _sheet = new("--sheet")
    {
        Description = "Write a picture of what each model draws", HelpName = "FILE",
    };

    private readonly Option<int> _size = Typed.Option(
        "--size", "Longest side of a drawing on the sheet", new NumberRange<int>(16, 2048), 256);

    private readonly DeviceArguments _device = new();

    public ModelsCommand()
        : base(
            "models",
            "List the trained styles that are built in, and show what they draw.",
            """
              nativestyle models
              nativestyle models photo.jpg --sheet styles.png

            'nativestyle stylize' draws with them.
            """)
    {
        Add(_picture);
        Add(OptionGroup.Common, _sheet, _size);
        _device.AddTo(this);
        SetAction(Run);
    }

    private int Run(ParseResult parsed)
    {
        string? file = parsed.GetValue(_picture), sheet = parsed.GetValue(_sheet);
        if (file is not null) InputFiles.RequirePicture(file, "a picture to draw");
        if (file is not null && sheet is null)
            throw new UsageException($"{file} is for a sheet; add --sheet FILE.png, or leave it out");
        if (sheet is not null) OutputFiles.CheckPicture(sheet, new[] { file }.OfType<string>());
        if (Models.Names.Count == 0)
            throw new UsageException(
                "this program was built without models; 'nativestyle stylize --model FILE' draws with a file");
        (string Name, StyleModel Model)[] models = [.. Models.Names.Select(name => (name, Models.Find(name)!))];
        List(models);
        if (sheet is not null) Draw(parsed, models, file, sheet);
        return 0;
    }

    private static void List(IEnumerable<(string Name, StyleModel Model)> models)
    {
        var table = new Table().Border(TableBorder.Rounded)
            .AddColumns("model", "bytes", "style picture", "iterations", "channels");
        foreach ((string name, StyleModel model) in models)
        {
            TransformerArchitecture network = model.Weights.Architecture;
            table.AddRow(
                Markup.Escape(name), Models.BytesOf(name).ToString("n0", CultureInfo.InvariantCulture),
                Markup.Escape(model.Metadata.GetValueOrDefault(StyleModel.StyleKey, "")),
                Markup.Escape(model.Metadata.GetValueOrDefault(StyleModel.IterationsKey, "")),
                $"{network.Conv1}, {network.Conv2}, {network.Conv3}");
        }

        AnsiConsole.Write(table);
    }

    private void Draw(ParseResult parsed, (string Name, StyleModel Model)[] models, string? file, string sheet)
    {
        PictureSource source = file is null ? Sample() : PictureFile.Open(file);
        (int height, int width) = Resampler.FitInto(source.Height, source.Width, parsed.GetValue(_size));
        if (Math.Min(height, width) < TransformerArchitecture.MinSize)
            throw new UsageException($"{file} at {width} x {height} pixels is too small; choose a larger --size");
        Picture picture = source.At(height, width);
        using ComputeDevice device = _device.Open(parsed);
        List<SheetCell> cells = [new("picture", picture)];
        foreach ((string name, StyleModel model) in models)
        {
            using var stylizer = new Stylizer(device, model.Weights, MemoryBudget.Of(device));
            cells.Add(new SheetCell(name, stylizer.Draw(picture)));
        }

        PictureFile.Write(sheet, ContactSheet.Create([.. cells.Chunk(Columns)], height, width));
        Console.WriteLine($"saved {sheet}");
    }

    private static Picture Sample()
    {
        using Stream file = typeof(ModelsCommand).Assembly.GetManifestResourceStream("town.jpg")!;
        byte[] bytes = new byte[file.Length];
        file.ReadExactly(bytes);
        return PictureFile.Decode(bytes);
    }
}
