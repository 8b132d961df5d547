using ILGPU;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Memory;
using NativeStyle.Kernels.Operators;
using NativeStyle.Kernels.Operators.Gram;
using NativeStyle.Kernels.Operators.MatrixProduct;

namespace NativeStyle.Kernels.Tests;

/// <summary>Tests which form of an operator runs, and how wide its loads are.</summary>
public class FormTests
{
    private readonly Operator<int> _operator;
    private readonly List<string> _runs = [];

    public FormTests() => _operator = new Operator<int>("Test", length => ($"{length}", Work.Each(length, 1, 1)))
        .Vectorized((_, _) => _runs.Add("whole vectors"), (_, length) => length % 8 == 0)
        .Vectorized((_, _) => _runs.Add("vectorised"), (_, length) => length > 1)
        .Grouped((_, _) => _runs.Add("tiled"), (_, length) => length > 64, saving: 4)
        .Plain((_, _) => _runs.Add("plain"));

    [Theory]
    [InlineData("cpu", 16, "whole vectors")]
    [InlineData("cpu", 17, "vectorised")]
    [InlineData("cpu", 1, "plain")]
    [InlineData("gpu", 100, "tiled")]
    [InlineData("gpu", 16, "plain")]
    [InlineData("cpu-kernels", 100, "plain")]
    public void TheFirstFormThatIsForTheDeviceAndTakesTheArgumentsRuns(string name, int length, string expected)
    {
        using ComputeDevice device = name == "gpu"
            ? new FaultyDevice { FastGroups = true }
            : DeviceCatalog.Find(name)!.Open(1);
        _operator.Run(device, length);
        Assert.Equal(expected, Assert.Single(_runs));
    }

    [Fact]
    public void TheProfilerReportsTheSavingOfTheForm()
    {
        using var cpu = new CpuDevice(1) { Profiler = new Profiler() };
        _operator.Run(cpu, 17);
        ProfileEntry entry = Assert.Single(cpu.Profiler.Entries);
        Assert.Equal(("Test", "17", 1, 1.0), (entry.Operator, entry.Shape, entry.Calls, entry.Work.Saving));
        using var gpu = new FaultyDevice { FastGroups = true, Profiler = new Profiler() };
        _operator.Run(gpu, 100);
        Assert.Equal(4, Assert.Single(gpu.Profiler!.Entries).Work.Saving);
    }

    /// <summary>
    /// The products that the Gram matrix's vectorised form makes for each pixel, by hand: panels of 16 or 32 columns,
    /// each with the rows down to its last column, rounded up to 6. 64 channels by 16 columns: 18, 36, 48 and 66 rows.
    /// </summary>
    [Theory]
    [InlineData(128, 64, (18 + 36 + 48 + 66) * 16)]
    [InlineData(256, 64, (18 + 36 + 48 + 66) * 16)]
    [InlineData(512, 64, (36 + 66) * 32)]
    [InlineData(512, 128, (36 + 66 + 96 + 132) * 32)]
    [InlineData(256, 3, 6 * 16)]
    public void GramSavesWhatItsBlocksLeaveOut(int vectorBits, int channels, int products)
    {
        using var cpu = new CpuDevice(1, vectorBits) { Profiler = new Profiler() };
        using DeviceBuffer<float> features = cpu.Allocate<float>(channels);
        using DeviceBuffer<float> gram = cpu.Allocate<float>(channels * channels);
        features.View.HostSpan.Clear();
        GramOp.Forward(cpu, features.View, gram.View, 1, channels, 1f);
        double saving = Assert.Single(cpu.Profiler.Entries).Work.Saving;
        Assert.Equal((double)products, channels * channels / saving, 1e-9 * products);
    }

    /// <summary>Loads of 16 bytes need rows that start at 16 bytes and do not end within four floats.</summary>
    [Theory]
    [InlineData(64, 0, true)]
    [InlineData(64, 4, true)]
    [InlineData(64, 1, false)]
    [InlineData(64, 2, false)]
    [InlineData(3, 0, false)]
    [InlineData(66, 0, false)]
    public void LoadsAreWideOnlyWhereEveryRowAllowsIt(int channels, int offset, bool wide)
    {
        using var cpu = new CpuDevice(1);
        const int Rows = 5;
        using DeviceBuffer<float> aligned = cpu.Allocate<float>(Rows * channels);
        using DeviceBuffer<float> buffer = cpu.Allocate<float>((Rows * channels) + offset);
        ArrayView<float> view = buffer.View.SubView(offset, Rows * channels);
        // A product of (5, channels) and (channels, channels), and the Gram matrix of a (5, channels) map.
        var product = new MultiplyShape(Rows, channels, channels, 1, channels, 0, channels, 1, 0, channels, 0);
        MatrixProductOp.Widths widths =
            MatrixProductOp.Widths.Of(new(view, aligned.View, aligned.View, product, 1f, 0f));
        Assert.Equal(wide ? LoadWidth.Vector : LoadWidth.Scalar, widths.A);
        Assert.Equal(channels % 4 == 0 ? LoadWidth.Vector : LoadWidth.Scalar, widths.B);
        widths = MatrixProductOp.Widths.Of(new(aligned.View, aligned.View, view, product, 1f, 0f));
        Assert.Equal(wide ? LoadWidth.Vector : LoadWidth.Scalar, widths.C);
        var gram = new MultiplyShape(channels, channels, Rows, 1, Rows, 0, 1, channels, 0, channels, 0);
        widths = MatrixProductOp.Widths.Of(new(view, view, aligned.View, gram, 1f, 0f));
        Assert.Equal(wide ? LoadWidth.Vector : LoadWidth.Scalar, widths.A);
    }
}
