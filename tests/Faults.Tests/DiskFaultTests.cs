using System.Globalization;
using Xunit.Abstractions;

namespace NativeStyle.Faults.Tests;

/// <summary>
/// Lets calls of the C library fail, and the power. NATIVESTYLE_DAMAGE_ROUNDS says how many calls of each kind are
/// tried.
/// </summary>
public sealed class DiskFaultTests(ITestOutputHelper output) : IDisposable
{
    private const int UsualRounds = 2;

    private readonly TemporaryFolder _folder = new();

    public static TheoryData<string> Scenarios() =>
        [.. Scenario.All.Where(scenario => scenario.ForDisks).Select(scenario => scenario.Name)];

    public void Dispose() => _folder.Dispose();

    [SkippableTheory]
    [MemberData(nameof(Scenarios))]
    public void AFailingDiskDoesNoHarm(string scenario) =>
        Check("disk", scenario, Damage.Rounds(UsualRounds).ToString(CultureInfo.InvariantCulture));

    [SkippableTheory]
    [InlineData("transfer")]
    [InlineData("lbfgs")]
    [InlineData("resume")]
    public void APowerFailureLeavesTheOldOrTheNewFiles(string scenario) => Check("power", scenario);

    private void Check(params string[] arguments)
    {
        string library = CLibrary.Compile(_folder.Path);
        (int code, string said, string error) = CLibrary.Start(library, arguments);
        output.WriteLine(said);
        Assert.True(code == 0, $"{said}\n{error}");
    }
}
