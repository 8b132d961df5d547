using System.Text.Json.Nodes;
using NativeStyle.Kernels.Operators.Pool2x2;

namespace NativeStyle.Style.Tests;

public class OptionsJsonTests
{
    [Fact]
    public void EveryPresetIsWhatItsJsonSays()
    {
        foreach (TransferOptions preset in Presets.All)
        {
            string json = OptionsJson.Write(preset);
            Assert.Equal(json, OptionsJson.Write(OptionsJson.Read(json, name => Presets.Find(name))));
        }
    }

    [Fact]
    public void ABaseGivesWhatAFileLeavesOut()
    {
        const string Json = """
            {"base": "gatys", "name": "mine", "size": 99, "pooling": "l2",
            "styleLayers": [{"layer": "conv1_1", "weight": 1}]}
            """;
        TransferOptions options = OptionsJson.Read(Json, name => Presets.Find(name));
        Assert.Equal(
            ("mine", 99, Pooling.L2, OptimizerKind.Lbfgs),
            (options.Name, options.Size, options.Pooling, options.Optimizer));
        Assert.Single(options.StyleLayers);
    }

    [Theory]
    [InlineData("not json", "preset")]
    [InlineData("[1]", "object")]
    [InlineData("""{"base": "monet"}""", "monet coursera crowsonkb")]
    [InlineData("""{"base": 7}""", "7")]
    [InlineData("""{"base": "gatys", "sise": 5}""", "sise")]
    [InlineData("""{"base": "gatys", "size": -5}""", "size -5 0 32768")]
    [InlineData("""{"base": "gatys", "size": "big"}""", "preset")]
    [InlineData("""{"base": "gatys", "pooling": "none"}""", "pooling average")]
    [InlineData("""{"base": "gatys", "pooling": "least"}""", "preset")]
    [InlineData("""{"base": "gatys", "contentLayers": [{"layer": "conv9_9", "weight": 1}]}""", "conv9_9 conv1_1")]
    [InlineData("""{"base": "gatys", "styleLayers": []}""", "styleLayers")]
    [InlineData("""{"base": "gatys", "styleLayers": null}""", "preset")]
    [InlineData("""{"base": "gatys", "iterations": []}""", "iterations")]
    [InlineData("""{"base": "gatys", "learningRate": 0}""", "learningRate")]
    [InlineData("""{"base": "gatys", "architecture": "ResNet"}""", "ResNet VGG-19")]
    [InlineData(
        """{"base": "gatys", "styleLayers": [{"layer": "conv1_1", "weight": 1}, {"layer": "conv1_1", "weight": 1}]}""",
        "twice")]
    [InlineData("{}", "preset")]
    public void WhatIsWrongIsSaid(string json, string words)
    {
        string message =
            Assert.Throws<TransferException>(() => OptionsJson.Read(json, name => Presets.Find(name))).Message;
        foreach (string word in words.Split(' ')) Assert.Contains(word, message, StringComparison.Ordinal);
    }

    [Fact]
    public void ValuesOfAManifestReplaceTheBatchs()
    {
        var values = new JsonObject { ["size"] = 64, ["tvWeight"] = 3 };
        TransferOptions options = OptionsJson.With(Presets.Coursera, values);
        Assert.Equal((64, 3.0), (options.Size, options.TvWeight));
    }
}
