using System.Buffers.Binary;
using System.Text;
using System.Text.Json.Nodes;
using NativeStyle.FeedForward.Films;
using NativeStyle.FeedForward.Training;

namespace NativeStyle.FeedForward.Tests;

/// <summary>Damaged and hostile files end in an answer or in the reader's own refusal.</summary>
public class DamageTests
{
    public static TheoryData<string> Targets => [.. ModelTargets.All.Select(target => target.Name)];

    [Theory]
    [MemberData(nameof(Targets))]
    public void DamagedFilesAreReadOrRefused(string name) => Fuzz.Rounds(Target(name), 500);

    /// <summary>A checkpoint that states two thousand million blocks would fill the memory with their names.</summary>
    [Theory]
    [InlineData("\"blocks\": 1", "\"blocks\": 2000000000", "2000000000 residual blocks")]
    [InlineData("\"conv3\": 2", "\"conv3\": -2", "-2 channels")]
    [InlineData("\"iteration\": 2", "\"iteration\": -2", "iteration -2")]
    [InlineData("\"reports\": [", "\"reports\": [null,", "null")]
    public void ATrainingThatNobodyMadeIsRefused(string old, string replacement, string words)
    {
        byte[] whole = Target("training-checkpoint").Seeds().First();
        int length = (int)BinaryPrimitives.ReadInt64LittleEndian(whole);
        JsonNode header = JsonNode.Parse(Encoding.UTF8.GetString(whole, 8, length))!;
        string training = header["__metadata__"]!["training"]!.GetValue<string>();
        Assert.Contains(old, training, StringComparison.Ordinal);
        header["__metadata__"]!["training"] = training.Replace(old, replacement, StringComparison.Ordinal);
        byte[] text = Encoding.UTF8.GetBytes(header.ToJsonString());
        using var folder = new TemporaryFolder();
        string file = folder.File("a.ckpt");
        File.WriteAllBytes(file, [.. BitConverter.GetBytes((long)text.Length), .. text, .. whole[(8 + length)..]]);
        long before = GC.GetAllocatedBytesForCurrentThread();
        var error = Assert.Throws<InvalidDataException>(() => TrainingCheckpoint.Read(file));
        Assert.StartsWith(file, error.Message, StringComparison.Ordinal);
        Assert.Contains(words, error.Message, StringComparison.Ordinal);
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 4 << 20);
    }

    [Theory]
    [InlineData("")]
    [InlineData("[1]")]
    [InlineData("""{"streams": {}}""")]
    [InlineData("""{"streams": [7]}""")]
    [InlineData("""{"streams": [{"codec_type": "\ud800"}]}""")]
    [InlineData("""{"streams": [{"codec_type": "video", "disposition": 7}]}""")]
    [InlineData("""{"streams": [{"codec_type": "video", "width": 8, "height": 8, "side_data_list": 7}]}""")]
    public void AnAnswerThatIsNotFfprobesIsRefused(string json)
    {
        var error = Assert.Throws<FilmException>(() => FilmInfo.Parse("a.mp4", json));
        Assert.StartsWith("a.mp4 cannot be read as a film", error.Message, StringComparison.Ordinal);
    }

    private static FuzzTarget Target(string name) => ModelTargets.All.First(target => target.Name == name);
}
