using NativeStyle.Autodiff;
using NativeStyle.GradientCheck.References;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Operators.Conv3x3;
using NativeStyle.Kernels.Operators.Pool2x2;
using NativeStyle.Vgg.Weights;

namespace NativeStyle.Vgg.Tests;

public class NetworkTests
{
    [Fact]
    public void TheArchitecturesAreThoseOfThePaper()
    {
        Assert.Equal(16, VggArchitecture.Vgg19.Layers.Count);
        Assert.Equal(13, VggArchitecture.Vgg16.Layers.Count);
        IEnumerable<string> middle = VggArchitecture.Vgg19.Layers.Skip(4).Take(5).Select(layer => layer.Name);
        Assert.Equal(["conv3_1", "conv3_2", "conv3_3", "conv3_4", "conv4_1"], middle);
        Assert.Equal(256, VggArchitecture.Vgg16.Find("relu4_1")!.InChannels);
        Assert.Equal(512, VggArchitecture.Vgg16.Find("CONV4_1")!.OutChannels);
        Assert.Null(VggArchitecture.Vgg16.Find("conv3_4"));
    }

    /// <summary>The shapes that the coursera assignment prints for 300 x 400.</summary>
    [Theory]
    [InlineData("conv1_2", 300, 400)]
    [InlineData("conv2_1", 150, 200)]
    [InlineData("conv3_1", 75, 100)]
    [InlineData("conv4_2", 38, 50)]
    [InlineData("conv5_1", 19, 25)]
    public void SizesRoundUpWithSamePadding(string layer, int height, int width) => Assert.Equal(
        (height, width), VggArchitecture.SizeAt(VggArchitecture.Vgg19.Find(layer)!, 300, 400, PoolEdge.Same));

    /// <summary>
    /// Compares feature maps of layers in all blocks with the same network computed by MathNet in double precision.
    /// Thirteen convolutions in a row agree to 2e-5 each, so 1e-4 leaves room for their errors to add up.
    /// </summary>
    [Theory]
    [InlineData(Pooling.Average, PoolEdge.Same, Padding.Replicate)]
    [InlineData(Pooling.Max, PoolEdge.Floor, Padding.Zero)]
    public void FeaturesAgreeWithTheReference(Pooling pooling, PoolEdge edge, Padding padding)
    {
        const int Height = 19, Width = 22;
        VggWeights weights = RandomWeights.Create(VggArchitecture.Vgg19, 7, "conv5_1");
        string[] layers = ["conv1_1", "conv2_1", "conv3_1", "conv4_2", "conv5_1"];
        float[] pixels = new float[Height * Width * 3];
        var random = new Random(7);
        for (int i = 0; i < pixels.Length; i++) pixels[i] = random.NextSingle();
        using var cpu = new CpuDevice(2);
        using var network = new VggNetwork(cpu, weights, new VggOptions(pooling, edge, padding));
        using var image = new Tensor(cpu, new Shape(Height, Width, 3), pixels);
        using var tape = new Tape(cpu);
        Dictionary<string, (Shape Shape, float[] Values)> maps = network.Features(tape, image, 1f, layers)
            .ToDictionary(feature => feature.Layer, feature => (feature.Map.Shape, feature.Map.ToArray()));

        double[] x = [.. pixels.Select((value, i) => (255.0 * value) - weights.Mean[i % 3])];
        (int height, int width, int block) = (Height, Width, 1);
        foreach (VggLayer layer in weights.Architecture.Layers.TakeWhile(layer => layer.Name != "conv5_2"))
        {
            if (layer.Block != block)
            {
                var pool = new PoolShape(height, width, layer.InChannels, edge);
                x = pooling == Pooling.Average ? PoolReference.Average(x, pool) : PoolReference.Max(x, pool);
                (height, width, block) = (pool.OutHeight, pool.OutWidth, layer.Block);
            }

            Padding edges = layer.InChannels == 3 ? padding : Padding.Zero;
            var shape = new Conv3x3Shape(height, width, layer.InChannels, layer.OutChannels, edges);
            LayerWeights w = weights.Layers[layer.Name];
            x = VectorReference.Relu(ConvolutionReference.Forward(
                x, Array.ConvertAll(w.Filter, v => (double)v), Array.ConvertAll(w.Bias, v => (double)v), shape));
            if (!layers.Contains(layer.Name)) continue;
            Assert.Equal(new Shape(height, width, layer.OutChannels), maps[layer.Name].Shape);
            Assert.True(GradientCheck.GradientChecker.RelativeError(maps[layer.Name].Values, x) < 1e-4, layer.Name);
        }
    }

    /// <summary>
    /// With random weights, activations neither vanish nor explode: mean squares stay within a factor of ten of the
    /// pixels'.
    /// </summary>
    [Fact]
    public void RandomWeightsKeepTheScaleOfActivations()
    {
        const int Size = 128;
        float[] pixels = new float[Size * Size * 3];
        for (int i = 0; i < pixels.Length; i++)
        {
            (int row, int column, int channel) = (i / 3 / Size, i / 3 % Size, i % 3);
            pixels[i] = 0.5f + (0.25f * MathF.Sin(column * 0.3f)) + (0.2f * MathF.Cos((row * 0.2f) + channel));
        }

        string[] layers = [.. VggArchitecture.Vgg19.Layers.Take(13).Select(layer => layer.Name)];
        using var cpu = new CpuDevice(2);
        using var network = new VggNetwork(
            cpu, RandomWeights.Create(VggArchitecture.Vgg19, 2, "conv5_1"), new VggOptions(PoolEdge: PoolEdge.Same));
        using var image = new Tensor(cpu, new Shape(Size, Size, 3), pixels);
        using var tape = new Tape(cpu);
        double pixelSquare =
            pixels.Select((value, i) => Math.Pow((255 * value) - VggWeights.CaffeMean[i % 3], 2)).Average();
        foreach ((string name, Tensor map) in network.Features(tape, image, 1f, layers))
        {
            double meanSquare = map.ToArray().Average(value => (double)value * value) / pixelSquare;
            Assert.True(meanSquare is > 0.1 and < 10, $"{name}: {meanSquare:g3} of the pixels' mean square");
        }
    }

    [Fact]
    public void ATooSmallPictureOrAMissingLayerIsAnError()
    {
        using var cpu = new CpuDevice(1);
        VggWeights weights = RandomWeights.Create(VggArchitecture.Vgg19, 1, "conv2_1");
        using var network = new VggNetwork(cpu, weights, new VggOptions());
        using var image = new Tensor(cpu, new Shape(1, 8, 3), new float[24]);
        using var tape = new Tape(cpu);
        Assert.Throws<ArgumentException>(() => network.Features(tape, image, 1f, ["conv2_1"]).ToList());
        Assert.Throws<ArgumentException>(() => network.Features(tape, image, 1f, ["conv2_2"]).ToList());
    }
}
