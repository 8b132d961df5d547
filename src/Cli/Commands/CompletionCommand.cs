using System.CommandLine;
using System.Reflection;
using NativeStyle.Cli.Help;
using NativeStyle.Jobs;
using NativeStyle.Style.Options;

namespace NativeStyle.Cli.Commands;

/// <summary><c>nativestyle completion SHELL</c>: prints the script that lets a shell complete command lines.</summary>
internal sealed class CompletionCommand : ProgramCommand
{
    /// <summary>The shells, each with the extension of its script.</summary>
    private static readonly Words<string> s_shells =
        new(("bash", "bash"), ("zsh", "zsh"), ("fish", "fish"), ("ps1", "pwsh"));

    private readonly Argument<string> _shell = new("SHELL")
    {
        Description = string.Join(", ", s_shells.Choices), CompletionSources = { _ => s_shells.Choices },
    };

    public CompletionCommand()
        : base(
            "completion",
            "Print a script with which a shell completes commands, options, their values and files.",
            """
              nativestyle completion bash > ~/.local/share/bash-completion/completions/nativestyle
              nativestyle completion zsh > "${fpath[1]}/_nativestyle"
              nativestyle completion fish > ~/.config/fish/completions/nativestyle.fish
              nativestyle completion pwsh >> $PROFILE

            A new shell then has it. The script asks the program that is being typed, so each version has the same one.
            """)
    {
        Add(_shell);
        SetAction(parsed => Console.Out.Write(Script(
            UserErrors.For("SHELL", () => s_shells.Parse(parsed.GetValue(_shell)!)))));
    }

    /// <param name="extension">The extension of the script, e.g. ps1.</param>
    private static string Script(string extension)
    {
        using Stream script = Assembly.GetExecutingAssembly()
            .GetManifestResourceStream($"completion/nativestyle.{extension}")!;
        return new StreamReader(script).ReadToEnd();
    }
}
