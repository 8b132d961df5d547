using NativeStyle.Kernels;

namespace NativeStyle.Autodiff;

/// <summary>
/// Reverse-mode automatic differentiation: the forward pass writes down each operator that touched a tensor with
/// gradient, <see cref="Backward(Tensor)"/> goes through the list from its end and lets each operator hand its output's
/// gradient on to its inputs (Griewank and Walther 2008, "Evaluating derivatives", chapter 3).
/// <code>
///   using var tape = new Tape(accelerator);
///   Tensor loss = tape.SquaredError(tape.Gram(features, scale), target, weight);
///   tape.Backward(loss);            // now image.Gradient is dL/d(image)
/// </code>
/// The operators are extension methods, one file each in Operators/, forward and backward side by side.
/// </summary>
public sealed class Tape(Accelerator accelerator) : IDisposable
{
    private readonly List<Entry> _entries = [];
    private readonly List<IDisposable> _made = [];

    public Accelerator Accelerator => accelerator;

    /// <summary>
    /// Fills the gradients of everything that <paramref name="loss"/> depends on. What a tensor in between held is
    /// given back as soon as its own operator has run backward, so that memory shrinks on the way. (Most maps went
    /// before, in the forward pass: see <see cref="Tensor.Release"/>.)
    /// </summary>
    /// <param name="loss">A scalar of this tape.</param>
    public void Backward(Tensor loss)
    {
        if (loss.Shape.Rank != 0) throw new ArgumentException($"a loss is a scalar, not {loss.Shape}", nameof(loss));
        if (!loss.RequiresGradient) throw new ArgumentException("the loss depends on no tensor with gradient", nameof(loss));
        Backward(loss, [1f]);
    }

    /// <summary>The vector-Jacobian product: as above, from a given gradient of any tensor of this tape.</summary>
    /// <param name="output">Where to start.</param>
    /// <param name="gradient">dL/d(output), as many elements as it has.</param>
    public void Backward(Tensor output, ReadOnlySpan<float> gradient)
    {
        using (MemoryBuffer<float> seed = accelerator.Allocate(gradient))
        {
            (ArrayView<float> target, _) = output.Accumulate();
            VectorOps.Fill(accelerator, target, 0f);
            VectorOps.Axpy(accelerator, target, seed.View, 1f);
        }

        for (int i = _entries.Count - 1; i >= 0; i--)
        {
            (Tensor made, Action backward) = _entries[i];
            if (made.HasGradient) backward();
            if (!made.Kept) made.Dispose();
        }

        _entries.Clear();
    }

    /// <summary>Gives the memory of every tensor that this tape made back.</summary>
    public void Dispose()
    {
        foreach (IDisposable made in _made) made.Dispose();
        _made.Clear();
        _entries.Clear();
    }

    /// <summary>The output of an operator: it has a gradient if any of the inputs has.</summary>
    internal Tensor Output(Shape shape, params ReadOnlySpan<Tensor> inputs)
    {
        bool requiresGradient = false;
        foreach (Tensor input in inputs) requiresGradient |= input.RequiresGradient;
        var output = new Tensor(accelerator, shape, requiresGradient);
        _made.Add(output);
        return output;
    }

    /// <summary>Memory that an operator's backward will need: given back with the tape, if backward has not done so.</summary>
    internal T Keep<T>(T memory) where T : IDisposable
    {
        _made.Add(memory);
        return memory;
    }

    /// <summary>Writes an operator down; <paramref name="backward"/> reads output.Gradient and adds to its inputs'.</summary>
    internal Tensor Record(Tensor output, Action backward)
    {
        if (output.RequiresGradient) _entries.Add(new Entry(output, backward));
        return output;
    }

    private readonly record struct Entry(Tensor Output, Action Backward);
}
