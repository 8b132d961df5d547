using System.CommandLine;
using NativeStyle.Cli.Help;
using NativeStyle.FeedForward.Training;
using NativeStyle.Jobs;
using NativeStyle.Style.Options;
using NativeStyle.Vgg;

namespace NativeStyle.Cli.Arguments;

/// <summary>The options that decide what a training computes.</summary>
internal sealed class TrainingArguments
{
    private static readonly TrainingOptions s_defaults = new();
    private static readonly NumberRange<double> s_weight = new(0, 1e9);
    private static readonly LayerList s_layers = new(1e9);

    private readonly Option<int> _iterations = Typed.Option(
        "--iterations", "Steps of the optimiser", OptionTable.Steps, s_defaults.Iterations);

    private readonly Option<double> _width = Typed.Option(
        "--width", "Channels as a share of the published 32, 64 and 128", new NumberRange<double>(0.05, 4),
        s_defaults.Width);

    private readonly Option<int> _styleSize = Typed.Option(
        "--style-size", "The style's longest side in pixels; larger gives larger strokes",
        new NumberRange<int>(32, 8192), s_defaults.StyleSize);

    private readonly Option<double> _stability = Typed.Option(
        "--stability", "Weight of what noise in a picture changes in its result; keeps films from flickering, and " +
            "makes each step a tenth to a fifth longer",
        s_weight, s_defaults.StabilityWeight);

    private readonly Option<double> _contentWeight = Typed.Option(
        "--content-weight", "Weight of the content loss", s_weight, s_defaults.ContentWeight);

    private readonly Option<double> _styleWeight = Typed.Option(
        "--style-weight", "Weight of the style loss", s_weight, s_defaults.StyleWeight);

    private readonly Option<double> _tvWeight = Typed.Option(
        "--tv-weight", "Weight of the total variation, which smooths", s_weight, s_defaults.TvWeight);

    private readonly Option<string> _contentLayers = Layers(
        "--content-layers", "Layers of the content loss", s_defaults.ContentLayers);

    private readonly Option<string> _styleLayers = Layers(
        "--style-layers", "Layers of the style loss", s_defaults.StyleLayers);

    private readonly Option<double> _noise = Typed.Option(
        "--noise", "Deviation of the noise that --stability weighs, in levels of 255", new NumberRange<double>(0, 255),
        s_defaults.Noise);

    private readonly Option<int> _batch = Typed.Option(
        "--batch", "Pieces of pictures for a step; they go one after the other", new NumberRange<int>(1, 1024),
        s_defaults.Batch);

    private readonly Option<int> _crop = Typed.Option(
        "--crop", "A piece's rows and columns in pixels", new NumberRange<int>(32, 4096), s_defaults.Crop);

    private readonly Option<double> _rate = Typed.Option(
        "--learning-rate", "Adam's learning rate at the beginning; it falls along half a cosine",
        new NumberRange<double>(1e-8, 10), s_defaults.LearningRate);

    private readonly Option<int> _seed = Typed.Option(
        "--seed", "Seed of the first weights, of the pieces and of the noise",
        new NumberRange<int>(0, int.MaxValue - 1), s_defaults.Seed);

    private readonly List<Option> _all = [];

    public void AddTo(ProgramCommand command)
    {
        Add(OptionGroup.Common, rare: false, _iterations, _width, _styleSize, _stability);
        Add(OptionGroup.Losses, rare: false, _contentWeight, _styleWeight, _tvWeight);
        Add(OptionGroup.Losses, rare: true, _contentLayers, _styleLayers, _noise);
        Add(OptionGroup.Optimiser, rare: false, _batch, _crop, _rate);
        Add(OptionGroup.Run, rare: false, _seed);

        void Add(OptionGroup group, bool rare, params Option[] options)
        {
            foreach (Option option in options) command.Add(new HelpEntry(option, group, rare));
            _all.AddRange(options);
        }
    }

    /// <summary>Returns the first option that the user set, or null. A checkpoint would contradict it.</summary>
    public string? FirstSetOption(ParseResult parsed) =>
        _all.FirstOrDefault(option => parsed.GetResult(option) is { Implicit: false })?.Name;

    /// <summary>Whether the user chose the width.</summary>
    public bool SetsWidth(ParseResult parsed) => parsed.GetResult(_width) is { Implicit: false };

    /// <param name="lossNetwork">The network whose layers the options name.</param>
    public TrainingOptions Parse(ParseResult parsed, VggArchitecture lossNetwork)
    {
        return new TrainingOptions
        {
            Iterations = parsed.GetValue(_iterations),
            Width = parsed.GetValue(_width),
            StyleSize = parsed.GetValue(_styleSize),
            StabilityWeight = parsed.GetValue(_stability),
            ContentWeight = parsed.GetValue(_contentWeight),
            StyleWeight = parsed.GetValue(_styleWeight),
            TvWeight = parsed.GetValue(_tvWeight),
            ContentLayers = Resolved(_contentLayers),
            StyleLayers = Resolved(_styleLayers),
            Noise = parsed.GetValue(_noise),
            Batch = parsed.GetValue(_batch),
            Crop = parsed.GetValue(_crop),
            LearningRate = parsed.GetValue(_rate),
            Seed = parsed.GetValue(_seed),
        };

        IReadOnlyList<LayerWeight> Resolved(Option<string> option) => UserErrors.For(
            option.Name, () => LayerList.Resolve(s_layers.Parse(parsed.GetValue(option)!), lossNetwork));
    }

    private static Option<string> Layers(string name, string help, IReadOnlyList<LayerWeight> otherwise)
    {
        string text = s_layers.Text(otherwise);
        return new Option<string>(name)
        {
            Description = $"{help} (default: {text})", HelpName = s_layers.HelpName,
            DefaultValueFactory = _ => text, CompletionSources = { _ => Typed.LayerNames },
        };
    }
}
