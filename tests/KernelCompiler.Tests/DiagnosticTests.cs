using Microsoft.CodeAnalysis;

namespace NativeStyle.KernelCompiler.Tests;

/// <summary>What a device cannot do is a build error, at the place where it stands: the text between ⟦ and ⟧.</summary>
public class DiagnosticTests
{
    private const string Head = "[Kernel] public static void Run(Index1D index, ArrayView<float> x) ";
    private const string Grouped = "[Kernel] public static void Run(ArrayView<float> x) ";

    [Theory]
    // Signatures.
    [InlineData("NSK001", "[Kernel] public static int ⟦Run⟧(Index1D index, ArrayView<float> x) => 1;")]
    [InlineData("NSK001", "[Kernel] public static void ⟦Run⟧<T>(Index1D index, ArrayView<float> x, T y) { }")]
    [InlineData("NSK001", "[Kernel] public static void ⟦Run⟧(ArrayView<float> x, Index1D index) { }")]
    [InlineData("NSK001", "[Kernel] public static void ⟦Run⟧(Index1D index, float[] x) { }")]
    [InlineData("NSK001", "[Kernel] public static void ⟦Run⟧(Index1D index, ArrayView<byte> x) { }")]
    [InlineData("NSK001", "[Kernel] public static void ⟦Run⟧(Index1D index, ref int x) { }")]
    // Types.
    [InlineData("NSK002", Head + "{ decimal ⟦d = 1m⟧; }")]
    [InlineData("NSK002", Head + "{ byte ⟦b = 1⟧; }")]
    // Allocation.
    [InlineData("NSK003", Head + "{ x[0] = ⟦new float[4]⟧.Length; }")]
    [InlineData("NSK003", Head + "{ x[0] = ⟦new Random()⟧.GetHashCode(); }")]
    // Exceptions.
    [InlineData("NSK004", Head + "{ ⟦throw new Exception();⟧ }")]
    [InlineData("NSK004", Head + "{ ⟦try { x[0] = 1f; } finally { }⟧ }")]
    [InlineData("NSK004", Head + "{ x[0] = index > 0 ? 1f : ⟦throw new Exception()⟧; }")]
    // Delegates.
    [InlineData("NSK005", Head + "{ Func<float> ⟦f = () => 1f⟧; }")]
    [InlineData("NSK005", Head + "{ ⟦float F() => 1f;⟧ }")]
    [InlineData("NSK005", "public static Func<float> F; " + Head + "{ x[0] = ⟦F()⟧; }")]
    // Calls on objects.
    [InlineData("NSK006", Head + "{ x[0] = ⟦x.Length.GetHashCode()⟧; }")]
    // Recursion, direct and through another.
    [InlineData("NSK007", "static int F(int n) => n < 2 ? 1 : n * ⟦F(n - 1)⟧; " + Head + "{ x[0] = F(3); }")]
    [InlineData("NSK007", "static int F(int n) => n < 2 ? 1 : G(n - 1); static int G(int n) => ⟦F(n)⟧; " + Head + "{ x[0] = F(3); }")]
    // Text.
    [InlineData("NSK008", Head + "{ string ⟦s = \"a\"⟧; }")]
    [InlineData("NSK008", Head + "{ x[0] = ⟦$\"{index}\"⟧.Length; }")]
    // Statements and expressions outside the language.
    [InlineData("NSK009", Head + "{ ⟦switch (index.X) { default: break; }⟧ }")]
    [InlineData("NSK009", Head + "{ ⟦foreach (char c in \"ab\") { }⟧ }")]
    [InlineData("NSK009", Head + "{ float a = 1f, b = 2f; ⟦(a, b) = (b, a)⟧; x[0] = a; }")]
    [InlineData("NSK009", "static long F(ArrayView<float> v) => ⟦v.Length⟧; " + Head + "{ x[0] = F(x); }")]
    // Methods that no device has.
    [InlineData("NSK010", Head + "{ ⟦Console.WriteLine()⟧; }")]
    [InlineData("NSK010", Head + "{ x[0] = ⟦MathF.ScaleB(1f, 2)⟧; }")]
    // Barriers that some do not reach.
    [InlineData("NSK011", Grouped + "{ if (Group.IdxX > 2) ⟦Group.Barrier()⟧; }")]
    [InlineData("NSK011", Grouped + "{ int lane = Group.IdxX + 1; int twice = lane * 2; while (twice > 0) { ⟦Group.Barrier()⟧; twice--; } }")]
    [InlineData("NSK011", Grouped + "{ if (x[0] > 2f) return; ⟦Group.Barrier()⟧; }")]
    [InlineData("NSK011", Grouped + "{ int n = 0; if (Grid.GlobalIndex.X > 5) n = 1; if (n == 0) ⟦Group.Barrier()⟧; }")]
    // Lengths.
    [InlineData("NSK012", Grouped + "{ ArrayView<float> s = SharedMemory.Allocate<float>⟦(Group.DimX)⟧; s[0] = 1f; }")]
    // Side effects inside expressions.
    [InlineData("NSK013", Head + "{ int i = 0; x[⟦i++⟧] = 1f; }")]
    [InlineData("NSK013", Head + "{ float a; x[0] = (⟦a = 2f⟧) + 1f; }")]
    // Fields.
    [InlineData("NSK014", "static float s_f; " + Head + "{ x[0] = ⟦s_f⟧; }")]
    [InlineData("NSK014", Head + "{ x[0] = ⟦Environment.ProcessorCount⟧; }")]
    // Shared memory and barriers in the wrong place.
    [InlineData("NSK015", Head + "{ ⟦Group.Barrier()⟧; }")]
    [InlineData("NSK015", Head + "{ ArrayView<float> s = ⟦SharedMemory.Allocate<float>(4)⟧; s[0] = 1f; }")]
    [InlineData("NSK015", Grouped + "{ for (int i = 0; i < 2; i++) { ArrayView<float> s = ⟦SharedMemory.Allocate<float>(4)⟧; s[0] = 1f; } }")]
    [InlineData("NSK015", "static void F() { ⟦Group.Barrier()⟧; } " + Grouped + "{ F(); }")]
    // Names.
    [InlineData("NSK016", Head + "{ } [Kernel] public static void ⟦Run⟧(Index1D index, ArrayView<int> y) { }")]
    public void WhatADeviceCannotDoIsAnErrorAtItsPlace(string id, string code)
    {
        int start = code.IndexOf('⟦', StringComparison.Ordinal), end = code.IndexOf('⟧', StringComparison.Ordinal) - 1;
        string plain = code.Replace("⟦", "", StringComparison.Ordinal).Replace("⟧", "", StringComparison.Ordinal);
        Diagnostic[] errors = KernelProject.Errors(plain);
        Diagnostic? found = errors.FirstOrDefault(error => error.Id == id);
        Assert.True(found is not null, $"expected {id}, found {string.Join("; ", errors.Select(error => error.ToString()))}");
        string marked = found.Location.SourceTree!.GetText().ToString(found.Location.SourceSpan);
        Assert.Equal(plain[start..end], marked);
        Assert.DoesNotContain("{0}", found.GetMessage(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(Grouped + "{ for (int half = 8; half > 0; half /= 2) { if (Group.IdxX < half) x[Group.IdxX] += 1f; Group.Barrier(); } }")]
    [InlineData(Grouped + "{ if (Grid.IdxX == 0) Group.Barrier(); }")]
    [InlineData(Grouped + "{ int last = Group.DimX; for (int i = 0; i < last; i++) Group.Barrier(); if (Group.IdxX == 0) return; }")]
    public void BarriersThatAllReachAreFine(string code) => Assert.Empty(KernelProject.Errors(code));

    /// <summary>A launch with an argument of a wrong type does not compile: the C# compiler says so.</summary>
    [Fact]
    public void LaunchesAreTyped()
    {
        Diagnostic[] errors = KernelProject.Errors(
            Head + "=> x[index] = 1f; public static void Go(Accelerator a, ArrayView<int> y) => a.Launch(Run, (Index1D)4, y);");
        Assert.NotEmpty(errors);
        Assert.All(errors, error => Assert.StartsWith("CS", error.Id, StringComparison.Ordinal));
    }

    [Fact]
    public void EveryDiagnosticIsDocumented()
    {
        string page = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "kernels.md"));
        for (int number = 1; number <= 16; number++) Assert.Contains($"NSK{number:000}", page, StringComparison.Ordinal);
    }
}
