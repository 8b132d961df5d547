using System.Reflection;

namespace NativeStyle.FeedForward.Tests;

public class ModelsTests
{
    /// <summary>Every model of the program is found and read by its name.</summary>
    [Fact]
    public void TheProgramsModelsAreRead()
    {
        Assert.All(Models.Names, name => Assert.Equal(name, Models.Find(name)!.Source));
        Assert.Null(Models.Find("no such style"));
    }

    /// <summary>This assembly embeds one model as the program embeds its own.</summary>
    [Fact]
    public void AnEmbeddedModelIsFoundByItsName()
    {
        Assembly tests = typeof(ModelsTests).Assembly;
        Assert.Equal(["smaller"], Models.NamesIn(tests));
        StyleModel model = Models.FindIn(tests, "Smaller")!;
        Assert.Equal("smaller", model.Source);
        Assert.Equal(new TransformerArchitecture(2, 2, 2, 1), model.Weights.Architecture);
        Assert.Equal("wave.jpg", model.Metadata[StyleModel.StyleKey]);
        float[] filter = model.Weights["conv1.conv2d.weight"];
        for (int o = 0; o < 2; o++)
        for (int i = 0; i < 3; i++)
        for (int tap = 0; tap < 81; tap++)
            Assert.Equal(7 * ((((o * 3) + i) * 81) + tap) % 64 / 64f, filter[(((tap * 3) + i) * 2) + o]);
    }

    [Fact]
    public void AnAssemblyWithoutModelsHasNone()
    {
        Assert.Empty(Models.NamesIn(typeof(FactAttribute).Assembly));
        Assert.Null(Models.FindIn(typeof(FactAttribute).Assembly, "smaller"));
    }
}
