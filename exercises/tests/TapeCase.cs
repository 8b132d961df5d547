using NativeStyle.Autodiff;
using NativeStyle.GradientCheck;

namespace NativeStyle.Exercises.Tests;

/// <summary>Makes cases of the gradient check.</summary>
internal static class TapeCase
{
    /// <summary>An operator of each element by itself, from its formula and its derivative.</summary>
    public static CheckCase Elementwise(
        string name, Func<Tape, Tensor, Tensor> apply, Func<double, double> formula, Func<double, double> derivative)
    {
        // Multiples of 1/32, which float32 holds exactly, and none of them zero.
        double[] x = [.. Enumerable.Range(0, 60).Select(i => (i - 29.5) / 16)];
        return Of(
            name, [(new Shape(x.Length), x)], new Shape(x.Length), (tape, inputs) => apply(tape, inputs[0]),
            inputs => Array.ConvertAll(inputs[0], value => formula(value)),
            (inputs, dy) => [[.. inputs[0].Zip(dy, (value, g) => g * derivative(value))]]);
    }

    /// <summary>An operator all of whose inputs have gradients.</summary>
    public static CheckCase Of(
        string name, (Shape Shape, double[] Values)[] inputs, Shape output,
        Func<Tape, Tensor[], Tensor> apply, Func<double[][], double[]> reference,
        Func<double[][], double[], double[][]> backward, double tolerance = 4e-6) => new()
        {
            Operator = name,
            Variant = $"{inputs[0].Shape}",
            Inputs = [.. inputs.Select(input => input.Values)],
            Differentiable = inputs.Length,
            OutputGradient = [.. Enumerable.Range(0, (int)output.Length).Select(i => (((i * 5) % 13) - 6) / 8.0)],
            Reference = reference,
            ReferenceBackward = backward,
            Run = (device, values, dy) =>
            {
                Tensor[] tensors = [.. values.Select((value, i) =>
                    new Tensor(device, inputs[i].Shape, value, requiresGradient: true))];
                float[] result = [];
                // The second pass must add to the gradients of the first.
                for (int pass = 0; pass < 2; pass++)
                {
                    using var tape = new Tape(device);
                    Tensor y = apply(tape, tensors);
                    result = y.ToArray();
                    tape.Backward(y, dy);
                }

                float[][] gradients = [.. tensors.Select(tensor => tensor.HasGradient
                    ? Array.ConvertAll(tensor.GradientToArray(), gradient => gradient / 2)
                    : new float[tensor.Shape.Length])];
                foreach (Tensor tensor in tensors) tensor.Dispose();
                return (result, gradients);
            },
            Tolerance = tolerance,
            ToleranceReason = "a dozen roundings",
        };
}
