namespace NativeStyle.Style.Tests;

/// <summary>Damaged and hostile files end in an answer or in the reader's own refusal.</summary>
public class DamageTests
{
    public static TheoryData<string> Targets => [.. TransferTargets.All.Select(target => target.Name)];

    [Theory]
    [MemberData(nameof(Targets))]
    public void DamagedFilesAreReadOrRefused(string name) => Fuzz.Rounds(Target(name), 500);

    private static FuzzTarget Target(string name) => TransferTargets.All.First(target => target.Name == name);
}
