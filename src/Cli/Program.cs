using System.CommandLine;
using NativeStyle.Cli.Help;
using Spectre.Console;

namespace NativeStyle.Cli;

/// <summary>
/// The entry point: parses the command line and invokes the command. Everything else is in the libraries.
/// </summary>
internal static class Program
{
    internal static int Main(string[] args)
    {
        HostHeap.GiveBackLargeBlocks();
        if (Console.IsOutputRedirected) WritePlainly();
        return UserErrors.Guard(() =>
        {
            RootCommand root = Root.Create();
            if (args.Length == 0) new HelpScreen(all: false).Show(root, Console.Out);
            ParseResult parsed = root.Parse(args);
            Mistakes.Refuse(parsed);
            return parsed.Invoke(new InvocationConfiguration
            {
                EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null,
            });
        });
    }

    /// <summary>Prepares output to a pipe or a file: without colours, and so wide that no table wraps.</summary>
    private static void WritePlainly()
    {
        AnsiConsole.Console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = AnsiSupport.No, ColorSystem = ColorSystemSupport.NoColors, Interactive = InteractionSupport.No,
        });
        AnsiConsole.Profile.Width = 160;
    }
}
