using System.CommandLine;
using System.CommandLine.Help;
using NativeStyle.Cli.Commands;
using NativeStyle.Cli.Help;

namespace NativeStyle.Cli;

/// <summary>Creates the root command with the commands below it.</summary>
internal static class Root
{
    /// <summary>Every command by its name, in the order of the help.</summary>
    private static readonly (string Name, Func<Command> Create)[] s_commands =
    [
        ("transfer", () => new TransferCommand()),
        ("texture", () => new TextureCommand()),
        ("reconstruct", () => new ReconstructCommand()),
        ("figure1", () => new Figure1Command()),
        ("batch", () => new BatchCommand()),
        ("stylize", () => new StylizeCommand()),
        ("train", () => new TrainCommand()),
        ("models", () => new ModelsCommand()),
        ("studio", () => new StudioCommand()),
        ("presets", PresetsCommand.Create),
        ("show", ShowCommand.Create),
        ("explain", () => new ExplainCommand()),
        ("features", () => new FeaturesCommand()),
        ("maximize", () => new MaximizeCommand()),
        ("patches", () => new PatchesCommand()),
        ("measure", () => new MeasureCommand()),
        ("weights", WeightsCommand.Create),
        ("devices", DevicesCommand.Create),
        ("gradcheck", () => new GradcheckCommand()),
        ("plan", () => new PlanCommand()),
        ("bench", () => new BenchCommand()),
        ("kernels", KernelsCommand.Create),
        ("completion", () => new CompletionCommand()),
        ("man", ManCommand.Create),
    ];

    /// <summary>What the program's exit code tells, in the order of the help.</summary>
    public static IReadOnlyList<(int Code, string Meaning)> ExitCodes { get; } =
    [
        (0, "done"), (1, "a check or a device failed, memory ran out or the losses were no longer finite"),
        (2, "wrong input or a file that cannot be written"), (130, "ended by Ctrl-C"), (143, "by SIGTERM"),
        (129, "by a closed terminal"),
    ];

    /// <param name="first">
    /// The first word of a command line. If it is a command's name, the others are not made: that would take a third of
    /// the time until a short command answers.
    /// </param>
    public static RootCommand Create(string? first = null)
    {
        string codes = string.Join(", ", ExitCodes.Select(each => $"{each.Code} {each.Meaning}"));
        var root = new RootCommand(
            $"""
            Neural style transfer with hand-written kernels: paints a content picture in the style of another.

              nativestyle transfer photo.jpg painting.jpg -o art.png
              nativestyle transfer photo.jpg painting.jpg -o art.png --preset gatys
              nativestyle batch --content photos --style paintings --out art

            --version prints the version and what can compute here. Exit codes: {codes}.
            """);
        bool isNamed = s_commands.Any(command => command.Name == first);
        foreach ((string name, Func<Command> create) in s_commands)
            if (!isNamed || name == first) root.Add(create());
        root.Options.OfType<HelpOption>().Single().Action = new HelpScreen(all: false);
        root.Options.OfType<VersionOption>().Single().Action = new VersionScreen();
        root.Add(new Option<bool>("--help-all")
        {
            Description = "Show help with all options, also rare ones", Recursive = true,
            Action = new HelpScreen(all: true),
        });
        return root;
    }
}
