using System.Collections.Immutable;
using Microsoft.CodeAnalysis;

namespace NativeStyle.KernelCompiler;

/// <summary>A kernel in both languages, or what is wrong with it.</summary>
/// <param name="Type">The full name of its class.</param>
/// <param name="Method">Its name.</param>
/// <param name="EntryPoint">The name of the OpenCL kernel.</param>
/// <param name="Grouped">Whether it has no index parameter and reads Group and Grid.</param>
/// <param name="UsesDouble">Whether it needs cl_khr_fp64.</param>
/// <param name="LengthArguments">For each parameter after the index: whether its length is an argument too.</param>
/// <param name="CSharp">Its text, with the helpers it calls.</param>
/// <param name="OpenCl">The whole translated program.</param>
internal sealed record Translation(
    string Type, string Method, string EntryPoint, bool Grouped, bool UsesDouble, ImmutableArray<bool> LengthArguments,
    string CSharp, string OpenCl, ImmutableArray<Diagnostic> Diagnostics, Location Location);
