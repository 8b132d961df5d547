namespace NativeStyle.Tests;

/// <summary>
/// Files that other programs wrote, in the folder that NATIVESTYLE_TESTDATA names. They are not part of the project; a
/// test that wants them is skipped, and says so, where the variable is not set.
/// </summary>
internal static class TestData
{
    public static string? Root => Environment.GetEnvironmentVariable("NATIVESTYLE_TESTDATA");

    /// <summary>A file or folder of the test data; skips the running test where there is none.</summary>
    public static string Path(params string[] parts)
    {
        Skip.If(string.IsNullOrEmpty(Root), "NATIVESTYLE_TESTDATA is not set: the test files from elsewhere are not here");
        return System.IO.Path.Combine([Root!, .. parts]);
    }
}

/// <summary>A folder of a test's own, removed at its end.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("nativestyle-test-").FullName;

    public string File(string name) => System.IO.Path.Combine(Path, name);

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
