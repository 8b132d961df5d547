using System.Diagnostics;
using System.Runtime.InteropServices;

namespace NativeStyle.Tests;

/// <summary>Reads inputs as a target does, and finds broken promises.</summary>
/// <param name="folder">An empty folder for the input's file.</param>
internal sealed class FuzzCheck(FuzzTarget target, string folder)
{
    /// <summary>
    /// Sizes of memory that a small picture's decoder asks for: 32 bytes to 16 KiB, of each two. Altogether they are so
    /// few that the heap keeps them when they are free.
    /// </summary>
    private static readonly int[] s_blocks = [.. Enumerable.Range(0, 20).Select(i => 32 << (i / 2))];

    /// <summary>Two fillings of such memory, of the largest size.</summary>
    private static readonly byte[][] s_soils =
        [.. new byte[] { 0x5A, 0xA5 }.Select(soil => Enumerable.Repeat(soil, s_blocks.Max()).ToArray())];

    /// <summary>The time that a read may take.</summary>
    public static TimeSpan Deadline { get; } = TimeSpan.FromSeconds(10);

    /// <summary>The file that is read.</summary>
    public string File { get; } = Path.Combine(folder, target.FileName);

    /// <summary>Reads an input, and once more if it was accepted.</summary>
    /// <returns>Whether the reader accepted it.</returns>
    /// <exception cref="Finding">The reader broke a promise.</exception>
    public bool Accepts(byte[] input)
    {
        byte[] file = target.FileOf(input);
        // Nobody may share the file, so a reader that did not close its last one is noticed.
        try
        {
            using var written = new FileStream(File, FileMode.Create, FileAccess.Write, FileShare.None);
            written.Write(file);
        }
        catch (IOException open)
        {
            throw new Finding("the last input's file was left open", open);
        }

        SoilFreeMemory(s_soils[0]);
        int? answer = Read(file.Length);
        if (answer is not null)
        {
            // A decoder that returns memory it never wrote returns something else the second time.
            SoilFreeMemory(s_soils[1]);
            int? second = Read(file.Length);
            if (second != answer)
                throw new Finding($"the same file gave {answer}, then {second?.ToString() ?? "a refusal"}");
        }

        string[] left = Directory.GetFileSystemEntries(folder);
        return left.Length == 1 ? answer is not null
            : throw new Finding($"files were left: {string.Join(", ", left.Select(Path.GetFileName))}");
    }

    /// <summary>Fills free native memory, which decoders are given next.</summary>
    private static void SoilFreeMemory(byte[] soil)
    {
        nint[] blocks = Array.ConvertAll(s_blocks, Marshal.AllocHGlobal);
        for (int i = 0; i < blocks.Length; i++) Marshal.Copy(soil, 0, blocks[i], s_blocks[i]);
        foreach (nint block in blocks) Marshal.FreeHGlobal(block);
    }

    private int? Read(int length)
    {
        long most = target.MostBytes + ((long)target.MostBytesPerByte * length);
        long before = GC.GetAllocatedBytesForCurrentThread();
        var watch = Stopwatch.StartNew();
        int? answer = null;
        try
        {
            answer = target.Read(File);
        }
        catch (Exception refusal) when (target.Refuses(refusal))
        {
            Finding.Require(refusal.Message.Length > 0, "a refusal has no message");
            bool named = !target.NamesFile || refusal.Message.StartsWith(File, StringComparison.Ordinal);
            Finding.Require(named, $"a refusal does not name the file: {refusal.Message}");
        }
        catch (Exception other) when (other is not Finding)
        {
            throw new Finding($"{other.GetType().Name} is no refusal: {other.Message}", other);
        }

        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Finding.Require(allocated <= most, $"{allocated:n0} bytes were allocated for {length:n0}, at most {most:n0}");
        Finding.Require(watch.Elapsed < Deadline, $"the read took {watch.Elapsed}");
        return answer;
    }
}
