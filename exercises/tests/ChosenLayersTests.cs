using NativeStyle.Autodiff;
using NativeStyle.Autodiff.Operators;
using NativeStyle.Imaging;
using NativeStyle.Kernels.Devices;
using NativeStyle.Style;
using NativeStyle.Style.Options;
using NativeStyle.Vgg;
using NativeStyle.Vgg.Weights;

namespace NativeStyle.Exercises.Tests;

/// <summary>
/// Distances are relative: ‖x - t‖² / ‖t‖² of feature maps from the scene's, and of Gram matrices from the style's.
/// </summary>
public sealed class ChosenLayersTests : IDisposable
{
    private static readonly string[] s_layers =
        ["conv1_1", "conv1_2", "conv2_1", "conv2_2", "conv3_1", "conv3_2", "conv3_4"];

    private readonly CpuDevice _device = new(1);
    private readonly VggNetwork _network;
    private readonly PictureSource _content = PictureFile.Open(Path.Combine(AppContext.BaseDirectory, "town.jpg"));
    private readonly PictureSource _style = PictureFile.Open(Path.Combine(AppContext.BaseDirectory, "mosaic.jpg"));

    public ChosenLayersTests() => _network = VggNetwork.Load(
        _device, () => WeightsFile.Load(CompactNetwork.Name, s_layers), Presets.DefaultCompact.Network);

    public void Dispose()
    {
        _network.Dispose();
        _device.Dispose();
    }

    [Fact]
    public void ThePicturesAreAsWished()
    {
        Distances tinted = Transfer("tinted", ChosenLayers.Tinted);
        Assert.True(tinted.Style("conv1_1") < 0.05, $"tinted: the colours are {tinted.Style("conv1_1"):0.00} off");
        Assert.True(tinted.Scene("conv3_2") < 0.45, $"tinted: the scene is {tinted.Scene("conv3_2"):0.00} off");
        Assert.True(tinted.Style("conv3_1") > 0.25, "tinted: it has the style's forms");

        Distances redrawn = Transfer("redrawn", ChosenLayers.Redrawn);
        Assert.True(redrawn.Style("conv1_1") < 0.05, $"redrawn: the colours are {redrawn.Style("conv1_1"):0.00} off");
        Assert.True(redrawn.Style("conv3_1") < 0.1, $"redrawn: the forms are {redrawn.Style("conv3_1"):0.00} off");
        Assert.True(redrawn.Scene("conv3_2") < 1, $"redrawn: the scene is {redrawn.Scene("conv3_2"):0.00} off");

        Distances texture = Transfer("texture", ChosenLayers.Texture);
        Assert.True(texture.Style("conv1_1") < 0.05, $"texture: the colours are {texture.Style("conv1_1"):0.00} off");
        Assert.True(texture.Style("conv3_1") < 0.07, $"texture: the forms are {texture.Style("conv3_1"):0.00} off");
        Assert.True(texture.Scene("conv3_2") > 1.3, "texture: the scene is still there");
    }

    [Fact]
    public void ThePredictionsAreRight()
    {
        Assert.NotNull(ChosenLayers.TheDeepLayerBringsTheColours);
        Distances deep = Transfer("deep", new Layers([], ["conv3_1"])), first = Transfer("first", new([], ["conv1_1"]));
        Assert.Equal(deep.Style("conv1_1") < 2 * first.Style("conv1_1"), ChosenLayers.TheDeepLayerBringsTheColours);

        Distances redrawn = Transfer("redrawn again", ChosenLayers.Redrawn);
        Assert.Equal(
            new[] { "conv1_1", "conv2_2", "conv3_2" }.MinBy(redrawn.Scene), ChosenLayers.TheSceneIsNearestAt);
    }

    private sealed record Distances(Func<string, double> Scene, Func<string, double> Style);

    private Distances Transfer(string name, Layers layers)
    {
        LayerWeight[] Equally(string[] names) => [.. names.Select(layer => new LayerWeight(layer, 1.0 / names.Length))];
        TransferOptions options = Presets.DefaultCompact with
        {
            ContentLayers = Equally(layers.Content),
            StyleLayers = Equally(layers.Style),
            ContentWeight = layers.Content.Length == 0 ? 0 : 5,
            StyleWeight = layers.Style.Length == 0 ? 0 : 100,
            TvWeight = 0,
            Init = InitKind.Uniform,
            AverageDecay = 0,
            Size = 64,
            CoarsestSize = 0,
            Iterations = [40],
        };
        Picture picture = new StyleTransfer(_device, _network, options).Run(
            new TransferInputs(_content, [new StyleInput(_style)])).Picture;
        PictureFile.Write(Path.Combine(AppContext.BaseDirectory, $"{name}.png"), picture);
        Dictionary<string, float[]> Maps(Picture of, bool gram)
        {
            using var tape = new Tape(_device);
            using var pixels = new Tensor(_device, new Shape(of.Height, of.Width, 3), of.Pixels);
            return _network.Features(tape, pixels, 1f, s_layers).ToDictionary(
                each => each.Layer,
                each => gram
                    ? tape.Gram(each.Map, 1f / (each.Map.Shape[0] * each.Map.Shape[1])).ToArray() : each.Map.ToArray());
        }

        Picture style = _style.At(64, 64);
        (var maps, var scene) = (Maps(picture, false), Maps(_content.At(picture.Height, picture.Width), false));
        (var grams, var styles) = (Maps(picture, true), Maps(style, true));
        return new Distances(
            layer => Relative(maps[layer], scene[layer]), layer => Relative(grams[layer], styles[layer]));
    }

    private static double Relative(float[] x, float[] target) =>
        x.Zip(target, (a, b) => Math.Pow((double)a - b, 2)).Sum() / target.Sum(value => (double)value * value);
}
