using System.Diagnostics;
using System.Runtime.InteropServices;

namespace NativeStyle.Faults.Tests;

/// <summary>Calls of the C library that can fail, in the order in which Shim/faults.c numbers them.</summary>
internal enum DiskCall
{
    OpenToRead,
    OpenToWrite,
    Read,
    Write,
    Sync,
    Rename,
    Unlink,
    MakeFolder,
    Resize,
}

/// <summary>
/// The C library with calls that fail: Shim/faults.c, which is compiled here and stands between this program and the C
/// library in processes that are started with it.
/// </summary>
internal static unsafe class CLibrary
{
    /// <summary>A call that moves fewer bytes than it was asked to. That is no error.</summary>
    public const int Short = -1;

    public const int NoSpace = 28, InputOutput = 5, Denied = 13;

    private const string Compiler = "gcc";

    /// <summary>Compiles the library. Skips the test where that is not possible.</summary>
    public static string Compile(string folder)
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "calls of the C library fail through LD_PRELOAD");
        string library = Path.Combine(folder, "faults.so");
        string source = Path.Combine(AppContext.BaseDirectory, "Shim", "faults.c");
        try
        {
            (int code, _, string error) = Programs.Run(
                new ProcessStartInfo(Compiler, ["-shared", "-fPIC", "-O1", "-Wall", "-o", library, source, "-ldl"]));
            Assert.True(code == 0, error);
        }
        catch (System.ComponentModel.Win32Exception missing)
        {
            bool required = Environment.GetEnvironmentVariable("NATIVESTYLE_REQUIRE_CC") is not null;
            Assert.False(required, $"a C compiler is required here: {missing.Message}");
            Skip.If(true, $"there is no C compiler '{Compiler}'");
        }

        return library;
    }

    /// <summary>Runs this program with the library, and returns what it printed.</summary>
    public static (int ExitCode, string Output, string Error) Start(string library, params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet", [typeof(CLibrary).Assembly.Location, .. arguments]);
        start.Environment["LD_PRELOAD"] = library;
        return Programs.Run(start);
    }

    /// <summary>Says which folder's files the other functions are about.</summary>
    public static void Watch(string folder)
    {
        nint name = Marshal.StringToCoTaskMemUTF8(folder);
        ((delegate* unmanaged<nint, void>)Find("faults_root"))(name);
        Marshal.FreeCoTaskMem(name);
    }

    /// <summary>Lets the n-th call of a kind fail from now on, and begins to count.</summary>
    /// <param name="n">0 for none.</param>
    /// <param name="error">One of the errors above, or <see cref="Short"/>.</param>
    /// <param name="forever">Whether the calls after it fail too.</param>
    public static void Arm(DiskCall kind, int n, int error, bool forever) =>
        ((delegate* unmanaged<int, nint, int, int, void>)Find("faults_arm"))((int)kind, n, error, forever ? 1 : 0);

    /// <summary>Counts the calls of a kind since the last <see cref="Arm"/>.</summary>
    public static int Seen(DiskCall kind) => (int)((delegate* unmanaged<int, nint>)Find("faults_seen"))((int)kind);

    /// <summary>Counts the files below the watched folder that are open.</summary>
    public static int OpenFiles() => ((delegate* unmanaged<int>)Find("faults_open"))();

    /// <summary>Logs the calls that change files to a file; null ends that.</summary>
    public static void Log(string? file)
    {
        nint name = Marshal.StringToCoTaskMemUTF8(file);
        ((delegate* unmanaged<nint, int>)Find("faults_log"))(name);
        Marshal.FreeCoTaskMem(name);
    }

    private static nint Find(string function) =>
        NativeLibrary.GetExport(NativeLibrary.GetMainProgramHandle(), function);
}
