using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

namespace NativeStyle.Kernels.Translation;

/// <summary>The GPU resources that a kernel needs, reported by NVIDIA's assembler.</summary>
/// <param name="Registers">Registers of a work item.</param>
/// <param name="SpillBytes">Bytes a work item that are written to memory because registers ran out.</param>
/// <param name="StackBytes">Memory of a work item, for example for arrays that are indexed at run time.</param>
/// <param name="SharedBytes">Shared memory of a group.</param>
/// <param name="Occupancy">
/// The share of the 64 warps of a multiprocessor of an A100 (sm_80) that it can run at a time.
/// </param>
internal sealed record KernelResources(
    int Registers, int SpillBytes, int StackBytes, int SharedBytes, double Occupancy);

/// <summary>NVIDIA's ptxas: assembles PTX without a GPU or a driver.</summary>
/// <param name="program">The path of ptxas.</param>
internal sealed partial class PtxAssembler(string program)
{
    /// <summary>Finds the ptxas of NATIVESTYLE_PTXAS, or of the PATH; null if there is none.</summary>
    public static PtxAssembler? Find()
    {
        string? setting = Environment.GetEnvironmentVariable("NATIVESTYLE_PTXAS");
        if (setting is { Length: > 0 }) return File.Exists(setting) ? new PtxAssembler(setting) : null;
        string fileName = OperatingSystem.IsWindows() ? "ptxas.exe" : "ptxas";
        string? path = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
            .Select(folder => Path.Combine(folder, fileName))
            .FirstOrDefault(File.Exists);
        return path is null ? null : new PtxAssembler(path);
    }

    /// <summary>Assembles a kernel.</summary>
    /// <param name="ptx">The output of <see cref="KernelTranslator.ToPtx"/>.</param>
    /// <param name="architecture">sm_70, sm_80, ...; may be newer than the one that the text names.</param>
    /// <exception cref="InvalidDataException">The assembler refuses the text; the message quotes it.</exception>
    public KernelResources Assemble(string ptx, string architecture, int groupItems)
    {
        string file = Path.Combine(Path.GetTempPath(), $"nativestyle-{Guid.NewGuid():n}.ptx");
        try
        {
            File.WriteAllText(file, ptx);
            var start = new ProcessStartInfo(program) { RedirectStandardError = true, RedirectStandardOutput = true };
            string nowhere = OperatingSystem.IsWindows() ? "NUL" : "/dev/null";
            foreach (string argument in new[] { $"-arch={architecture}", "-v", file, "-o", nowhere })
                start.ArgumentList.Add(argument);
            using Process process = Start(start);
            Task<string> output = process.StandardOutput.ReadToEndAsync();
            string report = process.StandardError.ReadToEnd() + output.Result;
            process.WaitForExit();
            if (process.ExitCode != 0) throw new InvalidDataException($"ptxas -arch={architecture}: {report.Trim()}");
            int registers = Number(Registers(), report), shared = Number(Shared(), report);
            return new KernelResources(
                registers,
                Number(SpillStores(), report) + Number(SpillLoads(), report),
                Number(Stack(), report),
                shared,
                Occupancy(registers, shared, groupItems));
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
            throw new InvalidDataException(
                $"{start.FileName} does not start: {error.Message}; expected NVIDIA's ptxas");
        }
    }

    /// <summary>
    /// The occupancy on an A100 (CUDA C++ Programming Guide, compute capability 8.0). It has 64 warps, 32 groups,
    /// 65,536 registers, which warps take in units of 256, and 164 KiB of shared memory, of which each group takes
    /// 1 KiB more than it asks for.
    /// </summary>
    internal static double Occupancy(int registers, int sharedBytes, int groupItems)
    {
        const int Warps = 64, Groups = 32, RegisterFile = 65_536, Unit = 256, SharedMemory = 164 << 10;
        int warps = (groupItems + 31) / 32;
        int registersOfWarp = ((registers * 32) + Unit - 1) / Unit * Unit;
        int groupsByRegisters = RegisterFile / Math.Max(1, registersOfWarp * warps);
        int groupsBySharedMemory = SharedMemory / (sharedBytes + 1024);
        int groups = Math.Min(
            Math.Min(Groups, Warps / warps), Math.Min(groupsByRegisters, groupsBySharedMemory));
        return groups * warps / (double)Warps;
    }

    private static int Number(Regex pattern, string text) =>
        pattern.Match(text) is { Success: true } match
            ? int.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture)
            : 0;

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
