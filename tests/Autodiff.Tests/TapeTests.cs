using NativeStyle.Autodiff.Operators;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Operators.Adam;
using NativeStyle.Kernels.Operators.Pool2x2;
using NativeStyle.Kernels.Operators.TotalVariation;

namespace NativeStyle.Autodiff.Tests;

public sealed class TapeTests : IDisposable
{
    private readonly CpuDevice _cpu = new(2);

    public void Dispose() => _cpu.Dispose();

    [Fact]
    public void ATensorUsedTwiceGetsTheSumOfItsGradients()
    {
        // L = sum (x - 1)² + 3 sum (x + 2)²: dL/dx = 2 (x - 1) + 6 (x + 2).
        float[] values = [0.5f, -2f, 4f];
        using Tensor x = Vector(values, true), one = Vector([1, 1, 1]), minusTwo = Vector([-2, -2, -2]);
        using var tape = new Tape(_cpu);
        Tensor loss = tape.Sum([tape.SquaredError(x, one, 1), tape.SquaredError(x, minusTwo, 3)]);
        Assert.Equal(values.Sum(v => ((v - 1) * (v - 1)) + (3 * (v + 2) * (v + 2))), loss.ToArray()[0], 4);
        tape.Backward(loss);
        Assert.Equal(values.Select(v => (2 * (v - 1)) + (6 * (v + 2))), x.GradientToArray());
    }

    [Fact]
    public void ALossUsedTwiceCountsTwice()
    {
        using Tensor x = Vector([3], true), zero = Vector([0]);
        using var tape = new Tape(_cpu);
        Tensor once = tape.SquaredError(x, zero, 1);
        tape.Backward(tape.Sum([once, once]));
        Assert.Equal(12, x.GradientToArray()[0]);
    }

    [Fact]
    public void FrozenWeightsGetNoGradientAndConstantsRecordNothing()
    {
        using var layer = new Conv3x3Layer(_cpu, new float[9 * 2 * 3], new float[3], frozen: true);
        using var constant = new Tensor(_cpu, new Shape(4, 4, 2), new float[32]);
        using var tape = new Tape(_cpu);
        Tensor y = tape.Conv3x3(constant, layer);
        Assert.False(y.RequiresGradient);
        using var image = new Tensor(_cpu, new Shape(4, 4, 2), new float[32], requiresGradient: true);
        Tensor z = tape.Conv3x3(image, layer);
        tape.Backward(z, new float[48]);
        Assert.True(image.HasGradient);
        Assert.False(layer.Filter.HasGradient);
        Assert.False(layer.Bias.HasGradient);
    }

    /// <summary>
    /// Compares the gradient of a whole network, in kernels and in vectorised form, with central
    /// differences of its loss.
    /// </summary>
    [Theory]
    [InlineData("cpu")]
    [InlineData("cpu-kernels")]
    public void AChainOfOperatorsHasTheGradientThatDifferencesShow(string name)
    {
        using ComputeDevice device = DeviceCatalog.Find(name)!.Open(2);
        const int Seed = 4;
        var random = new Random(Seed);
        float[] pixels = Floats(random, 9 * 7 * 3, 1), target = Floats(random, 16 * 16, 0.01f);
        using var first = new Conv3x3Layer(device, Floats(random, 9 * 3 * 8, 0.3f), Floats(random, 8, 0.3f), true);
        using var second = new Conv3x3Layer(device, Floats(random, 9 * 8 * 16, 0.2f), Floats(random, 16, 0.3f), true);
        using var goal = new Tensor(device, new Shape(16, 16), target);
        using var image = new Tensor(device, new Shape(9, 7, 3), pixels, requiresGradient: true);
        using (var tape = new Tape(device)) tape.Backward(Loss(tape, image));
        float[] gradient = image.GradientToArray();
        float largest = gradient.Max(Math.Abs);
        for (int i = 0; i < pixels.Length; i += 11)
        {
            // The differences are in float32: rounding needs a large step, and curvature then needs a loose bound.
            const float Step = 1f / 64;
            double estimate = (At(i, Step) - At(i, -Step)) / (2 * Step);
            Assert.True(
                Math.Abs(estimate - gradient[i]) < 0.02 * largest,
                $"pixel {i}: {gradient[i]}, differences say {estimate}");
        }

        double At(int index, float offset)
        {
            float[] moved = [.. pixels];
            moved[index] += offset;
            using var there = new Tensor(device, new Shape(9, 7, 3), moved);
            using var tape = new Tape(device);
            return Loss(tape, there).ToArray()[0];
        }

        Tensor Loss(Tape tape, Tensor x)
        {
            Tensor y = tape.AvgPool(tape.Conv3x3(x, first), PoolEdge.Same);
            Tensor gram = tape.Gram(tape.Conv3x3(y, second), 0.05f);
            return tape.Sum(
                [tape.SquaredError(gram, goal, 2f), tape.TotalVariation(x, new VariationWeights(0.01f, 0.01f))]);
        }
    }

    [Fact]
    public void IterationsAfterTheFirstAllocateNothingThatGrows()
    {
        using var layer = new Conv3x3Layer(_cpu, Floats(new Random(1), 9 * 8 * 8, 1), new float[8], true);
        using var image = new Tensor(_cpu, new Shape(32, 32, 8), new float[32 * 32 * 8], requiresGradient: true);
        using var zero = new Tensor(_cpu, new Shape(32, 32, 8), new float[32 * 32 * 8]);
        long held = 0;
        for (int i = 0; i < 10; i++)
        {
            image.ClearGradient();
            using (var tape = new Tape(_cpu))
                tape.Backward(tape.SquaredError(tape.Conv3x3(tape.Conv3x3(image, layer), layer), zero, 1));
            if (i == 0) held = _cpu.MemoryBytes.Held;
        }

        Assert.Equal(held, _cpu.MemoryBytes.Held);
    }

    /// <summary>
    /// A map that no backward reads is gone after its release. The gradients do not change.
    /// </summary>
    [Fact]
    public void ReleasedMapsGiveTheirMemoryBackAtOnceUnlessALossReadsThem()
    {
        var random = new Random(7);
        using var layer = new Conv3x3Layer(_cpu, Floats(random, 9 * 16 * 16, 0.2f), Floats(random, 16, 0.2f), true);
        using var image =
            new Tensor(_cpu, new Shape(40, 40, 16), Floats(random, 40 * 40 * 16, 1), requiresGradient: true);
        using var goal = new Tensor(_cpu, new Shape(16, 16), Floats(random, 256, 0.01f));
        float[][] gradients = [.. new[] { false, true }.Select(release =>
        {
            image.ClearGradient();
            using var tape = new Tape(_cpu);
            Tensor first = tape.Conv3x3(image, layer), second = tape.Conv3x3(first, layer);
            Tensor loss = tape.SquaredError(tape.Gram(second, 0.01f), goal, 1);
            Tensor third = tape.AvgPool(second, PoolEdge.Floor);
            if (release)
            {
                long before = _cpu.MemoryBytes.InUse;
                first.Release();
                Assert.Equal(before - (40 * 40 * 16 * sizeof(float)), _cpu.MemoryBytes.InUse);
                Assert.Throws<ObjectDisposedException>(() => first.ToArray());
                second.Release();
                Assert.Equal(40 * 40 * 16, second.ToArray().Length);
            }

            tape.Backward(tape.Sum([loss, tape.SquaredError(third, third, 1)]));
            return image.GradientToArray();
        })];
        Assert.Equal(gradients[0], gradients[1]);
        Assert.Contains(gradients[0], value => value != 0);
    }

    [Fact]
    public void OnlyScalarsThatDependOnSomethingAreLosses()
    {
        using Tensor x = Vector([1, 2], true), y = Vector([1, 2]);
        using var tape = new Tape(_cpu);
        Assert.Throws<ArgumentException>(() => tape.Backward(x));
        Tensor constant = tape.SquaredError(y, y, 1);
        Assert.Throws<ArgumentException>(() => tape.Backward(constant));
    }

    [Fact]
    public void AdamFindsTheMinimumOfAQuadratic()
    {
        using Tensor x = Vector([5, -3, 0.5f], true), goal = Vector([1, 2, 3]);
        using var adam = new AdamOptimizer(x, new AdamSettings(0.1f));
        for (int i = 0; i < 400; i++)
        {
            x.ClearGradient();
            using var tape = new Tape(_cpu);
            tape.Backward(tape.SquaredError(x, goal, 1));
            adam.Step();
        }

        Assert.Equal(400, adam.StepCount);
        float[] found = x.ToArray();
        for (int i = 0; i < 3; i++) Assert.Equal(i + 1, found[i], 2);
    }

    /// <summary>Weights that are not frozen learn. A convolution finds the filter that made its targets.</summary>
    [Fact]
    public void UnfrozenWeightsLearnAFilter()
    {
        const int Seed = 9;
        var random = new Random(Seed);
        float[] truth = Floats(random, 9 * 2 * 8, 1);
        using var teacher = new Conv3x3Layer(_cpu, truth, Floats(random, 8, 1), frozen: true);
        using var student = new Conv3x3Layer(_cpu, new float[truth.Length], new float[8], frozen: false);
        using var image = new Tensor(_cpu, new Shape(12, 12, 2), Floats(random, 12 * 12 * 2, 1));
        using var tapeOfTeacher = new Tape(_cpu);
        Tensor target = tapeOfTeacher.Conv3x3(image, teacher, relu: false);
        using var kernelAdam = new AdamOptimizer(student.Filter, new AdamSettings(0.05f));
        using var biasAdam = new AdamOptimizer(student.Bias, new AdamSettings(0.05f));
        for (int i = 0; i < 600; i++)
        {
            student.Filter.ClearGradient();
            student.Bias.ClearGradient();
            using var tape = new Tape(_cpu);
            tape.Backward(tape.SquaredError(tape.Conv3x3(image, student, relu: false), target, 1f / 144));
            kernelAdam.Step();
            biasAdam.Step();
            student.Changed();
        }

        float[] learned = student.Filter.ToArray();
        for (int i = 0; i < truth.Length; i++) Assert.Equal(truth[i], learned[i], 0.01f);
    }

    private Tensor Vector(float[] values, bool requiresGradient = false) =>
        new(_cpu, new Shape(values.Length), values, requiresGradient);

    private static float[] Floats(Random random, int length, float scale)
    {
        float[] values = new float[length];
        for (int i = 0; i < length; i++) values[i] = scale * ((2 * random.NextSingle()) - 1);
        return values;
    }
}
