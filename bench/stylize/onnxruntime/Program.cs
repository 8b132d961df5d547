// Times ONNX Runtime on the network that bench/stylize/torch_network.py makes, and compares what it draws with PyTorch.
//
//   OnnxRuntimeBench DIR [ITERATIONS [THREADS]]       default: 5 iterations, 2 threads
//
// DIR has network.onnx, input.raw and output.raw. Prints a line of JSON: the median of the runs after one that does not
// count, and the largest difference of a number from output.raw. Exits with 1 if that is more than rounding: the times of
// different networks are no comparison.
using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Text.Json;
using Microsoft.ML.OnnxRuntime;

if (args is not [var folder, ..])
{
    Console.Error.WriteLine("usage: OnnxRuntimeBench DIR [ITERATIONS [THREADS]]");
    return 2;
}

int iterations = args.Length > 1 ? int.Parse(args[1], CultureInfo.InvariantCulture) : 5;
int threads = args.Length > 2 ? int.Parse(args[2], CultureInfo.InvariantCulture) : 2;
using var options = new SessionOptions
{
    IntraOpNumThreads = threads,
    InterOpNumThreads = 1,
    ExecutionMode = ExecutionMode.ORT_SEQUENTIAL,
    GraphOptimizationLevel = GraphOptimizationLevel.ORT_ENABLE_ALL,
};
using var session = new InferenceSession(Path.Combine(folder, "network.onnx"), options);
(string name, NodeMetadata input) = session.InputMetadata.Single();
long[] shape = Array.ConvertAll(input.Dimensions, side => (long)side);
float[] picture = Read("input.raw"), expected = Read("output.raw");
using var value = OrtValue.CreateTensorValueFromMemory(picture, shape);
using var run = new RunOptions();
double[] seconds = new double[iterations];
double difference = 0;
for (int i = -1; i < iterations; i++)
{
    long start = Stopwatch.GetTimestamp();
    using IDisposableReadOnlyCollection<OrtValue> results = session.Run(run, [name], [value], session.OutputNames);
    if (i >= 0)
    {
        seconds[i] = Stopwatch.GetElapsedTime(start).TotalSeconds;
        continue;
    }

    ReadOnlySpan<float> drawn = results[0].GetTensorDataAsSpan<float>();
    if (drawn.Length != expected.Length)
        throw new InvalidDataException($"{folder}/output.raw has {expected.Length} numbers, expected {drawn.Length}");
    for (int n = 0; n < drawn.Length; n++) difference = Math.Max(difference, Math.Abs(drawn[n] - expected[n]));
}

Array.Sort(seconds);
using var process = Process.GetCurrentProcess();
Console.WriteLine(JsonSerializer.Serialize(new
{
    onnxruntime = typeof(InferenceSession).Assembly
        .GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0],
    threads,
    height = shape[2],
    width = shape[3],
    seconds = Math.Round((seconds[(iterations - 1) / 2] + seconds[iterations / 2]) / 2, 4),
    seconds_min = Math.Round(seconds[0], 4),
    max_difference = difference,
    peak_rss_mb = process.PeakWorkingSet64 >> 20,
}));
double largest = expected.Max(Math.Abs);
if (difference <= 1e-4 * largest) return 0;
Console.Error.WriteLine($"ONNX Runtime differs from {folder}/output.raw by {difference}, whose largest number is {largest}");
return 1;

float[] Read(string file) =>
    MemoryMarshal.Cast<byte, float>(File.ReadAllBytes(Path.Combine(folder, file))).ToArray();
