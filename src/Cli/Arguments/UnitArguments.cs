using System.CommandLine;
using NativeStyle.Cli.Help;
using NativeStyle.Jobs;
using NativeStyle.Style.Options;
using NativeStyle.Vgg;

namespace NativeStyle.Cli.Arguments;

/// <summary>The options for a layer and its channels.</summary>
internal sealed class UnitArguments
{
    private readonly Option<string> _layer = new("--layer")
    {
        Description = "The layer, e.g. conv3_1", Required = true, HelpName = "L",
        CompletionSources = { _ => Typed.LayerNames },
    };

    private readonly Option<IReadOnlyList<int>?> _channels = Typed.Option(
        "--channel", "C|C,C", "The channel, counted from 0, or several with commas",
        new ListOf<int>(new NumberRange<int>(0, int.MaxValue), "C|C,C").Parse);

    public UnitArguments() => _channels.Required = true;

    public void AddTo(ProgramCommand command) => command.Add(OptionGroup.Common, _layer, _channels);

    /// <summary>Returns the layer's name as the user wrote it.</summary>
    public string LayerName(ParseResult parsed) => parsed.GetValue(_layer)!;

    /// <summary>Finds the layer and its channels.</summary>
    /// <exception cref="UsageException">The network has no such layer, or the layer has fewer channels.</exception>
    public (VggLayer Layer, IReadOnlyList<int> Channels) Find(ParseResult parsed, VggArchitecture architecture)
    {
        VggLayer layer = Typed.Layer(_layer.Name, LayerName(parsed), architecture);
        IReadOnlyList<int> channels = parsed.GetValue(_channels)!;
        var range = new NumberRange<int>(0, layer.OutChannels - 1);
        if (channels.FirstOrDefault(channel => range.WhyNot(channel) is not null, -1) is >= 0 and int wrong)
            throw new UsageException($"{_channels.Name} {wrong} is out of range, expected {range.Expected}");
        return (layer, channels);
    }
}
