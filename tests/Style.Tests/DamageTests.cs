using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace NativeStyle.Style.Tests;

/// <summary>Damaged and hostile files end in an answer or in the reader's own refusal.</summary>
public class DamageTests
{
    public static TheoryData<string> Targets => [.. TransferTargets.All.Select(target => target.Name)];

    [Theory]
    [MemberData(nameof(Targets))]
    public void DamagedFilesAreReadOrRefused(string name) => Fuzz.Rounds(Target(name), 500);

    /// <summary>Its numbers would be taken from the optimiser's vectors.</summary>
    [Theory]
    [InlineData("\"goodHeight\": 0", "\"goodHeight\": 7")]
    [InlineData("\"goodWidth\": 0", "\"goodWidth\": 7")]
    public void APictureToFallBackOnWithoutPixelsIsRefused(string old, string replacement)
    {
        byte[] whole = Target("checkpoint").Seeds().First();
        int length = BinaryPrimitives.ReadInt32LittleEndian(whole.AsSpan(8));
        string header = Encoding.UTF8.GetString(whole, 12, length);
        Assert.Contains(old, header, StringComparison.Ordinal);
        byte[] changed = [
            .. whole[..12], .. Encoding.UTF8.GetBytes(header.Replace(old, replacement, StringComparison.Ordinal)),
            .. whole[(12 + length)..^32]];
        using var folder = new TemporaryFolder();
        string file = folder.File("run.ckpt");
        File.WriteAllBytes(file, [.. changed, .. SHA256.HashData(changed)]);
        var error = Assert.Throws<InvalidDataException>(() => Style.Checkpoint.Read(file));
        Assert.Contains("does not fit its plan", error.Message, StringComparison.Ordinal);
    }

    private static FuzzTarget Target(string name) => TransferTargets.All.First(target => target.Name == name);
}
