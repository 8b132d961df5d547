using System.CommandLine;
using System.CommandLine.Completions;
using NativeStyle.Cli.Completion;
using NativeStyle.Style.Options;
using NativeStyle.Vgg;

namespace NativeStyle.Cli.Tests;

/// <summary>Tests what command lines are completed to: by the program, and by real shells with its scripts.</summary>
public class CompletionTests
{
    /// <summary>Values of which there is no list: numbers, sizes, addresses.</summary>
    private static readonly string[] s_free =
    [
        "N", "X", "C", "LIMIT", "URL", "HOST", "I/N", "HxWxC", "NxN", "WxH", "HEIGHT", "WIDTH", "HEIGHT WIDTH",
    ];

    [Theory]
    [InlineData("tr", "transfer train")]
    [InlineData("weights c", "convert compress")]
    [InlineData("transfer --pre", "--preset --precision")]
    [InlineData("transfer --preset gatys --pre", "--precision")]
    [InlineData("transfer --preset ne", "neural-style")]
    [InlineData("transfer --preset=ne", "--preset=neural-style")]
    [InlineData("transfer --styl=ne", "")]
    [InlineData("transfer a.jpg b.jpg -o x.png --optimizer ", "adam lbfgs")]
    [InlineData("transfer --clamp=", "--clamp=true --clamp=false")]
    [InlineData("transfer --init st", "style style-normal")]
    [InlineData("transfer --style-layers conv1_1:0.5,conv2", "conv1_1:0.5,conv2_1 conv1_1:0.5,conv2_2")]
    [InlineData("transfer --device cpu-k", "cpu-kernels")]
    [InlineData("transfer --precision=TF", "--precision=tf32")]
    [InlineData("transfer -- --pre", "")]
    [InlineData("transfer @nowhere --pre", "--preset --precision")]
    [InlineData("stylize a.jpg --model mo", "mosaic")]
    [InlineData("weights download vgg1", "vgg16 vgg19")]
    [InlineData("weights info co", "compact")]
    [InlineData("kernels show Gram.Forw", "Gram.ForwardKernel")]
    [InlineData("gradcheck --operator Conv,Gram", "Conv,Gram")]
    [InlineData("completion ", "bash fish pwsh zsh")]
    [InlineData("devices ", "--help -h --help-all")]
    public void WordsAreCompleted(string typed, string words) =>
        Assert.Equal(
            words.Split(' ', StringSplitOptions.RemoveEmptyEntries).Order(),
            Candidates(typed).Skip(2).Select(line => line.Split('\t')[0]).Order());

    [Theory]
    [InlineData("transfer ", "files", "")]
    [InlineData("transfer a.jpg b.jpg ", "files", "")]
    [InlineData("transfer -- -", "files", "")]
    [InlineData("transfer --checkpoint=ru", "files", "--checkpoint=")]
    [InlineData("transfer --mask=a.png,b", "files nospace", "--mask=a.png,")]
    [InlineData("transfer --weights ", "files", "")]
    [InlineData("batch --content ", "folders", "")]
    [InlineData("transfer --size ", "words", "")]
    [InlineData("transfer --style-layers c", "words nospace", "")]
    [InlineData("explain a.jpg b.jpg ", "words", "")]
    [InlineData("nothing ", "words", "")]
    public void FilesAreTheShells(string typed, string mode, string prefix) =>
        Assert.Equal([mode, prefix], Candidates(typed).Take(2));

    /// <summary>Nothing that a user can write is forgotten: a value is a file, one of a list, or free.</summary>
    [Fact]
    public void EveryValueIsKnown()
    {
        foreach ((Command command, Symbol symbol, string name) in AllValues())
        {
            ValueForm form = ValueForm.Of(name);
            bool free = name.Split('|').All(each => s_free.Contains(each.Split(',')[0]));
            bool known = free || form.Files || form.Folders || form.Words.Count > 0 || Words(symbol).Length > 0;
            Assert.True(known, $"{command.Name} {symbol.Name} {name}: no candidates");
            Assert.False(free && Words(symbol).Length > 0 && name != "N", $"{command.Name} {symbol.Name} {name}");
        }
    }

    [Fact]
    public void WhatIsOfferedIsTaken()
    {
        RootCommand root = Root.Create();
        int count = 0;
        foreach ((Command command, Symbol symbol, string _) in AllValues().Where(each => each.Symbol is Option))
        {
            foreach (string word in Words(symbol))
            {
                string path = string.Join(' ', command.Parents.OfType<Command>().Where(each => each is not RootCommand)
                    .Select(each => each.Name).Append(command.Name));
                ParseResult parsed = root.Parse([.. path.Split(' '), symbol.Name, word]);
                Assert.DoesNotContain(parsed.Errors, error => error.Message.Contains(word, StringComparison.Ordinal));
                count++;
            }
        }

        Assert.True(count > 300, $"{count}");
        // The rows of the table are read later, by the job.
        Option[] transfer = [.. root.Subcommands.Single(each => each.Name == "transfer").Options];
        foreach (TransferOption row in OptionTable.OnCommandLine)
        {
            foreach (string word in Words(transfer.Single(option => option.Name == $"--{row.CommandLineName}")))
                row.Parse(Presets.Gatys, word, VggArchitecture.Vgg19);
        }
    }

    [SkippableFact]
    public void Bash()
    {
        using Shell shell = Shell.Find("bash");
        // Each line has the words as bash breaks them. compopt speaks to a completion that runs, and here none does.
        string[] lines = shell.Run("bash", """
            source "$SCRIPT"
            complete -p nativestyle
            compopt() { told=$*; }
            try() {
              COMP_LINE=$1 COMP_POINT=${#1} told=""; shift
              COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
              _nativestyle "$1" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
              IFS='|'; echo "[$told] ${COMPREPLY[*]}"; unset IFS
            }
            try 'nativestyle transfer --pre' nativestyle transfer --pre
            try 'nativestyle transfer --preset=cour' nativestyle transfer --preset = cour
            try 'nativestyle transfer --optimizer ' nativestyle transfer --optimizer ''
            try 'nativestyle transfer my\ ' nativestyle transfer 'my\ '
            try 'nativestyle transfer --weights=my\ p' nativestyle transfer --weights = 'my\ p'
            try 'nativestyle transfer "my photo.jpg" p' nativestyle transfer '"my photo.jpg"' p
            try 'nativestyle transfer --mask=my\ photo.jpg,pai' nativestyle transfer --mask = 'my\ photo.jpg,pai'
            try 'nativestyle transfer --style-layers conv1_1:1,conv2_' \
              nativestyle transfer --style-layers conv1_1 : 1,conv2_
            try 'nativestyle batch --content my' nativestyle batch --content my
            try '../my\ programs/nativestyle weights i' '../my\ programs/nativestyle' weights i
            """);
        const string NoFiles = "+o default +o bashdefault";
        Assert.Equal(
            [
                "complete -o bashdefault -o default -F _nativestyle nativestyle",
                $"[{NoFiles}] --preset|--precision",
                "[-o filenames] coursera",
                $"[{NoFiles}] adam|lbfgs",
                // Readline completes names of files itself.
                "[]",
                "[]",
                "[]",
                "[-o filenames] my photo.jpg,painting.jpg",
                $"[{NoFiles} -o nospace] 1,conv2_1|1,conv2_2",
                "[+o default -o dirnames]",
                $"[{NoFiles}] info",
            ],
            lines);
    }

    [SkippableFact]
    public void Zsh()
    {
        using Shell shell = Shell.Find("zsh");
        // A zsh at a terminal, into which keys are typed.
        string[] lines = shell.Run("zsh", """
            zmodload zsh/zpty
            zpty shell env TERM=dumb zsh -f -i
            await() {
              local part all; integer i
              for (( i = 0; i < 600; i++ )); do
                while zpty -r -t shell part; do all+=$part; done
                [[ $all == *$1* ]] && { print -r -- "$2"; return; }
                sleep 0.1
              done
              print -r -- "not $2: $all"
              exit
            }
            zpty -w shell "PS1=; autoload -U compinit; compinit -D -u; source ${(q)SCRIPT}; echo rea''dy"
            await ready ready
            type() { zpty -w -n shell "$1"$'\t'; await "$2" "$2"; zpty -w -n shell $'\x15'; }
            type 'nativestyle transfer --preset=cour' '--preset=coursera '
            type 'nativestyle transfer my\ p' 'my\ photo.jpg '
            type 'nativestyle transfer --weights=pai' '--weights=painting.jpg '
            type 'nativestyle transfer --mask painting.jpg,my\ p' 'painting.jpg,my\ photo.jpg'
            type 'nativestyle batch --content my' 'my\ folder/'
            type 'nativestyle transfer --pre' '--preset     -- A set of options'
            type '../my\ programs/nativestyle weights inf' 'weights info '
            """);
        Assert.Equal(
            [
                "ready", "--preset=coursera", @"my\ photo.jpg", "--weights=painting.jpg",
                @"painting.jpg,my\ photo.jpg", @"my\ folder/", "--preset     -- A set of options", "weights info",
            ],
            lines);
    }

    [SkippableFact]
    public void Fish()
    {
        using Shell shell = Shell.Find("fish");
        string[] lines = shell.Run("fish", """
            source $SCRIPT
            for line in 'transfer --pre' 'transfer --preset=cour' 'transfer my\ p' 'transfer --weights=pai' \
                'transfer --mask my\ photo.jpg,pai' 'batch --content ' 'transfer --optimizer '
              complete -C "nativestyle $line"
              echo .
            end
            complete -C '../my\ programs/nativestyle weights inf'
            """);
        Assert.Equal(
            [
                "--precision\tHow to compute large products", "--preset\tA set of options", ".",
                "--preset=coursera", ".", "my photo.jpg", ".", "--weights=painting.jpg", ".",
                "my photo.jpg,painting.jpg", ".", "my folder/", ".", "adam", "lbfgs", ".",
                "info\tTell a file's layers, format, conventions, mean and checksums",
            ],
            lines);
    }

    [SkippableFact]
    public void PowerShell()
    {
        using Shell shell = Shell.Find("pwsh");
        string[] lines = shell.Run("pwsh", """
            . ([scriptblock]::Create((Get-Content -Raw $env:SCRIPT)))
            foreach ($line in 'transfer --pre', 'transfer --preset=cour', 'transfer my', 'transfer --weights=pai',
                'transfer --mask painting.jpg,pai', 'batch --content my', 'transfer --optimizer ') {
              $line = "nativestyle $line"
              $found = (TabExpansion2 $line $line.Length).CompletionMatches | ForEach-Object { $_.CompletionText }
              ($found -join '|').Replace('\', '/')
            }
            """);
        Assert.Equal(
            [
                "--preset|--precision", "--preset=coursera", "'./my folder'|'./my photo.jpg'",
                "--weights=./painting.jpg", "painting.jpg,./painting.jpg", "'./my folder'", "adam|lbfgs",
            ],
            lines);
    }

    /// <summary>Asks the program as the scripts do.</summary>
    private static string[] Candidates(string typed)
    {
        CommandLine.Outcome outcome = CommandLine.Run([Completer.Directive, .. typed.Split(' ')]);
        Assert.Equal((0, ""), (outcome.ExitCode, outcome.Error));
        return outcome.Output.Split('\n')[..^1];
    }

    private static string[] Words(Symbol symbol) =>
        [.. symbol.GetCompletions(CompletionContext.Empty).Select(item => item.Label)];

    /// <summary>Every argument and every option with a value, with the name of the value.</summary>
    private static IEnumerable<(Command Command, Symbol Symbol, string Name)> AllValues()
    {
        return Below(Root.Create());

        static IEnumerable<(Command, Symbol, string)> Below(Command command) =>
        [
            .. command.Arguments.Select(argument => (command, (Symbol)argument, argument.Name)),
            .. command.Options.Where(option => option.ValueType != typeof(bool) && option.HelpName is not null)
                .Select(option => (command, (Symbol)option, option.HelpName!)),
            .. command.Subcommands.SelectMany(Below),
        ];
    }
}
