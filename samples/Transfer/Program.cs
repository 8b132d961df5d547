// A transfer as a library call: pictures in, a preset, progress and Ctrl-C, a picture out. In three lines:
//
//   PictureSource content = PictureFile.Open("photo.jpg"), style = PictureFile.Open("painting.jpg");
//   TransferResult result = StyleTransfer.Run(content, style);
//   PictureFile.Write("art.png", result.Picture);
//
// This program does the same step by step, with the network and the device in its own hands.
// Run it from the root of the repository, optimised, since a debug build takes minutes:
//
//   dotnet run -c Release --project samples/Transfer -- [CONTENT [STYLE [OUTPUT [SIZE [STEPS]]]]]
//
// Exit code 0: done; 130: Ctrl-C, and the picture so far was written; 1: the run ended early.
using System.Globalization;
using NativeStyle.Imaging;
using NativeStyle.Kernels.Devices;
using NativeStyle.Style;
using NativeStyle.Style.Options;
using NativeStyle.Vgg;
using NativeStyle.Vgg.Weights;

string Argument(int i, string otherwise) => args.Length > i ? args[i] : otherwise;
PictureSource content = PictureFile.Open(Argument(0, "samples/content/town.jpg"));
PictureSource style = PictureFile.Open(Argument(1, "samples/style/strokes.jpg"));
string output = Argument(2, "out-transfer.png");

// A preset is a record, so a copy can replace some values. The run goes from coarse to fine; iterations are per scale.
TransferOptions options =
    Presets.DefaultCompact with { Size = int.Parse(Argument(3, "256"), CultureInfo.InvariantCulture) };
if (args.Length > 4) options = options with { Iterations = [int.Parse(args[4], CultureInfo.InvariantCulture)] };
int total = Schedule.Plan(options, content.Height, content.Width).Sum(scale => scale.Iterations);

// The device is a GPU if a test shows that it is right and faster than the CPU. Otherwise it is the CPU.
using ComputeDevice device = AutoDevice.OfThisMachine.Open();
using VggNetwork network =
    VggNetwork.Load(device, () => WeightsFile.Load(CompactNetwork.Name, options.Layers), options.Network);

// The first Ctrl-C ends the run after the current iteration and keeps the picture so far. The second ends the program.
using var cancellation = new CancellationTokenSource();
Console.CancelKeyPress += (_, pressed) =>
{
    pressed.Cancel = !cancellation.IsCancellationRequested;
    cancellation.Cancel();
};
var transfer = new StyleTransfer(device, network, options)
{
    Progress = (report, _) => Console.Write($"\riteration {report.Iteration} of {total}: loss {report.Loss:0.000}"),
};
TransferResult result = transfer.Run(new TransferInputs(content, [new StyleInput(style)]), cancellation.Token);

PictureFile.Write(output, result.Picture);
Console.WriteLine($"\n{result.End} after {result.IterationsMade} iterations: {output}");
return result.End switch { TransferEnd.Completed => 0, TransferEnd.Cancelled => 130, _ => 1 };
