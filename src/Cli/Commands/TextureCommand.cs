using System.CommandLine;
using NativeStyle.Cli.Arguments;
using NativeStyle.Cli.Help;
using NativeStyle.Jobs;
using NativeStyle.Kernels.Devices;
using NativeStyle.Style;
using NativeStyle.Style.Options;

namespace NativeStyle.Cli.Commands;

/// <summary><c>nativestyle texture STYLE... -o OUT</c>: makes a picture of nothing but style, of any size.</summary>
internal sealed class TextureCommand : ProgramCommand
{
    private readonly Argument<string[]> _styles = new("STYLE")
    {
        Description = "The pictures whose texture to synthesise, one or more", Arity = ArgumentArity.OneOrMore,
    };

    private readonly Option<(int Height, int Width)?> _size = Typed.Option<(int Height, int Width)?>(
        JobDraft.NameOf(OptionTable.Size), "N|WxH",
        "The result in pixels: N for a square, or WIDTHxHEIGHT (default: the first style's shape, 384 at most)",
        text => ParseSize(text));

    private readonly StyleArguments _several = new(masks: false);
    private readonly JobArguments _job = new(except: JobKinds.SetByTexture);
    private readonly OutputArguments _outputs = new();
    private readonly DeviceArguments _device = new();

    public TextureCommand()
        : base(
            "texture",
            "Make a picture of nothing but style, of any size.",
            """
            Optimises only the style losses, from noise (Gatys, Ecker and Bethge 2015).

              nativestyle texture painting.jpg -o texture.png --size 512x256

            Without --init, it starts from noise with the style's mean and variance. If the texture is larger than the
            style, the style keeps its own size.
            """)
    {
        Add(_styles);
        _outputs.AddTo(this);
        Add(OptionGroup.Common, _size);
        _job.AddTo(this);
        _several.AddTo(this);
        _device.AddTo(this);
        SetAction(Run);
    }

    private int Run(ParseResult parsed)
    {
        TransferConsole console = _job.Console(parsed);
        string[] styles = parsed.GetValue(_styles)!;
        JobStyle[] jobStyles = _several.Styles(parsed, styles);
        Outputs outputs = _outputs.Parse(parsed, [.. styles, .. _job.Inputs(parsed)]);
        (int Height, int Width)? shape = parsed.GetValue(_size);
        TransferJob draft = _job.Draft(parsed, console, (preset, _, _) => Sized(JobKinds.Texture(preset), shape)) with
        {
            Styles = jobStyles,
        };
        PreparedJob prepared = PreparedJob.Create(draft, _job.TotalIterations(parsed), shape, console);
        using ComputeDevice device = _device.Open(parsed, console.Say);
        return TransferCommand.Finish(console, device, prepared, outputs);
    }

    private static TransferOptions Sized(TransferOptions options, (int Height, int Width)? shape) =>
        shape is var (height, width) ? options with { Size = Math.Max(height, width) } : options;

    private static (int Height, int Width) ParseSize(string text)
    {
        string[] parts = text.Split('x', 'X');
        if (parts.Length > 2) throw new TransferException($"{text} is no size, expected N or WIDTHxHEIGHT");
        var side = new NumberRange<int>(1, OptionTable.Side.Most);
        int[] sides = [.. parts.Select(side.Parse)];
        return (sides[^1], sides[0]);
    }
}
