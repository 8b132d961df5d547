using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using NativeStyle.Vgg;
using NativeStyle.Vgg.Weights;

namespace NativeStyle.FeedForward.Tests;

public class ModelFileTests
{
    private static readonly Dictionary<string, string> s_made = new()
    {
        [StyleModel.StyleKey] = "wave.jpg",
        [StyleModel.OptionsKey] = "{\"style-weight\":1e10}",
    };

    /// <summary>Reads each file that PyTorch wrote, and compares a filter with the numbers that numpy wrote.</summary>
    [Theory]
    [InlineData("small_zip.pth")]
    [InlineData("small_zip_running.pth")]
    [InlineData("small_legacy.pth")]
    [InlineData("small_before_0_4.pth")]
    public void PyTorchsFilesAreRead(string name)
    {
        StyleModel model = ModelFile.Read(Fixtures.Of(name));
        Assert.Equal(Fixtures.Architecture, model.Weights.Architecture);
        Assert.Equal(name, model.Source);
        Assert.Contains("PyTorch", model.Format, StringComparison.Ordinal);
        float[] expected = Fixtures.Numbers("conv2_weight.f32"), filter = model.Weights["conv2.conv2d.weight"];
        for (int o = 0; o < 8; o++)
        for (int i = 0; i < 4; i++)
        for (int tap = 0; tap < 9; tap++)
            Assert.Equal(expected[(((o * 4) + i) * 9) + tap], filter[(((tap * 4) + i) * 8) + o]);
        TransformerWeights zip = ModelFile.Read(Fixtures.Of("small_zip.pth")).Weights;
        Assert.All(Fixtures.Architecture.Parameters, each => Assert.Equal(zip[each.Name], model.Weights[each.Name]));
    }

    /// <summary>In half precision each number is the float16 nearest to the original: 11 significant bits.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void AModelIsReadAsItWasWritten(bool half)
    {
        using var folder = new TemporaryFolder();
        string file = folder.File("style.model");
        TransformerWeights written = TransformerWeights.Random(new TransformerArchitecture(3, 7, 5, 3), 2);
        ModelFile.Write(file, written, s_made, half);
        StyleModel read = ModelFile.Read(file);
        Assert.Equal(written.Architecture, read.Weights.Architecture);
        foreach (TransformerParameter parameter in written.Architecture.Parameters)
        {
            float[] expected = written[parameter.Name];
            Assert.Equal(half ? Array.ConvertAll(expected, Round) : expected, read.Weights[parameter.Name]);
        }

        Assert.Equal(".safetensors", read.Format);
        Assert.All(s_made, item => Assert.Equal(item.Value, read.Metadata[item.Key]));
        Assert.Equal(["style.model"], Directory.GetFiles(folder.Path).Select(Path.GetFileName));

        // Rounds ties to even, without the type under test.
        static float Round(float value)
        {
            if (value == 0) return 0;
            double unit = Math.Pow(2, Math.Max(Math.Floor(Math.Log2(Math.Abs(value))), -14) - 10);
            return (float)(Math.Round(value / unit, MidpointRounding.ToEven) * unit);
        }
    }

    /// <summary>The tensors of a written file have PyTorch's names, order, layout and bytes.</summary>
    [Fact]
    public void AWrittenModelHasPyTorchsLayout()
    {
        var stream = new MemoryStream();
        ModelFile.Write(stream, ModelFile.Read(Fixtures.Of("small_zip.pth")).Weights, s_made);
        byte[] bytes = stream.ToArray();
        int length = BitConverter.ToInt32(bytes);
        using JsonDocument header = JsonDocument.Parse(bytes.AsMemory(8, length));
        string[] names =
        [
            "__metadata__", "conv1.conv2d.weight", "conv1.conv2d.bias", "in1.weight", "in1.bias", "conv2.conv2d.weight",
        ];
        Assert.Equal(names, header.RootElement.EnumerateObject().Take(6).Select(item => item.Name));
        JsonElement entry = header.RootElement.GetProperty("conv2.conv2d.weight");
        Assert.Equal("[8,4,3,3]", entry.GetProperty("shape").GetRawText());
        int at = 8 + length + entry.GetProperty("data_offsets")[0].GetInt32();
        float[] expected = Fixtures.Numbers("conv2_weight.f32");
        Assert.Equal(expected, MemoryMarshal.Cast<byte, float>(bytes.AsSpan(at, 4 * expected.Length)).ToArray());
    }

    [Theory]
    [InlineData("lacks res2.in1.weight, expected 38 tensors for 4, 8, 8 channels and 2 residual blocks")]
    [InlineData("lacks res1.conv1.conv2d.weight, res1.conv1.conv2d.bias, res1.in1.weight and 5 more")]
    [InlineData("lacks conv2.conv2d.weight")]
    [InlineData("also has in6.weight, expected only the 38 tensors")]
    [InlineData("res1.conv2.conv2d.bias has the shape (7), expected (8) in a network of 4, 8, 8 channels")]
    [InlineData("conv1.conv2d.weight has the shape (8, 4, 3, 3), expected (8, 3, 9, 9)")]
    [InlineData("conv3.conv2d.weight has the shape (8), expected (out, in, height, width)")]
    [InlineData("conv3.conv2d.weight has the shape (5000, 1, 1, 1), expected (out, in, height, width) with 1 to 1024")]
    [InlineData("in5.bias holds the number NaN")]
    [InlineData("deconv3.conv2d.weight holds the number Infinity")]
    [InlineData("is .safetensors with 1 tensors and no conv1.conv2d.weight, expected a style model")]
    [InlineData("is a style model of version '2', expected 1")]
    public void AnotherNetworkIsAnErrorThatSaysWhatIsWrong(string words)
    {
        Dictionary<string, (int[] Shape, float[] Values)> arrays = Tensors();
        var metadata = new Dictionary<string, string>();
        void Replace(string name, params int[] shape) =>
            arrays[name] = (shape, new float[shape.Aggregate(1, (product, size) => product * size)]);
        switch (words.Split(',')[0])
        {
            case "lacks res2.in1.weight":
                arrays.Remove("res2.in1.weight");
                break;
            case "lacks res1.conv1.conv2d.weight":
                foreach (string name in arrays.Keys.Where(name => name.StartsWith("res", StringComparison.Ordinal)))
                    arrays.Remove(name);
                break;
            case "lacks conv2.conv2d.weight":
                arrays.Remove("conv2.conv2d.weight");
                break;
            case "also has in6.weight":
                Replace("in6.weight", 8);
                break;
            case "res1.conv2.conv2d.bias has the shape (7)":
                Replace("res1.conv2.conv2d.bias", 7);
                break;
            case "conv1.conv2d.weight has the shape (8":
                Replace("conv1.conv2d.weight", 8, 4, 3, 3);
                break;
            case "conv3.conv2d.weight has the shape (8)":
                Replace("conv3.conv2d.weight", 8);
                break;
            case "conv3.conv2d.weight has the shape (5000":
                Replace("conv3.conv2d.weight", 5000, 1, 1, 1);
                break;
            case "in5.bias holds the number NaN":
                arrays["in5.bias"].Values[2] = float.NaN;
                break;
            case "deconv3.conv2d.weight holds the number Infinity":
                arrays["deconv3.conv2d.weight"].Values[^1] = float.PositiveInfinity;
                break;
            case "is .safetensors with 1 tensors and no conv1.conv2d.weight":
                arrays = new() { ["a"] = ([1], [1]) };
                break;
            default:
                (metadata["format"], metadata["version"]) = ("NativeStyle style model", "2");
                break;
        }

        using var folder = new TemporaryFolder();
        string file = folder.File("wrong.safetensors");
        using (FileStream stream = File.Create(file))
        {
            SafeTensors.Write(
                stream, [.. arrays.Select(item => (item.Key, item.Value.Shape, item.Value.Values))], metadata);
        }

        AssertRefused(file, words);
    }

    [Fact]
    public void AFileOfVggIsCalledSo()
    {
        using var folder = new TemporaryFolder();
        string file = folder.File("vgg.safetensors");
        using (FileStream stream = File.Create(file))
            WeightsFile.Save(RandomWeights.Create(VggArchitecture.Vgg19, 1, "conv1_2"), stream, "");
        AssertRefused(file, "is .safetensors with VGG's weights, expected a style model");
        AssertRefused(Fixtures.Of("torchvision_zip.pth"), "is PyTorch state dictionary with VGG's weights");
    }

    [Theory]
    [InlineData("", "is empty, expected a style model")]
    [InlineData("# Models of\n", "begins with bytes 23204d6f64656c73, expected a style model")]
    [InlineData("PK\u0003\u0004 and no archive", "is damaged or truncated")]
    public void AFileOfAnotherKindIsAnError(string text, string words)
    {
        using var folder = new TemporaryFolder();
        string file = folder.File("some.pth");
        File.WriteAllText(file, text, Encoding.Latin1);
        AssertRefused(file, words);
    }

    /// <summary>Half of a file is never a model, wherever it ends.</summary>
    [Theory]
    [InlineData("small_zip.pth")]
    [InlineData("small_legacy.pth")]
    public void ATruncatedFileIsAnError(string name)
    {
        using var folder = new TemporaryFolder();
        string file = folder.File("cut");
        byte[] whole = File.ReadAllBytes(Fixtures.Of(name));
        for (int length = 0; length < whole.Length - 4; length += 997)
        {
            File.WriteAllBytes(file, whole[..length]);
            AssertRefused(file, "");
        }
    }

    [Fact]
    public void ANumberThatNoModelMayHaveIsNotWritten()
    {
        using var folder = new TemporaryFolder();
        string file = folder.File("model.safetensors");
        File.WriteAllText(file, "before");
        TransformerWeights weights = TransformerWeights.Random(Fixtures.Architecture, 1);
        weights["in2.weight"][1] = 70_000;
        var large = Assert.Throws<OverflowException>(() => ModelFile.Write(file, weights, s_made, half: true));
        Assert.Contains("in2.weight", large.Message, StringComparison.Ordinal);
        weights["in2.weight"][1] = float.NaN;
        var error = Assert.Throws<InvalidDataException>(() => ModelFile.Write(file, weights, s_made));
        Assert.Contains("in2.weight holds the number NaN", error.Message, StringComparison.Ordinal);
        Assert.Equal("before", File.ReadAllText(file));
        Assert.Single(Directory.GetFiles(folder.Path));
    }

    private static void AssertRefused(string file, string words)
    {
        var error = Assert.Throws<InvalidDataException>(() => ModelFile.Read(file));
        Assert.StartsWith(file, error.Message, StringComparison.Ordinal);
        Assert.Contains(words, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);
    }

    /// <summary>The tensors of a model in PyTorch's shapes, with numbers that are all one.</summary>
    private static Dictionary<string, (int[] Shape, float[] Values)> Tensors() =>
        Fixtures.Architecture.Parameters.ToDictionary(each => each.Name, each =>
        {
            Autodiff.Shape shape = each.Shape;
            int[] torch = each.IsFilter ? [shape[3], shape[2], shape[0], shape[1]] : [shape[0]];
            float[] values = new float[shape.Length];
            Array.Fill(values, 1f);
            return (torch, values);
        });
}
