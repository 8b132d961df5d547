using ILGPU.Runtime.Cuda;
using NativeStyle.Kernels.Translation;

namespace NativeStyle.Kernels.Tests;

/// <summary>
/// Every kernel can be translated for GPUs that this machine need not have, and NVIDIA's assembler accepts it.
/// </summary>
public class TranslationTests
{
    /// <summary>For all texts: most of the time goes into what they share.</summary>
    private static readonly KernelTranslator s_translator = new();

    private static readonly Lazy<(KernelEntry Kernel, string Ptx)[]> s_forSm80 =
        new(() => Translate(CudaArchitecture.SM_80));

    private static readonly Lazy<(KernelEntry Kernel, string Text)[]> s_openCl = new(TranslateToOpenCl);

    [Fact]
    public void EveryKernelBecomesOpenClC() =>
        Assert.All(s_openCl.Value, text => Assert.Contains(
            $"kernel void Kernel_{text.Kernel.Method.Name}", text.Text, StringComparison.Ordinal));

    /// <summary>
    /// A driver finds by its text what it has compiled before.
    /// </summary>
    [Theory]
    [InlineData("Adam.StepKernel")]
    [InlineData("AveragePool.BackwardKernel")]
    [InlineData("Conv3x3.ForwardKernel")]
    [InlineData("Convolution.BackwardDataKernel")]
    public void ATextDoesNotDependOnWhatWasTranslatedBefore(string name)
    {
        (KernelEntry kernel, string openCl) = s_openCl.Value.Single(text => text.Kernel.Name == name);
        string ptx = s_forSm80.Value.Single(text => text.Kernel.Name == name).Ptx;
        using var translator = new KernelTranslator();
        Assert.Equal(ptx, translator.ToPtx(kernel, CudaArchitecture.SM_80));
        Assert.Equal(openCl, translator.ToOpenCl(kernel));
    }

    /// <summary>
    /// A branch that is said to be uniform and is not lets work items go on after their loop has ended. Seen on an H100:
    /// InstanceNorm's sums read past the end of a view.
    /// </summary>
    [Fact]
    public void NoBranchIsSaidToBeUniform() =>
        Assert.All(s_forSm80.Value, text => Assert.DoesNotContain("bra.uni", text.Ptx, StringComparison.Ordinal));

    /// <summary>
    /// Every kernel assembles without spills and without arrays in memory, for Volta, Ampere and Hopper. ILGPU's text
    /// for newer GPUs names sm_80, and ptxas makes their code from it.
    /// </summary>
    [SkippableTheory]
    [Trait("Tool", "Ptxas")]
    [InlineData("sm_70")]
    [InlineData("sm_80")]
    [InlineData("sm_90")]
    public void EveryKernelAssemblesWithoutSpills(string architecture)
    {
        PtxAssembler? assembler = PtxAssembler.Find();
        const string Why = "no ptxas: set NATIVESTYLE_PTXAS to NVIDIA's assembler (Debian: nvidia-cuda-toolkit)";
        Assert.True(
            assembler is not null || Environment.GetEnvironmentVariable("NATIVESTYLE_REQUIRE_PTXAS") is null, Why);
        Skip.If(assembler is null, Why);
        (KernelEntry Kernel, string Ptx)[] texts =
            architecture == "sm_70" ? Translate(CudaArchitecture.SM_70) : s_forSm80.Value;
        var assembledTexts = texts.AsParallel().Select(text =>
            (text.Kernel.Name, assembler!.Assemble(text.Ptx, architecture, text.Kernel.GroupItems)));
        Assert.All(assembledTexts, assembled =>
        {
            (string name, KernelResources needs) = assembled;
            Assert.Equal((name, 0, 0), (name, needs.SpillBytes, needs.StackBytes));
            Assert.InRange(needs.Registers, 1, 255);
            // A group may not have more without asking for it.
            Assert.InRange(needs.SharedBytes, 0, 48 << 10);
        });
    }

    [Fact]
    public void WithoutPtxasEveryKernelIsTranslatedAllTheSame()
    {
        Assert.Equal(KernelCatalog.All.Count, s_forSm80.Value.Length);
        Assert.All(s_forSm80.Value, text => Assert.Contains(
            $".entry Kernel_{text.Kernel.Method.Name}", text.Ptx, StringComparison.Ordinal));
    }

    [Fact]
    public void TheTextOfEveryKernelIsThere()
    {
        Assert.All(KernelCatalog.All, kernel =>
        {
            string text = KernelSource.Of(kernel);
            Assert.Contains($" {kernel.Method.Name}(", text, StringComparison.Ordinal);
            Assert.Equal(text.Count(c => c == '{'), text.Count(c => c == '}'));
            Assert.Matches(@"[};]\s*$", text);
        });
        // The text includes the helper that a kernel calls.
        KernelEntry relu = KernelCatalog.All.Single(kernel => kernel.Name == "Relu.ForwardKernel");
        Assert.Contains("static float Rectify", KernelSource.Of(relu), StringComparison.Ordinal);
    }

    /// <summary>The CUDA occupancy calculator's figures for compute capability 8.0.</summary>
    [Theory]
    [InlineData(32, 0, 128, 1.0)]
    [InlineData(64, 0, 128, 0.5)]
    [InlineData(128, 0, 256, 0.25)]
    [InlineData(32, 48 << 10, 128, 3 * 4 / 64.0)]
    [InlineData(16, 0, 32, 0.5)]
    public void OccupancyIsThatOfAnA100(int registers, int shared, int items, double expected) =>
        Assert.Equal(expected, PtxAssembler.Occupancy(registers, shared, items));

    private static (KernelEntry Kernel, string Text)[] TranslateToOpenCl() =>
    [
        .. KernelCatalog.All.Where(kernel => kernel.LeastArchitecture is null)
            .Select(kernel => (kernel, s_translator.ToOpenCl(kernel))),
    ];

    private static (KernelEntry Kernel, string Ptx)[] Translate(CudaArchitecture architecture) =>
    [
        .. KernelCatalog.All.Where(kernel => kernel.LeastArchitecture is not { } least || least <= architecture)
            .Select(kernel => (kernel, s_translator.ToPtx(kernel, architecture))),
    ];
}
