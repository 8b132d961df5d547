using System.Text.Json.Nodes;
using NativeStyle.Kernels.Operators.Pool2x2;
using NativeStyle.Style.Options;

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
    [InlineData("{}", "preset contentLayers learningRate")]
    [InlineData("""{"base": "gatys", "pooling": "Average", "pooling": "max"}""", "preset pooling")]
    [InlineData("""{"base": "mine.json"}""", "mine.json coursera crowsonkb")]
    [InlineData("""{"base": "gatys", "styleLayers": [null]}""", "preset styleLayers")]
    [InlineData("""{"base": "gatys", "printEvery": 1.5}""", "preset printEvery 1.5")]
    [InlineData("""{"base": "gatys", "styleLayers": [{"layer": "conv1_1", "layer": "conv2_1"}]}""", "preset layer")]
    [InlineData("""{"base": "\ud800"}""", "preset")]
    [InlineData("""{"base": "gatys", "name": "\ud800"}""", "preset")]
    [InlineData("""{"base": "gatys", "\ud800": 1}""", "preset")]
    public void WhatIsWrongIsSaid(string json, string words)
    {
        string message =
            Assert.Throws<TransferException>(() => OptionsJson.Read(json, name => Presets.Find(name))).Message;
        foreach (string word in words.Split(' ')) Assert.Contains(word, message, StringComparison.Ordinal);
    }

    [Fact]
    public void AFileMayHaveComments() => Assert.Equal(
        12, OptionsJson.Read("""
            // Mine.
            {
              "base": "gatys", /* the paper */
              "size": 12 // small
            }
            """, name => Presets.Find(name)).Size);

    /// <summary>Values that a file leaves out, without naming a base, have their common default.</summary>
    [Fact]
    public void WithoutABaseWhatIsNotRequiredHasItsDefault()
    {
        JsonObject json = JsonNode.Parse(OptionsJson.Write(Presets.DefaultRandom))!.AsObject();
        string[] names = ["seed", "history", "beta1", "epsilon", "styleLoss", "architecture"];
        foreach (string name in names) json.Remove(name);
        TransferOptions options = OptionsJson.Read(json.ToJsonString(), _ => null);
        Assert.Equal(
            (1, 10, 0.9f, 1e-8f, StyleLoss.Gram),
            (options.Seed, options.History, options.Beta1, options.Epsilon, options.StyleLoss));
        Assert.Equal("VGG-19", options.Architecture);
    }

    [Theory]
    [InlineData("""{"size": 64, "size": 65}""", "size")]
    [InlineData("""{"sise": 64}""", "sise")]
    [InlineData("""{"size": "64"}""", "size 32768")]
    public void WrongValuesOfAManifestAreSaid(string json, string words)
    {
        string message = Assert.Throws<TransferException>(
            () => OptionsJson.With(Presets.Coursera, JsonNode.Parse(json)!.AsObject())).Message;
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
