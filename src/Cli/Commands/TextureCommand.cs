using System.CommandLine;
using System.Globalization;
using NativeStyle.Imaging;
using NativeStyle.Kernels.Devices;
using NativeStyle.Style;

namespace NativeStyle.Cli.Commands;

/// <summary><c>nativestyle texture STYLE... -o OUT</c>: a picture of nothing but style, of any size.</summary>
internal sealed class TextureCommand
{
    private readonly Argument<string[]> _styles = new("STYLE") { Description = "The pictures whose texture is synthesised, one or more", Arity = ArgumentArity.OneOrMore };
    private readonly Option<string?> _size = new(Settings.Size) { Description = "The result in pixels: N for a square, or WIDTHxHEIGHT (default: the first style's shape, 384 at most)", HelpName = "N|WxH" };
    private readonly Option<string?> _styleWeights = new("--style-weights") { Description = "How much each style counts beside the others", HelpName = "X,X" };
    private readonly JobArguments _job = new(except: [.. Recipe.TextureSettings]);
    private readonly OutputArguments _outputs = new();
    private readonly DeviceOptions _device = new();

    public static Command Create()
    {
        var texture = new TextureCommand();
        var command = new Command(
            "texture",
            "Synthesises a texture: the style losses alone, from noise (Gatys, Ecker and Bethge 2015).\n\n" +
            "  nativestyle texture painting.jpg -o texture.png --size 512x256\n\n" +
            "Without --init it starts from noise with the style's mean and variance. The style is seen at its own size where the\n" +
            "texture is larger.")
        {
            texture._styles, texture._size, texture._styleWeights,
        };
        texture._outputs.AddTo(command);
        texture._job.AddTo(command);
        texture._device.AddTo(command);
        command.SetAction(texture.Run);
        return command;
    }

    /// <summary>A preset made one for textures: no content, from noise like the style's, which is not seen larger than it is.</summary>
    public static TransferOptions Options(TransferOptions preset) => preset with
    {
        ContentWeight = 0,
        ContentLayers = [],
        Init = InitKind.StyleNormal,
        Colors = ColorMode.Style,
        StyleSizing = StyleSizing.LongestSideAtMost,
    };

    private int Run(ParseResult parsed)
    {
        TransferConsole console = _job.Console(parsed);
        string[] styles = parsed.GetValue(_styles)!;
        foreach (string style in styles) UserErrors.RequireFile(style, $"a style picture ({PictureFile.Readable})");
        double[] weights = JobArguments.ParseWeights("--style-weights", parsed.GetValue(_styleWeights), styles.Length);
        Outputs outputs = _outputs.Parse(parsed, [.. styles, .. _job.Inputs(parsed)]);
        (int Height, int Width)? given = parsed.GetValue(_size) is string text ? ParseSize(text) : null;
        TransferJob draft = _job.Draft(
            parsed, console, (preset, _, _) => Options(preset) is var options && given is var (height, width) ? options with { Size = Math.Max(height, width) } : options) with
        {
            Styles = [.. styles.Select((path, i) => new JobStyle(path, weights[i]))],
        };
        PreparedJob prepared = JobArguments.Prepare(draft, _job.TotalIterations(parsed), given, console);
        using ComputeDevice device = _device.Open(parsed, console.Say);
        return TransferCommand.Finish(console, device, prepared, outputs);
    }

    private static (int Height, int Width) ParseSize(string text)
    {
        string[] parts = text.Split('x', 'X');
        if (parts.Length > 2) throw new UsageException($"--size {text} is no size, expected N or WIDTHxHEIGHT");
        int width = Settings.ParseWhole(Settings.Size, parts[0], 1, 32768);
        return (parts.Length == 1 ? width : Settings.ParseWhole(Settings.Size, parts[1], 1, 32768), width);
    }
}
