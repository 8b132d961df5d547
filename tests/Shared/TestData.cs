namespace NativeStyle.Tests;

/// <summary>
/// Files that other programs wrote, in the folder that NATIVESTYLE_TESTDATA names. They are not part of the project. If
/// the variable is not set, a test that needs them is skipped and reports so.
/// </summary>
internal static class TestData
{
    public static string? Root => Environment.GetEnvironmentVariable("NATIVESTYLE_TESTDATA");

    /// <summary>Returns a file or folder of the test data, or skips the running test if there is none.</summary>
    public static string Path(params string[] parts)
    {
        Skip.If(
            string.IsNullOrEmpty(Root),
            "NATIVESTYLE_TESTDATA is not set: the test files from elsewhere are not here");
        return System.IO.Path.Combine([Root!, .. parts]);
    }
}

/// <summary>A folder for one test, removed at the test's end.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("nativestyle-test-").FullName;

    public string File(string name) => System.IO.Path.Combine(Path, name);

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
