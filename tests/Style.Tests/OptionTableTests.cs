using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using NativeStyle.Style.Options;
using NativeStyle.Vgg;

namespace NativeStyle.Style.Tests;

/// <summary>The table holds all values of options, and files are written as they always were.</summary>
public class OptionTableTests
{
    /// <summary>The SHA-256 of each preset's JSON, from before there was a table.</summary>
    [Theory]
    [InlineData("default-random", "eb14de565136c3e3ddfc0b35b6d5b7183acc8a751d43cddb4c9352d81893ccbe")]
    [InlineData("default-trained", "d42140540fd4d2cfc69834c3caa218002cf4ff52f1eda5b4c0286bbdc034e4ad")]
    [InlineData("default-trained-to-block3", "8f7e36c68fc1c000318caf36d043eb2a0d721026e4826396b7576b53d8ce6acb")]
    [InlineData("default-compact", "9dcf268120f370fdfb5d49a38697064a7a45db12ebac0afecefcb4396c254094")]
    [InlineData("coursera", "513d851f551d175afd1e63c9865a9602da4ff37ab8c1ae53de63ba493313699e")]
    [InlineData("light-on-math", "eb78d0954d201ce6c02e42f2b11115fe173af895905e151ae6d47d67175eb10f")]
    [InlineData("cost-function", "19d94b8d4791e6351ecd0dc63917842c60e2061eb360e4fd8255bf84ef91631e")]
    [InlineData("notebook", "fec4fea743a955fd898d897414993e24e1350d26eb75f57dd4a82af461b3509a")]
    [InlineData("ryanchankh", "eb6b74156b707647c316d32a7051bdc95402119d582ca1a47688257dc7a7cd20")]
    [InlineData("gatys", "7ca68530639e18341ec34d36b1dfed553243046fee5154ff6d7ccc4a65eed99e")]
    [InlineData("neural-style", "6049a9a5d54c84a691d3a2ede4a2337d7c835af942b73045a96b983e96832851")]
    [InlineData("anishathalye", "fb12a5d8ce62c2b633a1d17c0103e5a9a205fee5d34b3faea4883e3cd719edf1")]
    [InlineData("crowsonkb", "13fcc2c26851ddc5e2932d00f8265a1b1637247eb13712ce38afed1ad942205a")]
    public void APresetIsTheSameBytesAsEver(string name, string sha256) => Assert.Equal(
        sha256, Convert.ToHexStringLower(
            SHA256.HashData(Encoding.UTF8.GetBytes(OptionsJson.Write(Presets.Find(name)!)))));

    [Fact]
    public void EveryValueHasARow()
    {
        IEnumerable<string> values = typeof(TransferOptions).GetProperties(BindingFlags.Public | BindingFlags.Instance)
            // Code is no value: no file can hold it.
            .Where(property => property.CanWrite && property.PropertyType != typeof(CustomStyleLoss)).Select(
                property => char.ToLowerInvariant(property.Name[0]) + property.Name[1..]);
        Assert.Equal(values, OptionTable.All.Select(option => option.Name));
        string[] names = [.. OptionTable.OnCommandLine.Select(option => option.CommandLineName)];
        Assert.Equal(names.Length, names.Distinct().Count());
        Assert.Equal(
            ["name", "description", "source", "architecture"],
            OptionTable.All.Except(OptionTable.OnCommandLine).Select(option => option.Name));
    }

    /// <summary>
    /// A getter and a setter of the same value: what a row writes into other options it reads there again.
    /// </summary>
    [Fact]
    public void ARowReadsWhatItWrote()
    {
        TransferOptions from = Presets.Find("crowsonkb")! with
        {
            NormalizeGradients = true, StyleBlend = StyleBlend.Losses, Input = InputTransform.HalfUnit,
            Crop = PictureCrop.Square, StyleSizeFactor = 2, StyleSize = 7, Optimizer = OptimizerKind.Lbfgs,
            Beta1 = 0.5f, Epsilon = 0.25f, History = 3, StepRule = Autodiff.StepRule.Fixed, InitNoise = 5,
            InitNoiseShare = 0.125f, Colors = ColorMode.Luminance,
            ShowLayers = true, PrintEvery = 4, Seed = -5, StyleLayerFactor = 3, Architecture = "VGG-16", Size = 100,
        };
        JsonObject other = JsonNode.Parse(OptionsJson.Write(Presets.Coursera))!.AsObject();
        JsonObject values = JsonNode.Parse(OptionsJson.Write(from))!.AsObject();
        foreach (TransferOption option in OptionTable.All)
        {
            // One value replaced, and no other.
            TransferOptions to = OptionsJson.With(
                Presets.Coursera, new JsonObject { [option.Name] = values[option.Name]!.DeepClone() });
            JsonObject written = JsonNode.Parse(OptionsJson.Write(to))!.AsObject();
            Assert.Equal(values[option.Name]!.ToJsonString(), written[option.Name]!.ToJsonString());
            foreach ((string name, JsonNode? value) in written)
                if (name != option.Name) Assert.Equal(other[name]!.ToJsonString(), value!.ToJsonString());
            if (option.Group is null || option == OptionTable.Init) continue;
            TransferOptions said = option.Parse(Presets.Coursera, option.Text(from), VggArchitecture.Vgg19);
            Assert.Equal(OptionsJson.Write(to), OptionsJson.Write(said));
        }
    }

    /// <summary>A range holds in files and on the command line, with the same words.</summary>
    [Theory]
    [InlineData("size", "32769", "0 to 32768")]
    [InlineData("iterations", "0", "1 to 1000000")]
    [InlineData("beta1", "1", "0 to 0.999999")]
    [InlineData("learningRate", "1e10", "1E-09 to 1E+09")]
    [InlineData("styleWeight", "-1", "0 to 1000000000000000")]
    [InlineData("styleSizeFactor", "0.001", "0.01 to 100")]
    [InlineData("history", "1001", "1 to 1000")]
    public void ARangeStandsInOnePlace(string name, string value, string range)
    {
        TransferOption option = OptionTable.All.Single(each => each.Name == name);
        string said = Assert.Throws<TransferException>(
            () => option.Parse(Presets.Gatys, value, VggArchitecture.Vgg19)).Message;
        Assert.Equal($"{value} is out of range, expected {range}", said);
        string json = $"{{\"base\": \"gatys\", \"{name}\": {(name == "iterations" ? $"[{value}]" : value)}}}";
        string read = Assert.Throws<TransferException>(
            () => OptionsJson.Read(json, preset => Presets.Find(preset))).Message;
        Assert.StartsWith($"has {name} ", read, StringComparison.Ordinal);
        Assert.EndsWith($", expected {range}", read, StringComparison.Ordinal);
    }

    /// <summary>The words of files, written down once more: a member that is renamed keeps its word.</summary>
    [Fact]
    public void WordsAreThoseOfEver()
    {
        Check(OptionWords.LossScale, "half-sum mean half-mean quarter-mean relative-to-target");
        Check(OptionWords.GramScale, "sum per-pixel per-element");
        Check(OptionWords.StyleLoss, "gram wasserstein");
        Check(OptionWords.StyleBlend, "targets losses");
        Check(OptionWords.VariationKind, "squared squared-inner absolute nine-point");
        Check(OptionWords.VariationScale, "half-sum mean mean-per-direction");
        Check(OptionWords.Pooling, "none average max l2", without: "none");
        Check(OptionWords.PoolEdge, "floor same");
        Check(OptionWords.Padding, "zero replicate");
        Check(OptionWords.InputTransform, "network times256 half-unit");
        Check(OptionWords.PictureCrop, "none square");
        Check(OptionWords.StyleSizing, "longest-side longest-side-at-most content-size content-width");
        Check(OptionWords.OptimizerKind, "adam lbfgs");
        Check(OptionWords.StepRule, "strong-wolfe fixed");
        Check(OptionWords.InitKind, "content style white grey uniform normal mean-normal style-normal blend picture");
        Check(OptionWords.ColorMode, "style match-content luminance covariance histogram");
        Assert.Equal(["VGG-19", "VGG-16"], OptionWords.Architecture.Choices);

        // In the order of the members, so that each is held to its own word.
        static void Check<T>(Words<T> words, string expected, string without = "") where T : struct, Enum
        {
            (T Value, string Word)[] pairs = 
                [.. Enum.GetValues<T>().Zip(expected.Split(' ')).Where(pair => pair.Second != without)];
            Assert.Equal(expected.Split(' ').Length, Enum.GetValues<T>().Length);
            Assert.Equal(pairs.Select(pair => pair.Word), words.Choices);
            foreach ((T value, string word) in pairs)
                Assert.Equal((word, value), (words[value], words.Parse(word.ToUpperInvariant())));
        }
    }
}
