// A loss of your own: the content takes on the mean of each channel of the style's features, and nothing else of it.
//
//   L(x) = Σ_layers Σ_c (m_c(x) - m_c(style))² / Σ_c m_c(style)²        m_c = the mean of channel c over positions
//
// A Gram matrix says which features come together. These means say only how much there is of each.
// Run it from the root of the repository, optimised, since a debug build takes minutes:
//
//   dotnet run -c Release --project samples/OwnLoss -- [CONTENT [STYLE [OUTPUT [SIZE [STEPS]]]]]
//
// It writes the picture, and prints the loss before and after. Exit code 0: the loss fell; 1: it did not.
using System.Globalization;
using NativeStyle.Autodiff;
using NativeStyle.Autodiff.Operators;
using NativeStyle.Imaging;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Operators.Adam;
using NativeStyle.Vgg;
using NativeStyle.Vgg.Weights;

string Argument(int i, string otherwise) => args.Length > i ? args[i] : otherwise;
string output = Argument(2, "out-own-loss.png");
int size = int.Parse(Argument(3, "256"), CultureInfo.InvariantCulture);
int steps = int.Parse(Argument(4, "60"), CultureInfo.InvariantCulture);
string[] layers = ["conv1_1", "conv2_1", "conv3_1"];

using var device = new CpuDevice();
using VggNetwork network =
    VggNetwork.Load(device, () => WeightsFile.Load(CompactNetwork.Name, layers), new VggOptions());

// The style's means are constants, because its pixels require no gradient. They live as long as their tape.
using var targetTape = new Tape(device);
using Tensor style = Pixels(Argument(1, "samples/style/mosaic.jpg"), learns: false);
Dictionary<string, Tensor> targets = network.Features(targetTape, style, 1f, layers)
    .ToDictionary(feature => feature.Layer, feature => targetTape.ChannelMean(feature.Map));

// The picture is the parameter. Adam calls the loss for its gradient, and moves each pixel against it.
using Tensor picture = Pixels(Argument(0, "samples/content/town.jpg"), learns: true);
using var adam = new AdamOptimizer(picture, new AdamSettings(LearningRate: 0.02f), bounds: (0f, 1f));
double before = Loss();
for (int step = 0; step < steps; step++) adam.Step(Loss);
double after = Loss();

PictureFile.Write(output, new Picture(picture.Shape[0], picture.Shape[1], picture.ToArray()));
Console.WriteLine($"loss {before:0.0000} before, {after:0.0000} after {steps} steps: {output}");
return after < before ? 0 : 1;

// Records each layer's loss as soon as its map exists. When the loop asks for the next map, this one's memory is freed.
double Loss()
{
    picture.ClearGradient();
    using var tape = new Tape(device);
    Tensor loss = tape.Sum([.. network.Features(tape, picture, 1f, layers).Select(feature =>
    {
        Tensor target = targets[feature.Layer];
        return tape.SquaredError(tape.ChannelMean(feature.Map), target, scale: 1f / (target.Norm() * target.Norm()));
    })]);
    tape.Backward(loss);
    return loss.ToArray()[0];
}

Tensor Pixels(string path, bool learns)
{
    PictureSource file = PictureFile.Open(path);
    (int height, int width) = Resampler.FitInto(file.Height, file.Width, size);
    return new Tensor(device, new Shape(height, width, 3), file.At(height, width).Pixels, learns);
}
