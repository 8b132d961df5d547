using NativeStyle.Cli.Help;

namespace NativeStyle.Cli.Commands;

/// <summary><c>nativestyle man</c>: prints the manual page.</summary>
internal static class ManCommand
{
    public static ProgramCommand Create()
    {
        var command = new ProgramCommand(
            "man",
            "Print the manual page, with every command and every option.",
            """
              nativestyle man > nativestyle.1 && man ./nativestyle.1
              nativestyle man > ~/.local/share/man/man1/nativestyle.1
            """);
        command.SetAction(_ => ManPage.Write(Root.Create(), Console.Out));
        return command;
    }
}
