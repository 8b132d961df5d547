using NativeStyle.Kernels.Devices;

namespace NativeStyle.Autodiff.Tests;

public class WorkedExampleTests
{
    [Fact]
    public void TheNetworkLearnsWhatAnEdgeIs()
    {
        using var cpu = new CpuDevice(2);
        (float first, float last, float[] filters) = WorkedExample.Train(cpu, 1500);
        Assert.True(last < 0.01 * first, $"the loss fell from {first} to {last} only");
        // A filter that works is a difference across or down, so its weights add up to zero. One filter may die: if it
        // is below zero for every pixel, its ReLU lets no gradient through any more.
        float[][] all = [.. Enumerable.Range(0, 4).Select(filter =>
            Enumerable.Range(0, 9).Select(tap => filters[(tap * 4) + filter]).ToArray())];
        float[][] atWork = [.. all.Where(weights => weights.Max(Math.Abs) > 0.5f)];
        Assert.True(atWork.Length >= 3);
        Assert.All(
            atWork,
            weights => Assert.True(Math.Abs(weights.Sum()) < 0.1 * weights.Sum(Math.Abs), string.Join(' ', weights)));
    }

    /// <summary>
    /// Every piece of code in the document is in the program, word for word. The whole loop is in the document.
    /// </summary>
    [Fact]
    public void TheDocumentShowsTheProgramThatRuns()
    {
        string Folded(string text)
        {
            IEnumerable<string> lines = text.ReplaceLineEndings("\n").Split('\n').Select(line => line.Trim());
            return string.Join('\n', lines.Where(line => line.Length > 0));
        }

        string document = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "docs", "autodiff.md"));
        string program =
            Folded(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "docs", "WorkedExample.cs.txt")));
        string[] pieces = [.. document.Split("```csharp\n").Skip(1).Select(piece => Folded(piece.Split("```")[0]))];
        string[] ofProgram =
            [.. pieces.Where(piece => !piece.StartsWith("public static Tensor Relu", StringComparison.Ordinal))];
        Assert.True(ofProgram.Length >= 4);
        Assert.All(ofProgram, piece => Assert.Contains(piece, program, StringComparison.Ordinal));
        Assert.Contains(ofProgram, piece =>
            piece.Contains("tape.Backward(loss);", StringComparison.Ordinal)
            && piece.Contains("first.Changed();", StringComparison.Ordinal));
    }
}
