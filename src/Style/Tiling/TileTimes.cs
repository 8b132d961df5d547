using System.Diagnostics;
using System.Runtime.CompilerServices;
using NativeStyle.Autodiff;
using NativeStyle.Autodiff.Operators;
using NativeStyle.Kernels.Devices;
using NativeStyle.Vgg;

namespace NativeStyle.Style.Tiling;

/// <summary>
/// Estimates how long plans take, before anything runs. It counts operations, and takes the time of one from a
/// convolution on this device.
/// </summary>
internal sealed class TileTimes(ComputeDevice device)
{
    /// <summary>Bytes a second to and from scratch files, on an ordinary disk.</summary>
    private const double DiskPace = 2e8;

    /// <summary>Bytes a second of loops that only move memory.</summary>
    private const double CopyPace = 1e10;

    /// <summary>
    /// How many times longer an operation takes in the first layer, whose three channels fill no vectors, and in Gram
    /// matrices.
    /// </summary>
    private const double FirstLayerFactor = 6, GramFactor = 2.5;

    /// <summary>
    /// The cost of transforming a kernel, in operations for each pair of channels. It is paid once a pass and tile.
    /// </summary>
    private const double KernelTransform = 7500;

    private static readonly ConditionalWeakTable<ComputeDevice, Lazy<double>> s_measuredPaces = [];

    /// <summary>Seconds of an operation on this device. Each device is measured once.</summary>
    private readonly Lazy<double> _measuredPace =
        s_measuredPaces.GetValue(device, measured => new Lazy<double>(() => MeasurePace(measured)));

    /// <summary>
    /// Seconds of an operation when plans are compared. They are constants, so that the same limit always gives the
    /// same tiles, and these the same bytes.
    /// </summary>
    private readonly double _nominalPace = device.HasFastGroups ? 1 / 5e12 : 1 / 7e11;

    /// <summary>
    /// Seconds of an iteration, or of a pass over a target, in one segment, at the pace by which plans are compared.
    /// </summary>
    public double Of(SegmentPlan plan, bool iterates) => Of(plan, iterates, _nominalPace);

    /// <summary>Seconds of an iteration, or of a pass over a target, everything included.</summary>
    /// <param name="contentBytes">Bytes of the content targets.</param>
    /// <param name="measured">At the pace of this device instead of that by which plans are compared.</param>
    public double Of(TilePlan plan, bool iterates, long contentBytes, bool measured)
    {
        double pace = measured ? _measuredPace.Value : _nominalPace;
        double segments = plan.Segments.Sum(segment =>
            Of(segment, iterates, pace) + (segment.OutputOnDisk ? OutputDisk(segment, iterates) : 0));
        return segments + (iterates && plan.TargetsOnDisk ? TargetDisk(contentBytes) : 0);
    }

    /// <summary>
    /// Seconds for a map between segments that is on disk. The map is written once and read in each pass. Its gradient
    /// is cleared, added to, and read.
    /// </summary>
    public static double OutputDisk(SegmentPlan segment, bool iterates) =>
        segment.OutputBytes * (iterates ? 7 : 2) / DiskPace;

    /// <summary>Seconds for content targets that are on disk: each pass reads them.</summary>
    public static double TargetDisk(long contentBytes) => 2 * contentBytes / DiskPace;

    private static double Of(SegmentPlan plan, bool iterates, double pace)
    {
        Segment segment = plan.Segment;
        (int height, int width) = segment.Cells;
        double tiles =
            Math.Ceiling((double)height / plan.Cells.Height) * Math.Ceiling((double)width / plan.Cells.Width);
        bool isWhole = tiles == 1 && segment.ReadsPixels && !segment.HasOutput;
        double operations = 0, bytes = 0;
        for (int i = 0; i < segment.Steps.Count; i++)
        {
            VggLayer layer = segment.Steps[i].Layer;
            int level = segment.Level(layer);
            double pixels = segment.PixelsOfWindows(plan.Cells, level);
            double pairs = (double)layer.InChannels * layer.OutChannels;
            switch (segment.Steps[i])
            {
                case ConvolutionStep:
                    double factor = layer.ReadsPixels ? FirstLayerFactor : 1;
                    double pass = (18 * pairs * pixels * factor) + (tiles * pairs * KernelTransform);
                    bool again = !isWhole && (!plan.SavesGates || i < segment.Head.Count);
                    operations += pass * (!iterates ? 1 : again ? 3 : 2);
                    break;
                case TapStep:
                    (int rows, int columns) = segment.SizeAt(level);
                    double gram = (double)layer.OutChannels * layer.OutChannels * rows * columns * GramFactor;
                    operations += gram * (iterates ? 3 : 1);
                    bytes += isWhole ? 0 : sizeof(float) * pixels * layer.OutChannels * (iterates ? 7 : 2);
                    break;
            }
        }

        return (operations * pace) + (bytes / CopyPace);
    }

    /// <summary>Measures the seconds of an operation in a convolution of many channels.</summary>
    private static double MeasurePace(ComputeDevice device)
    {
        const int Side = 64, Channels = 128;
        using var layer =
            new Conv3x3Layer(device, new float[9 * Channels * Channels], new float[Channels], frozen: true);
        using var x = new Tensor(device, new Shape(Side, Side, Channels));
        x.Fill(1f);
        double best = double.PositiveInfinity;
        for (int i = 0; i < 6; i++)
        {
            device.Synchronize();
            long start = Stopwatch.GetTimestamp();
            using (var tape = new Tape(device)) tape.Conv3x3(x, layer);
            device.Synchronize();
            best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalSeconds);
        }

        return best / (18.0 * Side * Side * Channels * Channels);
    }
}
