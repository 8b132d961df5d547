using System.CommandLine;
using System.CommandLine.Help;
using NativeStyle.Cli.Commands;
using NativeStyle.Cli.Help;

namespace NativeStyle.Cli;

/// <summary>Creates the root command with all other commands.</summary>
internal static class Root
{
    /// <summary>What the program's exit code tells, in the order of the help.</summary>
    public static IReadOnlyList<(int Code, string Meaning)> ExitCodes { get; } =
    [
        (0, "done"), (1, "a check or a device failed, memory ran out or the losses were no longer finite"),
        (2, "wrong input or a file that cannot be written"), (130, "ended by Ctrl-C"), (143, "by SIGTERM"),
        (129, "by a closed terminal"),
    ];

    public static RootCommand Create()
    {
        string codes = string.Join(", ", ExitCodes.Select(each => $"{each.Code} {each.Meaning}"));
        var root = new RootCommand(
            $"""
            Neural style transfer with hand-written kernels: paints a content picture in the style of another.

              nativestyle transfer photo.jpg painting.jpg -o art.png
              nativestyle transfer photo.jpg painting.jpg -o art.png --preset gatys
              nativestyle batch --content photos --style paintings --out art

            --version prints the version and what can compute here. Exit codes: {codes}.
            """)
        {
            new TransferCommand(), new TextureCommand(), new ReconstructCommand(), new Figure1Command(),
            new BatchCommand(), new StylizeCommand(), new TrainCommand(), new ModelsCommand(), new StudioCommand(),
            PresetsCommand.Create(), ShowCommand.Create(), new ExplainCommand(), new FeaturesCommand(),
            new MaximizeCommand(), new PatchesCommand(), new MeasureCommand(), WeightsCommand.Create(),
            DevicesCommand.Create(), new GradcheckCommand(), new PlanCommand(), new BenchCommand(),
            KernelsCommand.Create(), new CompletionCommand(), ManCommand.Create(),
        };
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
