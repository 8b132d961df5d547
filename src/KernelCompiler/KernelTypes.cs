using Microsoft.CodeAnalysis;

namespace NativeStyle.KernelCompiler;

/// <summary>The kernel language's types.</summary>
internal static class KernelTypes
{
    private const string Namespace = "NativeStyle.Kernels";

    /// <summary>1, 2 or 3 for the index types, else 0.</summary>
    public static int IndexDimensions(ITypeSymbol type) => !IsOurs(type) ? 0 : type.Name switch
    {
        "Index1D" => 1,
        "Index2D" => 2,
        "Index3D" => 3,
        _ => 0,
    };

    /// <summary>The element of an ArrayView, or null for other types.</summary>
    public static ITypeSymbol? ViewElement(ITypeSymbol? type) =>
        type is INamedTypeSymbol { Name: "ArrayView", TypeArguments.Length: 1 } view && IsOurs(view) ? view.TypeArguments[0] : null;

    public static bool IsViewElement(ITypeSymbol type) =>
        type.SpecialType is SpecialType.System_Single or SpecialType.System_Int32 or SpecialType.System_UInt32 or SpecialType.System_Double;

    /// <summary>Whether a type is the one of that name in the kernel language.</summary>
    public static bool Is(ITypeSymbol? type, string name) => type is not null && type.Name == name && IsOurs(type);

    /// <summary>The name in OpenCL C of a type that values have, or null.</summary>
    public static string? OpenClName(ITypeSymbol type) => type.SpecialType switch
    {
        SpecialType.System_Single => "float",
        SpecialType.System_Int32 => "int",
        SpecialType.System_UInt32 => "uint",
        SpecialType.System_Boolean => "bool",
        SpecialType.System_Int64 => "long",
        SpecialType.System_UInt64 => "ulong",
        SpecialType.System_Double => "double",
        _ => Is(type, "Float4") ? "float4" : IndexDimensions(type) switch { 1 => "int", 2 => "int2", 3 => "int4", _ => null },
    };

    private static bool IsOurs(ITypeSymbol type) => type.ContainingNamespace?.ToDisplayString() == Namespace;
}
