using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

namespace NativeStyle.Kernels.Translation;

/// <summary>What a GPU needs for a kernel, as NVIDIA's assembler found.</summary>
/// <param name="Registers">Of a work item.</param>
/// <param name="SpillBytes">Written to memory because registers ran out, a work item.</param>
/// <param name="StackBytes">Memory of a work item, as arrays that are indexed at run time take.</param>
/// <param name="SharedBytes">Of a group.</param>
/// <param name="Occupancy">Warps that a multiprocessor of an A100 (sm_80) runs at a time, of the 64 that it could.</param>
public sealed record KernelResources(int Registers, int SpillBytes, int StackBytes, int SharedBytes, double Occupancy);

/// <summary>NVIDIA's ptxas: assembles PTX without a GPU or a driver.</summary>
/// <param name="program">Its path.</param>
public sealed partial class PtxAssembler(string program)
{
    /// <summary>The ptxas of NATIVESTYLE_PTXAS, or of the PATH; null where there is none.</summary>
    public static PtxAssembler? Find()
    {
        string? given = Environment.GetEnvironmentVariable("NATIVESTYLE_PTXAS");
        if (given is { Length: > 0 }) return File.Exists(given) ? new PtxAssembler(given) : null;
        return (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
            .Select(folder => Path.Combine(folder, OperatingSystem.IsWindows() ? "ptxas.exe" : "ptxas")).FirstOrDefault(File.Exists) is { } found
            ? new PtxAssembler(found) : null;
    }

    /// <summary>Assembles a kernel.</summary>
    /// <param name="ptx">Of <see cref="KernelTranslator.ToPtx"/>.</param>
    /// <param name="architecture">sm_70, sm_80, ...; may be newer than the one that the text names.</param>
    /// <exception cref="InvalidDataException">The assembler refuses it; the message has its words.</exception>
    public KernelResources Assemble(string ptx, string architecture, int groupItems)
    {
        string file = Path.Combine(Path.GetTempPath(), $"nativestyle-{Guid.NewGuid():n}.ptx");
        try
        {
            File.WriteAllText(file, ptx);
            var start = new ProcessStartInfo(program) { RedirectStandardError = true, RedirectStandardOutput = true };
            foreach (string argument in new[] { $"-arch={architecture}", "-v", file, "-o", OperatingSystem.IsWindows() ? "NUL" : "/dev/null" })
                start.ArgumentList.Add(argument);
            using Process process = Start(start);
            Task<string> output = process.StandardOutput.ReadToEndAsync();
            string said = process.StandardError.ReadToEnd() + output.Result;
            process.WaitForExit();
            if (process.ExitCode != 0) throw new InvalidDataException($"ptxas -arch={architecture}: {said.Trim()}");
            int registers = Number(Registers(), said), shared = Number(Shared(), said);
            return new KernelResources(
                registers, Number(SpillStores(), said) + Number(SpillLoads(), said), Number(Stack(), said), shared, Occupancy(registers, shared, groupItems));
        }
        finally
        {
            File.Delete(file);
        }
    }

    private static Process Start(ProcessStartInfo start)
    {
        try
        {
            return Process.Start(start)!;
        }
        catch (System.ComponentModel.Win32Exception error)
        {
            throw new InvalidDataException($"{start.FileName} does not start: {error.Message}; expected NVIDIA's ptxas");
        }
    }

    /// <summary>
    /// Of an A100 (CUDA C++ Programming Guide, compute capability 8.0): 64 warps, 32 groups, 65,536 registers, which warps take by
    /// 256, and 164 KiB of shared memory, of which each group takes 1 KiB more than it says.
    /// </summary>
    internal static double Occupancy(int registers, int sharedBytes, int groupItems)
    {
        const int Warps = 64, Groups = 32, RegisterFile = 65_536, Unit = 256, SharedMemory = 164 << 10;
        int warps = (groupItems + 31) / 32;
        int registersOfWarp = ((registers * 32) + Unit - 1) / Unit * Unit;
        int groups = Math.Min(Math.Min(Groups, Warps / warps), Math.Min(RegisterFile / Math.Max(1, registersOfWarp * warps), SharedMemory / (sharedBytes + 1024)));
        return groups * warps / (double)Warps;
    }

    private static int Number(Regex pattern, string text) =>
        pattern.Match(text) is { Success: true } match ? int.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture) : 0;

    [GeneratedRegex(@"Used (\d+) registers")]
    private static partial Regex Registers();

    [GeneratedRegex(@"(\d+) bytes smem")]
    private static partial Regex Shared();

    [GeneratedRegex(@"(\d+) bytes spill stores")]
    private static partial Regex SpillStores();

    [GeneratedRegex(@"(\d+) bytes spill loads")]
    private static partial Regex SpillLoads();

    [GeneratedRegex(@"(\d+) bytes stack frame")]
    private static partial Regex Stack();
}
