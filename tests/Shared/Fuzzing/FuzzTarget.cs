namespace NativeStyle.Tests;

/// <summary>
/// A reader of files with what it promises for any bytes: an answer that keeps its contract, or a documented refusal.
/// </summary>
/// <param name="Name">The target's name for users of the fuzzer.</param>
/// <param name="Seeds">Returns whole inputs, from which damaged ones are made.</param>
/// <param name="Read">
/// Reads a file, requires what the reader promises (<see cref="Finding.Require"/>), and returns a digest of the answer.
/// </param>
internal sealed record FuzzTarget(string Name, Func<IEnumerable<byte[]>> Seeds, Func<string, int> Read)
{
    /// <summary>The structure that damage can keep.</summary>
    public FileShape Shape { get; init; } = FileShape.None;

    /// <summary>Words of the format, which random bytes seldom hit.</summary>
    public IReadOnlyList<string> Words { get; init; } = [];

    /// <summary>Whether an exception is a documented refusal.</summary>
    public Func<Exception, bool> Refuses { get; init; } = refusal => refusal is InvalidDataException;

    /// <summary>Whether the message of a refusal begins with the file's path.</summary>
    public bool NamesFile { get; init; } = true;

    /// <summary>The most bytes that a read may allocate for any input, by the reader's own limits.</summary>
    public long MostBytes { get; init; } = 64 << 20;

    /// <summary>The most bytes that a read may allocate for each byte of the file besides.</summary>
    public int MostBytesPerByte { get; init; } = 512;

    /// <summary>The ending of names of files elsewhere that are seeds too, or empty.</summary>
    public string Extension { get; init; } = "";

    /// <summary>The name of the file, for readers that look at it.</summary>
    public string FileName { get; init; } = "input";

    /// <summary>Makes the file of an input, if the input is only the part of it that is to be damaged.</summary>
    public Func<byte[], byte[]> FileOf { get; init; } = input => input;

    public override string ToString() => Name;

    /// <summary>Reads the files of the folder Fixtures whose names fit one of the patterns.</summary>
    /// <param name="folder">A folder in Fixtures, or empty for Fixtures itself.</param>
    public static IEnumerable<byte[]> Fixtures(string folder, params string[] patterns) =>
        patterns
            .SelectMany(pattern =>
                Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "Fixtures", folder), pattern))
            .Order(StringComparer.Ordinal).Select(File.ReadAllBytes);
}

/// <summary>A reader broke a promise.</summary>
internal sealed class Finding(string message, Exception? cause = null) : Exception(message, cause)
{
    /// <summary>Throws if a condition does not hold.</summary>
    public static void Require(bool condition, string broken)
    {
        if (!condition) throw new Finding(broken);
    }
}
