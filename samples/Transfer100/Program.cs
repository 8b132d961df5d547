// A whole style transfer in one file and one loop. StyleTransfer does the same, and adds scales, tiles, masks, averages
// and checkpoints. A test holds this picture against its.
//
//   L(x) = a ‖F(x) - F(content)‖² / ‖F(content)‖² + b Σ_layers w ‖G(x) - G(style)‖² / ‖G(style)‖² + c TV(x)
//
// F are feature maps of VGG-19, and G = Fᵀ F / (H W) their Gram matrices (Gatys, Ecker and Bethge 2016).
// Run it from the root of the repository, optimised, since a debug build takes minutes:
//
//   dotnet run -c Release --project samples/Transfer100 -- [CONTENT [STYLE [OUTPUT [SIZE [STEPS]]]]]
//
// It writes the picture, and prints the losses. Exit code 0: the loss fell; 1: it did not.
using System.Globalization;
using NativeStyle.Autodiff;
using NativeStyle.Autodiff.Operators;
using NativeStyle.Imaging;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Operators.Adam;
using NativeStyle.Kernels.Operators.TotalVariation;
using NativeStyle.Vgg;
using NativeStyle.Vgg.Weights;

const float ContentWeight = 5, StyleWeight = 100, VariationWeight = 30;
const string ContentLayer = "conv3_2";
string[] styleLayers = ["conv1_1", "conv2_1", "conv3_1", "conv3_4"];
string[] layers = [.. styleLayers, ContentLayer];

string Argument(int i, string otherwise) => args.Length > i ? args[i] : otherwise;
string output = Argument(2, "out-transfer100.png");
int size = int.Parse(Argument(3, "256"), CultureInfo.InvariantCulture);
int steps = int.Parse(Argument(4, "60"), CultureInfo.InvariantCulture);

// 1. A network. Its weights never change.
using var device = new CpuDevice();
using VggNetwork network =
    VggNetwork.Load(device, () => WeightsFile.Load(CompactNetwork.Name, layers), new VggOptions());

// 2. Targets, which are constants: the content's features, and the Gram matrices of the style's.
using Tensor content = Pixels(Argument(0, "samples/content/town.jpg"), learns: false);
using Tensor style = Pixels(Argument(1, "samples/style/strokes.jpg"), learns: false);
using var targetTape = new Tape(device);
Tensor contentTarget = network.Features(targetTape, content, 1f, [ContentLayer]).Single().Map;
Dictionary<string, Tensor> styleTargets = network.Features(targetTape, style, 1f, styleLayers)
    .ToDictionary(feature => feature.Layer, feature => Gram(targetTape, feature.Map));

// 3. The picture is the parameter, and begins as the content.
using Tensor picture = Pixels(Argument(0, "samples/content/town.jpg"), learns: true);
using var adam = new AdamOptimizer(picture, new AdamSettings(LearningRate: 0.02f), bounds: (0f, 1f));

// 4. The loop: forward, backward, a step.
double first = 0, last = 0;
for (int step = 0; step < steps; step++)
{
    picture.ClearGradient();
    using var tape = new Tape(device);
    Tensor loss = tape.Sum([.. Losses(tape)]);
    tape.Backward(loss);
    adam.Step();
    last = loss.ToArray()[0];
    if (step == 0) first = last;
    Console.Write($"\rstep {step + 1}: loss {last:0.000}");
}

PictureFile.Write(output, new Picture(picture.Shape[0], picture.Shape[1], picture.ToArray()));
Console.WriteLine($"\nloss {first:0.000} before, {last:0.000} before the last step: {output}");
return last < first ? 0 : 1;

// The losses of the picture. Each is recorded as soon as its map exists, since asking for the next map frees this one.
IEnumerable<Tensor> Losses(Tape tape)
{
    foreach ((string layer, Tensor map) in network.Features(tape, picture, 1f, layers))
    {
        if (layer == ContentLayer) yield return Relative(tape, map, contentTarget, ContentWeight);
        if (styleTargets.TryGetValue(layer, out Tensor? target))
            yield return Relative(tape, Gram(tape, map), target, StyleWeight / styleLayers.Length);
    }

    float variation = VariationWeight / picture.Shape.Length;
    yield return tape.TotalVariation(picture, new VariationWeights(variation, variation));
}

// weight ‖x - target‖² / ‖target‖²: by which share x misses its target.
Tensor Relative(Tape tape, Tensor x, Tensor target, float weight) =>
    tape.SquaredError(x, target, weight / (target.Norm() * target.Norm()));

Tensor Gram(Tape tape, Tensor map) => tape.Gram(map, 1f / (map.Shape[0] * map.Shape[1]));

Tensor Pixels(string path, bool learns)
{
    PictureSource file = PictureFile.Open(path);
    (int height, int width) = Resampler.FitInto(file.Height, file.Width, size);
    return new Tensor(device, new Shape(height, width, 3), file.At(height, width).Pixels, learns);
}
