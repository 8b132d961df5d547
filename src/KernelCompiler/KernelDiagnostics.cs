using Microsoft.CodeAnalysis;

namespace NativeStyle.KernelCompiler;

/// <summary>What a kernel may not do, each with a number; docs/kernels.md has them with examples.</summary>
internal static class KernelDiagnostics
{
    public static readonly DiagnosticDescriptor Signature = New(
        1, "Kernel signature",
        "{0}; a kernel is a static, non-generic method without return value over an optional Index1D, Index2D or Index3D first, then ArrayViews and numbers, all by value");

    public static readonly DiagnosticDescriptor Type = New(
        2, "Type outside the kernel language",
        "the type {0} does not exist on a device; use float, int, uint, bool, long, ulong, double where the device has it, Float4, indices, and ArrayView of float, int, uint or double");

    public static readonly DiagnosticDescriptor Allocation = New(
        3, "Allocation in a kernel",
        "a kernel cannot allocate {0}; use SharedMemory.Allocate or LocalMemory.Allocate with a constant length");

    public static readonly DiagnosticDescriptor Exception = New(
        4, "Exception in a kernel", "a device has no exceptions; write a result that says what went wrong, or check before the launch");

    public static readonly DiagnosticDescriptor Delegate = New(
        5, "Delegate in a kernel", "a device cannot call through delegates, lambdas or local functions; use a static method and call it by name");

    public static readonly DiagnosticDescriptor InstanceCall = New(
        6, "Call on an object", "a device has no objects to call {0} on; use a static method");

    public static readonly DiagnosticDescriptor Recursion = New(
        7, "Recursion in a kernel", "{0} calls itself, directly or through others; a device has no stack for that: use a loop");

    public static readonly DiagnosticDescriptor String = New(
        8, "Text in a kernel", "a device has no strings or characters; use numbers");

    public static readonly DiagnosticDescriptor Syntax = New(
        9, "Statement or expression outside the kernel language",
        "{0} is not part of the kernel language; it has declarations, assignments, if, for, while, do, break, continue, return, arithmetic, comparisons, conditionals, casts and calls");

    public static readonly DiagnosticDescriptor Call = New(
        10, "Call of an unknown method",
        "{0} cannot run on a device; call static methods of this project, MathF, Math.Abs/Min/Max/Clamp, Group, Grid, Atomic and Float4");

    public static readonly DiagnosticDescriptor DivergentBarrier = New(
        11, "Barrier in divergent code",
        "not every work item of the group may come to this barrier: {0}; move it to where all of them pass");

    public static readonly DiagnosticDescriptor Constant = New(
        12, "Length that is not constant", "the length of shared or local memory must be a constant");

    public static readonly DiagnosticDescriptor SideEffect = New(
        13, "Assignment inside an expression",
        "C# and OpenCL order the parts of an expression differently; make this assignment or increment a statement of its own");

    public static readonly DiagnosticDescriptor Field = New(
        14, "Field in a kernel", "{0} lives on the host; make it a constant or pass its value as an argument");

    public static readonly DiagnosticDescriptor Placement = New(
        15, "Memory or barrier in the wrong place", "{0}");

    public static readonly DiagnosticDescriptor Name = New(
        16, "Kernel name used twice", "the class has more than one kernel called {0}; translated kernels are found by name: rename one");

    private static DiagnosticDescriptor New(int number, string title, string message) => new(
        $"NSK{number:000}", title, message, "NativeStyle.Kernels", DiagnosticSeverity.Error, isEnabledByDefault: true,
        helpLinkUri: "docs/kernels.md");
}
