using System.CommandLine;
using NativeStyle.Cli.Help;
using NativeStyle.Jobs;
using NativeStyle.Style.Options;
using NativeStyle.Vgg.Weights;
using Spectre.Console;

namespace NativeStyle.Cli.Commands;

/// <summary><c>nativestyle presets [show NAME]</c>: lists the presets, or prints one.</summary>
internal static class PresetsCommand
{
    public static Command Create()
    {
        var name = new Argument<string>("NAME|FILE")
        {
            Description = "A preset, or a .json file", Arity = ArgumentArity.ExactlyOne,
            CompletionSources = { _ => Presets.Names },
        };
        var show = new ProgramCommand(
            "show", "Print a preset as JSON: all of its values, and where they come from.",
            """
            Save it to a file and change it, and use it with --preset FILE.json. A file that begins with "base": "NAME"
            needs only the values that differ.
            """)
        {
            name,
        };
        show.SetAction(parsed => Console.WriteLine(OptionsJson.Write(
            JobDraft.FindPreset(parsed.GetValue(name)!, WeightsLocator.Trained(CompactNetwork.Name)))));
        var command =
            new ProgramCommand("presets", "List the sets of options. Nine of them are those of other systems.");
        command.Add(show);
        command.SetAction(_ => List());
        return command;
    }

    private static void List()
    {
        var table = new Table().Border(TableBorder.Rounded).AddColumns("preset", "what it is", "from");
        table.AddRow(Presets.Default, "one of the next four, depending on the weights", "");
        foreach (TransferOptions preset in Presets.All)
            table.AddRow(preset.Name, Markup.Escape(preset.Description), Markup.Escape(preset.Source));
        AnsiConsole.Write(table);
    }
}
