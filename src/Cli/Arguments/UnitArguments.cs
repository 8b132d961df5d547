using System.CommandLine;
using NativeStyle.Cli.Help;
using NativeStyle.Style;
using NativeStyle.Style.Options;
using NativeStyle.Vgg;

namespace NativeStyle.Cli.Arguments;

/// <summary>The channels of a layer that a command is about.</summary>
internal sealed class UnitArguments
{
    private readonly Option<string> _layer = new("--layer")
    {
        Description = "The layer, e.g. conv3_1", Required = true, HelpName = "L",
    };

    private readonly Option<IReadOnlyList<int>?> _channels = Typed.Option(
        "--channel", "C|C,C", "The channel, from 0; several with commas",
        new ListOf<int>(new NumberRange<int>(0, int.MaxValue), "C|C,C").Parse);

    public UnitArguments() => _channels.Required = true;

    public void AddTo(ProgramCommand command) => command.Add(OptionGroup.Common, _layer, _channels);

    /// <summary>The layer's name as the user wrote it.</summary>
    public string LayerName(ParseResult parsed) => parsed.GetValue(_layer)!;

    /// <summary>The layer and its channels.</summary>
    /// <exception cref="UsageException">The network has none of that name, or not so many.</exception>
    public (VggLayer Layer, IReadOnlyList<int> Channels) Find(ParseResult parsed, VggArchitecture architecture)
    {
        VggLayer layer = Typed.Layer(_layer.Name, LayerName(parsed), architecture);
        IReadOnlyList<int> channels = parsed.GetValue(_channels)!;
        var there = new NumberRange<int>(0, layer.OutChannels - 1);
        if (channels.FirstOrDefault(channel => there.WhyNot(channel) is not null, -1) is >= 0 and int wrong)
            throw new UsageException($"{_channels.Name} {wrong} is out of range, expected {there.Expected}");
        return (layer, channels);
    }
}
