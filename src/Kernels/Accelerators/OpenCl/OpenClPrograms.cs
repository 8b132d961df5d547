using System.Security.Cryptography;
using System.Text;

namespace NativeStyle.Kernels.OpenCl;

/// <summary>
/// Builds programs, each once: the driver's binary is kept on disk under a name made of the source, the device and the
/// driver, and taken from there the next time. A binary that the driver no longer takes is built anew.
/// </summary>
internal sealed unsafe class OpenClPrograms(OpenClDevice device, nint context, string? cacheFolder)
{
    private const string Options = "-cl-std=CL1.2";

    private readonly string _folder = cacheFolder ?? Path.Combine(
        Environment.GetEnvironmentVariable("XDG_CACHE_HOME")
        ?? (OperatingSystem.IsWindows() ? Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData)
            : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache")),
        "nativestyle", "opencl");

    /// <summary>The built program of a source.</summary>
    /// <exception cref="OpenClException">The driver refuses it; the message has its build log.</exception>
    public nint Build(string source)
    {
        string key = string.Join('\n', source, Options, device.Name, device.Platform, device.DriverVersion);
        string file = Path.Combine(_folder, Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(key)))[..32] + ".bin");
        nint cached = FromBinary(file);
        if (cached != 0) return cached;
        nint built = FromSource(source);
        Keep(built, file);
        return built;
    }

    private nint FromBinary(string file)
    {
        byte[] binary;
        try
        {
            if (!File.Exists(file)) return 0;
            binary = File.ReadAllBytes(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return 0;
        }

        if (binary.Length == 0) return 0;
        int status = 0, error = 0;
        nint program;
        fixed (byte* bytes = binary)
        {
            nint handle = device.Handle;
            nuint length = (nuint)binary.Length;
            program = OpenClApi.clCreateProgramWithBinary(context, 1, &handle, &length, &bytes, &status, &error);
        }

        if (program == 0) return 0;
        if (status == 0 && error == 0 && BuildHandle(program) == 0) return program;
        _ = OpenClApi.clReleaseProgram(program);
        return 0;
    }

    private nint FromSource(string source)
    {
        byte[] text = Encoding.UTF8.GetBytes(source + "\0");
        int error;
        nint program;
        fixed (byte* bytes = text) program = OpenClApi.clCreateProgramWithSource(context, 1, &bytes, null, &error);
        OpenClApi.Check(error, "clCreateProgramWithSource");
        int built = BuildHandle(program);
        if (built == 0) return program;
        string log = Log(program);
        _ = OpenClApi.clReleaseProgram(program);
        throw new OpenClException("clBuildProgram", built, log);
    }

    private int BuildHandle(nint program)
    {
        nint handle = device.Handle;
        fixed (byte* options = Encoding.ASCII.GetBytes(Options + "\0")) return OpenClApi.clBuildProgram(program, 1, &handle, options, 0, 0);
    }

    private string Log(nint program)
    {
        nuint size = 0;
        if (OpenClApi.clGetProgramBuildInfo(program, device.Handle, 0x1183, 0, null, &size) != 0 || size == 0) return "no build log";
        byte[] log = new byte[size];
        fixed (byte* target = log) _ = OpenClApi.clGetProgramBuildInfo(program, device.Handle, 0x1183, size, target, null);
        return Encoding.UTF8.GetString(log).TrimEnd('\0').Trim();
    }

    /// <summary>A cache that cannot be written is no error: the program is built again the next time.</summary>
    private static void Keep(nint program, string file)
    {
        nuint size = 0;
        if (OpenClApi.clGetProgramInfo(program, 0x1165, (nuint)sizeof(nuint), &size, null) != 0 || size is 0 or > 1 << 28) return;
        byte[] binary = new byte[size];
        fixed (byte* target = binary)
        {
            byte* only = target;
            if (OpenClApi.clGetProgramInfo(program, 0x1166, (nuint)sizeof(byte*), &only, null) != 0) return;
        }

        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            string temporary = $"{file}.{Environment.ProcessId}.tmp";
            File.WriteAllBytes(temporary, binary);
            File.Move(temporary, file, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Built, but not kept.
        }
    }
}
