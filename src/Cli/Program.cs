using System.CommandLine;
using System.CommandLine.Parsing;
using NativeStyle.Cli.Commands;
using NativeStyle.Cli.Completion;
using NativeStyle.Cli.Help;
using NativeStyle.Jobs;
using NativeStyle.Kernels.Devices;
using Spectre.Console;

namespace NativeStyle.Cli;

/// <summary>
/// The entry point: parses the command line and invokes the command. Everything else is in the libraries.
/// </summary>
internal static class Program
{
    /// <summary>The options that name what a command writes.</summary>
    private static readonly string[] s_products = ["--output", "--out", "--html", "--sheet"];

    private static int Main(string[] args)
    {
        HostHeap.GiveBackLargeBlocks();
        Cancellation.Listen();
        return Run(args, SafeOutput.Install());
    }

    /// <summary>Runs a command line.</summary>
    /// <param name="output">Standard output, if it is the process's own.</param>
    /// <returns>The exit code.</returns>
    internal static int Run(string[] args, SafeOutput? output)
    {
        if (Console.IsOutputRedirected) WritePlainly();
        return Guard(() =>
        {
            if (args is [Completer.Directive, .. var words])
            {
                // The last word is still being typed.
                Completer.Print(Root.Create(words.SkipLast(1).FirstOrDefault()), words, Console.Out);
                return 0;
            }

            RootCommand root = Root.Create(args.FirstOrDefault());
            if (args.Length == 0) new HelpScreen(all: false).Show(root, Console.Out);
            ParseResult parsed = root.Parse(args);
            Mistakes.Refuse(parsed);
            int code = parsed.Invoke(new InvocationConfiguration
            {
                EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null,
            });
            if (code != 0 || output?.Failure is null || WritesFiles(parsed.CommandResult)) return code;
            Console.Error.WriteLine($"nativestyle: what it prints cannot be written: {output.Failure}");
            return UserErrors.FailedExitCode;
        });
    }

    /// <summary>Turns errors into one line on standard error and an exit code.</summary>
    private static int Guard(Func<int> run)
    {
        try
        {
            return run();
        }
        catch (Exception error) when (UserErrors.IsUsers(error) || error is DeviceException)
        {
            Console.Error.WriteLine($"nativestyle: {UserErrors.Words(error)}");
            return UserErrors.CodeOf(error);
        }
    }

    /// <summary>Checks whether a command's product is a file. Then what it prints only tells how it went.</summary>
    private static bool WritesFiles(CommandResult command)
    {
        string[] given = [.. command.Children.OfType<OptionResult>()
            .Where(option => !option.Implicit).Select(option => option.Option.Name)];
        return !given.Contains("--list") && !given.Contains("--status")
            && (command.Command is DownloadCommand || given.Intersect(s_products).Any());
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
