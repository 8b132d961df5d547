using System.CommandLine;
using NativeStyle.Cli.Help;
using NativeStyle.FeedForward;
using NativeStyle.Jobs;
using NativeStyle.Style.Options;

namespace NativeStyle.Cli.Arguments;

/// <summary>The option --model of commands that draw with a trained style.</summary>
internal sealed class ModelArguments
{
    private const string Kinds = ".safetensors or .pth";

    private readonly Option<string> _model = new("--model", "-m")
    {
        Description = "A trained style: one that 'nativestyle models' lists, or a file (.safetensors, or .pth of " +
            "PyTorch's example fast_neural_style)",
        Required = true, HelpName = "NAME|FILE", CompletionSources = { _ => Models.Names },
    };

    public void AddTo(ProgramCommand command) => command.Add(OptionGroup.Common, _model);

    /// <summary>Returns the model's file if it is one.</summary>
    public string? File(ParseResult parsed) => FileOf(parsed.GetValue(_model));

    /// <inheritdoc cref="Read(string)"/>
    public StyleModel Read(ParseResult parsed) => Read(parsed.GetValue(_model)!);

    /// <summary>Returns the name if it is that of a file.</summary>
    public static string? FileOf(string? name) => name is not null && IsFile(name) ? name : null;

    /// <summary>Reads a model.</summary>
    /// <param name="name">The name of one that is built in, or a file.</param>
    /// <exception cref="UsageException">There is no such model.</exception>
    /// <exception cref="InvalidDataException">The file is no model.</exception>
    public static StyleModel Read(string name)
    {
        if (!IsFile(name))
        {
            string there = Models.Names.Count > 0 ? string.Join(", ", Models.Names) : "no models in this program";
            return Models.Find(name) ?? throw new UsageException(
                $"no model is called '{name}'; there are {there}, and files that end in {Kinds}");
        }

        InputFiles.Require(name, $"a trained style ({Kinds})");
        return ModelFile.Read(name);
    }

    private static bool IsFile(string name) =>
        Path.GetExtension(name).Length > 0 || name.AsSpan().ContainsAny('/', Path.DirectorySeparatorChar);
}
