using System.CommandLine;
using NativeStyle.Cli.Commands;
using Spectre.Console;

namespace NativeStyle.Cli;

/// <summary>The command line: parses, calls, shows. Everything else is in the libraries.</summary>
internal static class Program
{
    private static int Main(string[] args)
    {
        var root = new RootCommand(
            "Neural style transfer by hand-written kernels: paints a content picture in the style of another.\n\n" +
            "  nativestyle transfer photo.jpg painting.jpg -o out.png\n" +
            "  nativestyle transfer photo.jpg painting.jpg -o out.png --weights vgg16_weights.npz --size 512\n" +
            "  nativestyle texture painting.jpg -o texture.png --size 512x512\n" +
            "  nativestyle batch --content photos --style paintings --out art\n" +
            "  nativestyle presets show gatys\n" +
            "  nativestyle explain photo.jpg painting.jpg --html explained.html\n" +
            "  nativestyle features photo.jpg -o seen\n" +
            "  nativestyle show art.png\n" +
            "  nativestyle measure photo.jpg painting.jpg art.png --weights vgg19.safetensors\n" +
            "  nativestyle weights info vgg16_weights.npz\n" +
            "  nativestyle gradcheck\n" +
            "  nativestyle plan 2048 2048 8192 8192 --memory 6G\n" +
            "  nativestyle bench 512 512 --breakdown\n" +
            "  nativestyle kernels show Gram.ForwardKernel\n\n" +
            "Exit codes: 0 done, 1 a check or a device failed, memory ran out or the losses were no longer finite, 2 wrong input, 130 ended by Ctrl-C.")
        {
            TransferCommand.Create(), TextureCommand.Create(), ReconstructCommand.Create(), Figure1Command.Create(), BatchCommand.Create(),
            PresetsCommand.Create(), ShowCommand.Create(), ExplainCommand.Create(), FeaturesCommand.Create(), MaximizeCommand.Create(), PatchesCommand.Create(), MeasureCommand.Create(), WeightsCommand.Create(), DevicesCommand.Create(), GradcheckCommand.Create(),
            PlanCommand.Create(), BenchCommand.Create(), KernelsCommand.Create(),
        };
        if (Console.IsOutputRedirected)
        {
            // Piped or in a file: no colours, and wide enough that no table wraps.
            AnsiConsole.Console = AnsiConsole.Create(new AnsiConsoleSettings
            {
                Ansi = AnsiSupport.No, ColorSystem = ColorSystemSupport.NoColors, Interactive = InteractionSupport.No,
            });
            AnsiConsole.Profile.Width = 160;
        }

        return UserErrors.Guard(() =>
        {
            ParseResult parsed = root.Parse(args);
            if (parsed.Errors.Count > 0)
                throw new UsageException($"{string.Join(" ", parsed.Errors.Select(error => error.Message).Distinct())} (see nativestyle {CommandPath(parsed)}--help)");
            return parsed.Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null });
        });
    }

    private static string CommandPath(ParseResult parsed) =>
        parsed.CommandResult.Command is RootCommand ? "" : parsed.CommandResult.Command.Name + " ";
}
