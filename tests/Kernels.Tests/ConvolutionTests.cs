using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Memory;
using NativeStyle.Kernels.Operators.Convolution;

namespace NativeStyle.Kernels.Tests;

/// <summary>
/// What the gradient check does not see of a convolution of any kernel size and stride: not-a-number, the old content
/// of what is overwritten, and the bytes for other numbers of threads.
/// </summary>
public class ConvolutionTests
{
    /// <summary>Each layout of the CPU's products, with and without a stride.</summary>
    private static readonly ConvolutionShape[] s_shapes =
    [
        new(11, 14, 3, 16, 9), new(12, 15, 16, 3, 9), new(9, 10, 16, 32, 3, 2), new(14, 13, 5, 3, 2, 3),
        new(8, 9, 32, 33, 3),
    ];

    [Theory]
    [InlineData("cpu")]
    [InlineData("cpu-256")]
    [InlineData("cpu-128")]
    [InlineData("cpu-kernels")]
    public void NotANumberPasses(string name)
    {
        using ComputeDevice device = TestDevice.Open(name);
        foreach (ConvolutionShape shape in s_shapes) CheckNotANumber(Compute(device, shape, byTiles: false), shape);
    }

    [Fact]
    public void NotANumberPassesInTheTiledForm()
    {
        using ComputeDevice device = TestDevice.Open("cpu-kernels");
        var shape = new ConvolutionShape(9, 10, 4, 8, 3, 2);
        CheckNotANumber(Compute(device, shape, byTiles: true), shape);
    }

    /// <summary>dx, dw and db lie in memory full of not-a-number before they are overwritten.</summary>
    [Theory]
    [InlineData("cpu")]
    [InlineData("cpu-256")]
    [InlineData("cpu-128")]
    public void WhatIsOverwrittenIsNotRead(string name)
    {
        using ComputeDevice device = TestDevice.Open(name);
        foreach (ConvolutionShape shape in s_shapes)
        {
            Results results = Compute(device, shape, byTiles: false, finite: true);
            foreach (float[] values in new[] { results.Y, results.Dx, results.Dw, results.Db })
                Assert.All(values, value => Assert.True(float.IsFinite(value), $"{shape}: {value}"));
        }
    }

    [Fact]
    public void TheBytesDoNotDependOnTheNumberOfThreads()
    {
        using CpuDevice one = new(1), three = new(3);
        foreach (ConvolutionShape shape in s_shapes)
        {
            ConvolutionShape tall = shape with { Height = 67 };
            Results expected = Compute(one, tall, byTiles: false, finite: true);
            Results actual = Compute(three, tall, byTiles: false, finite: true);
            Assert.Equal(expected.Y, actual.Y);
            Assert.Equal(expected.Dx, actual.Dx);
            Assert.Equal(expected.Dw, actual.Dw);
            Assert.Equal(expected.Db, actual.Db);
        }
    }

    /// <summary>Computes everything, with one not-a-number in x (for y and dw) and one in dy (for dx and db).</summary>
    private static Results Compute(ComputeDevice device, ConvolutionShape shape, bool byTiles, bool finite = false)
    {
        var random = new Random(1);
        float[] x = Values(shape.InLength), dy = Values(shape.OutLength), dyFinite = [.. dy];
        if (!finite)
        {
            x[InputAt(shape)] = float.NaN;
            dy[OutputAt(shape)] = float.NaN;
        }

        using DeviceBuffer<float> input = device.Allocate<float>(x);
        using DeviceBuffer<float> filter = device.Allocate<float>(Values(shape.FilterLength));
        using DeviceBuffer<float> bias = device.Allocate<float>(Values(shape.OutChannels));
        using DeviceBuffer<float> gradOutput = device.Allocate<float>(dy);
        using DeviceBuffer<float> finiteGradOutput = device.Allocate<float>(dyFinite);
        using DeviceBuffer<float> output = device.Allocate<float>(NotANumbers(shape.OutLength));
        using DeviceBuffer<float> gradInput = device.Allocate<float>(NotANumbers(shape.InLength));
        using DeviceBuffer<float> gradFilter = device.Allocate<float>(NotANumbers(shape.FilterLength));
        using DeviceBuffer<float> gradBias = device.Allocate<float>(NotANumbers(shape.OutChannels));
        if (byTiles)
        {
            ConvolutionGpu.Forward(device, new(input.View, filter.View, bias.View, output.View, shape));
            ConvolutionGpu.BackwardData(device, new(gradOutput.View, filter.View, gradInput.View, shape, 0f));
            ConvolutionGpu.BackwardWeights(
                device, new(input.View, finiteGradOutput.View, gradFilter.View, shape, 0f));
        }
        else
        {
            ConvolutionOp.Forward(device, input.View, filter.View, bias.View, output.View, shape);
            ConvolutionOp.BackwardData(device, gradOutput.View, filter.View, gradInput.View, shape, 0f);
            ConvolutionOp.BackwardWeights(device, input.View, finiteGradOutput.View, gradFilter.View, shape, 0f);
        }

        ConvolutionOp.BackwardBias(device, gradOutput.View, gradBias.View, shape, 0f);
        return new Results(
            output.GetAsArray(), gradInput.GetAsArray(), gradFilter.GetAsArray(), gradBias.GetAsArray());

        float[] Values(long length) => [.. Enumerable.Range(0, (int)length).Select(_ => random.NextSingle() - 0.5f)];

        static float[] NotANumbers(long length) => [.. Enumerable.Repeat(float.NaN, (int)length)];
    }

    /// <summary>
    /// Wherever a sum has a not-a-number, so does the result. It may reach neighbours of the same row.
    /// </summary>
    private static void CheckNotANumber(Results results, ConvolutionShape shape)
    {
        (int row, int column) = Pixel(InputAt(shape) / shape.InChannels, shape.Width);
        (int outRow, int outColumn) = Pixel(OutputAt(shape) / shape.OutChannels, shape.OutWidth);
        for (int i = 0; i < results.Y.Length; i++)
        {
            (int y, int x) = Pixel(i / shape.OutChannels, shape.OutWidth);
            bool seesRow = Sees(y, row, shape);
            if (seesRow && Sees(x, column, shape)) Assert.True(float.IsNaN(results.Y[i]), $"{shape}: y[{i}]");
            if (!seesRow) Assert.True(float.IsFinite(results.Y[i]), $"{shape}: y[{i}]");
        }

        for (int i = 0; i < results.Dx.Length; i++)
        {
            (int y, int x) = Pixel(i / shape.InChannels, shape.Width);
            bool seesRow = Sees(outRow, y, shape);
            if (seesRow && Sees(outColumn, x, shape)) Assert.True(float.IsNaN(results.Dx[i]), $"{shape}: dx[{i}]");
            if (!seesRow) Assert.True(float.IsFinite(results.Dx[i]), $"{shape}: dx[{i}]");
        }

        for (int i = 0; i < results.Dw.Length; i++)
        {
            (int tapRow, int tapColumn) = Pixel(i / shape.OutChannels / shape.InChannels, shape.Kernel);
            bool meets = i / shape.OutChannels % shape.InChannels == InputAt(shape) % shape.InChannels
                && Starts(row - tapRow, shape.OutHeight) && Starts(column - tapColumn, shape.OutWidth);
            if (meets) Assert.True(float.IsNaN(results.Dw[i]), $"{shape}: dw[{i}]");
        }

        Assert.All(
            results.Db.Index(),
            each => Assert.Equal(each.Index == OutputAt(shape) % shape.OutChannels, float.IsNaN(each.Item)));

        bool Starts(int place, int windows) =>
            place >= 0 && place % shape.Stride == 0 && place / shape.Stride < windows;
    }

    private static (int Row, int Column) Pixel(int pixel, int width) => (pixel / width, pixel % width);

    /// <summary>Whether a window sees a row of x, or a column.</summary>
    private static bool Sees(int window, int place, ConvolutionShape shape) =>
        place >= window * shape.Stride && place < (window * shape.Stride) + shape.Kernel;

    /// <summary>An element of x near the middle, in its second channel.</summary>
    private static int InputAt(ConvolutionShape shape) =>
        ((((shape.Height / 2) * shape.Width) + (shape.Width / 2)) * shape.InChannels) + 1;

    /// <summary>An element of dy near the middle, in its second channel.</summary>
    private static int OutputAt(ConvolutionShape shape) =>
        ((((shape.OutHeight / 2) * shape.OutWidth) + (shape.OutWidth / 2)) * shape.OutChannels) + 1;

    private sealed record Results(float[] Y, float[] Dx, float[] Dw, float[] Db);
}
