using System.Diagnostics;
using System.Runtime.CompilerServices;
using NativeStyle.Autodiff.Operators;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Memory;
using NativeStyle.Kernels.Operators.Vectors;

namespace NativeStyle.Autodiff;

/// <summary>An operator as the tape saw it, for people who want to look: see <see cref="Tape.Observe"/>.</summary>
/// <param name="Name">The operator.</param>
/// <param name="Inputs">Places in the list of the operators that made its inputs; -1 for the parameter itself.</param>
/// <param name="InputShapes">Of all inputs, constants among them.</param>
/// <param name="Shape">Of its output.</param>
public sealed record TapeNode(string Name, IReadOnlyList<int> Inputs, IReadOnlyList<Shape> InputShapes, Shape Shape)
{
    public double ForwardSeconds { get; internal set; }

    public double BackwardSeconds { get; internal set; }

    /// <summary>The 2-norm of dL/d(output), once backward has passed; null where no gradient came.</summary>
    public double? GradientNorm { get; internal set; }
}

/// <summary>
/// Reverse-mode automatic differentiation: the forward pass writes down each operator that touched a tensor with
/// gradient, <see cref="Backward(Tensor)"/> goes through the list from its end and lets each operator hand its output's
/// gradient on to its inputs (Griewank and Walther 2008, "Evaluating derivatives", chapter 3).
/// <code>
///   using var tape = new Tape(device);
///   Tensor loss = tape.SquaredError(tape.Gram(features, scale), target, weight);
///   tape.Backward(loss);            // now image.Gradient is dL/d(image)
/// </code>
/// The operators are extension methods, one file each in Operators/, forward and backward side by side. An operator of
/// your own is one more: <see cref="Output(Shape, Tensor, string)"/>, then its forward, then <see cref="Record"/>.
/// </summary>
/// <param name="device">Where everything is computed.</param>
/// <param name="sums">
/// The sums over positions (Gram matrices, means, squared errors), in the order in which their operators will be called, where
/// an earlier pass has computed them and their gradients. Those operators then compute nothing forward: the tape takes the next
/// of these tensors as their output, and <see cref="Backward()"/> starts from the gradients that they have.
/// </param>
public sealed class Tape(ComputeDevice device, IEnumerable<Tensor>? sums = null) : IDisposable
{
    private readonly Queue<Tensor>? _sums = sums is null ? null : new(sums);
    private readonly List<Entry> _entries = [];
    private readonly List<IDisposable> _made = [];
    private List<TapeNode>? _observed;
    private Dictionary<Tensor, int>? _places;
    private (TapeNode Node, long Start)? _underWay;

    public ComputeDevice Device => device;

    /// <summary>The operators in their order, since <see cref="Observe"/>.</summary>
    public IReadOnlyList<TapeNode> Observed => _observed ?? [];

    /// <summary>
    /// From now on notes each operator's name, shapes, times and gradient's norm. It costs a wait for the device at each
    /// operator, so nothing is noted unless somebody asks.
    /// </summary>
    public void Observe() => (_observed, _places) = ([], []);

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
        using (DeviceBuffer<float> seed = device.Allocate(gradient)) output.AddGradient(seed.View);
        Backward();
    }

    /// <summary>
    /// As above, from the gradients that tensors of this tape already have, be it of <see cref="Tensor.AddGradient"/>, be it of
    /// another tape that went on from them.
    /// </summary>
    public void Backward()
    {
        for (int i = _entries.Count - 1; i >= 0; i--)
        {
            (Tensor made, Action backward) = _entries[i];
            if (made.HasGradient)
            {
                if (_places is not null && _places.TryGetValue(made, out int place)) BackwardObserved(_observed![place], made, backward);
                else backward();
            }

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

    /// <summary>A tensor without gradient and of undefined elements, whose memory goes with the tape.</summary>
    public Tensor Constant(Shape shape) => Keep(new Tensor(device, shape));

    /// <summary>
    /// The output of an operator, whose forward fills it: its elements are undefined. It has a gradient if any of the
    /// inputs has.
    /// </summary>
    /// <param name="name">The operator's, which is the method that calls.</param>
    public Tensor Output(Shape shape, IReadOnlyList<Tensor> inputs, [CallerMemberName] string name = "")
    {
        var output = new Tensor(device, shape, inputs.Any(input => input.RequiresGradient));
        _made.Add(output);
        if (_observed is not null && _places is not null)
        {
            var node = new TapeNode(name, [.. inputs.Where(input => input.RequiresGradient).Select(input => _places.GetValueOrDefault(input, -1))], [.. inputs.Select(input => input.Shape)], shape);
            _places[output] = _observed.Count;
            _observed.Add(node);
            device.Synchronize();
            _underWay = (node, Stopwatch.GetTimestamp());
        }

        return output;
    }

    /// <inheritdoc cref="Output(Shape, IReadOnlyList{Tensor}, string)"/>
    public Tensor Output(Shape shape, Tensor input, [CallerMemberName] string name = "") => Output(shape, [input], name);

    /// <summary>A sum over the positions of a map: computed, or the next of those that the tape was given.</summary>
    /// <param name="shape">Of the sum.</param>
    /// <param name="x">The map.</param>
    /// <param name="forward">Computes the sum into the output.</param>
    /// <param name="backward">Reads the output's gradient and adds to the map's.</param>
    /// <param name="name">The operator's, which is the method that calls.</param>
    internal Tensor Reduce(
        Shape shape, Tensor x, Action<Tensor> forward, Action<Tensor> backward, [CallerMemberName] string name = "")
    {
        bool computes = _sums is null;
        Tensor sum = computes ? Output(shape, x, name) : _sums!.Dequeue();
        if (computes) forward(sum);
        return Record(sum, () => backward(sum));
    }

    /// <summary>Memory that an operator's backward will need: given back with the tape, if backward has not done so.</summary>
    internal T Keep<T>(T memory) where T : IDisposable
    {
        _made.Add(memory);
        return memory;
    }

    /// <summary>Writes an operator down, after its forward.</summary>
    /// <param name="output">Of <see cref="Output(Shape, Tensor, string)"/>.</param>
    /// <param name="backward">
    /// Reads output.Gradient and adds to its inputs', where <see cref="Tensor.Accumulate"/> says. It is called if a
    /// gradient has reached the output, and skips inputs that require none.
    /// </param>
    /// <returns>The output.</returns>
    public Tensor Record(Tensor output, Action backward)
    {
        if (_underWay is var (node, start))
        {
            device.Synchronize();
            node.ForwardSeconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
            _underWay = null;
        }

        if (output.RequiresGradient) _entries.Add(new Entry(output, backward));
        return output;
    }

    private void BackwardObserved(TapeNode node, Tensor made, Action backward)
    {
        node.GradientNorm = VectorOps.Norm(device, made.Gradient);
        long start = Stopwatch.GetTimestamp();
        backward();
        device.Synchronize();
        node.BackwardSeconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    private readonly record struct Entry(Tensor Output, Action Backward);
}
