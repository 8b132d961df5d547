using NativeStyle.Autodiff.Operators;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Operators.Adam;

namespace NativeStyle.Autodiff.Tests;

/// <summary>The program that docs/autodiff.md explains, piece by piece; WorkedExampleTests runs it.</summary>
public static class WorkedExample
{
    /// <summary>Teaches two layers of 3x3 filters what an edge is.</summary>
    /// <returns>
    /// The loss before the first and after the last step, and the first layer's filters, (3, 3, 1, 4).
    /// </returns>
    public static (float First, float Last, float[] Filters) Train(ComputeDevice device, int steps)
    {
        const int Side = 24;
        const int Hidden = 4;

        // The problem: a picture of random grey levels, and the size of its steps, |right - left| + |below - above|.
        var random = new Random(1);
        float[] picture = new float[Side * Side], edges = new float[Side * Side];
        for (int i = 0; i < picture.Length; i++) picture[i] = random.NextSingle();
        for (int row = 0; row < Side; row++)
        {
            for (int column = 0; column < Side; column++)
            {
                float At(int r, int c) => r < 0 || c < 0 || r >= Side || c >= Side ? 0f : picture[(r * Side) + c];
                edges[(row * Side) + column] = MathF.Abs(At(row, column + 1) - At(row, column - 1))
                    + MathF.Abs(At(row + 1, column) - At(row - 1, column));
            }
        }

        using var x = new Tensor(device, new Shape(Side, Side, 1), picture);
        using var target = new Tensor(device, new Shape(Side, Side, 1), edges);

        // The network: one channel to four, ReLU, four to one. Small random filters, no bias yet.
        float[] Noise(int count) => [.. Enumerable.Range(0, count).Select(_ => 0.6f * (random.NextSingle() - 0.5f))];
        using var first = new Conv3x3Layer(device, Noise(9 * Hidden), new float[Hidden], frozen: false);
        using var second = new Conv3x3Layer(device, Noise(9 * Hidden), new float[1], frozen: false);

        // An optimiser for each tensor that learns.
        var settings = new AdamSettings(LearningRate: 0.02f);
        Tensor[] parameters = [first.Filter, first.Bias, second.Filter, second.Bias];
        AdamOptimizer[] optimizers = [.. parameters.Select(parameter => new AdamOptimizer(parameter, settings))];

        float before = 0, now = 0;
        for (int step = 0; step < steps; step++)
        {
            foreach (Tensor parameter in parameters) parameter.ClearGradient();

            // Forward: each call computes, and writes itself down on the tape.
            using var tape = new Tape(device);
            Tensor hidden = tape.Conv3x3(x, first, relu: true);
            Tensor output = tape.Conv3x3(hidden, second, relu: false);
            Tensor loss = tape.SquaredError(output, target, scale: 1f / (Side * Side));

            // Backward: reads the tape from its end. Then every parameter has its gradient.
            tape.Backward(loss);
            now = loss.ToArray()[0];
            if (step == 0) before = now;

            // Each parameter makes a step of Adam. Then the layers forget what they derived from the old filters.
            foreach (AdamOptimizer optimizer in optimizers) optimizer.Step();
            first.Changed();
            second.Changed();
        }

        foreach (AdamOptimizer optimizer in optimizers) optimizer.Dispose();
        return (before, now, first.Filter.ToArray());
    }
}
