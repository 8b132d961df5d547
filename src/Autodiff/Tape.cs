using System.Diagnostics;
using System.Runtime.CompilerServices;
using NativeStyle.Autodiff.Operators;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Memory;
using NativeStyle.Kernels.Operators.Vectors;

namespace NativeStyle.Autodiff;

/// <summary>An operator as the tape recorded it, for people who want to look: see <see cref="Tape.Observe"/>.</summary>
/// <param name="Name">The operator's name.</param>
/// <param name="Inputs">
/// The places, in the list of operators, of those that made its inputs; -1 for the parameter itself.
/// </param>
/// <param name="InputShapes">The shapes of all its inputs, constants among them.</param>
/// <param name="Shape">The shape of its output.</param>
public sealed record TapeNode(string Name, IReadOnlyList<int> Inputs, IReadOnlyList<Shape> InputShapes, Shape Shape)
{
    /// <summary>How long the pass forward took.</summary>
    public double ForwardSeconds { get; internal set; }

    /// <summary>How long the pass backward took.</summary>
    public double BackwardSeconds { get; internal set; }

    /// <summary>The 2-norm of dL/d(output) after the backward pass; null if no gradient arrived.</summary>
    public double? GradientNorm { get; internal set; }
}

/// <summary>
/// Reverse-mode automatic differentiation. The forward pass writes down each operator that touches a tensor with a
/// gradient. <see cref="Backward(Tensor)"/> goes through that list from its end, and each operator passes its output's
/// gradient on to its inputs (Griewank and Walther 2008, "Evaluating derivatives", chapter 3).
/// <code>
///   using var tape = new Tape(device);
///   Tensor loss = tape.SquaredError(tape.Gram(features, scale), target, weight);
///   tape.Backward(loss);            // now image.Gradient is dL/d(image)
/// </code>
/// The operators are extension methods. Each has its file in Operators/, with forward and backward side by side. An
/// operator of your own is one more: <see cref="Output(Shape, Tensor, string)"/>, then its forward, then
/// <see cref="Record"/>.
/// </summary>
/// <param name="device">The device that computes everything.</param>
/// <param name="sums">
/// The sums over positions (Gram matrices, means, squared errors), if an earlier pass has computed them and their
/// gradients. They are in the order in which their operators will be called. Those operators then compute nothing
/// forward: the tape takes the next of these tensors as their output, and <see cref="Backward()"/> starts from the
/// gradients that they have.
/// </param>
public sealed class Tape(ComputeDevice device, IEnumerable<Tensor>? sums = null) : IDisposable
{
    private readonly Queue<Tensor>? _sums = sums is null ? null : new(sums);
    private readonly List<Entry> _entries = [];
    private readonly List<IDisposable> _resources = [];
    private List<TapeNode>? _observed;
    private Dictionary<Tensor, int>? _places;
    private (TapeNode Node, long Start)? _underWay;

    /// <summary>Where everything on the tape is computed.</summary>
    public ComputeDevice Device => device;

    /// <summary>The operators in the order of their calls since <see cref="Observe"/>.</summary>
    public IReadOnlyList<TapeNode> Observed => _observed ?? [];

    /// <summary>
    /// Notes each operator's name, shapes, times and gradient norm from now on. Each operator then waits for the
    /// device, so nothing is noted unless this is called.
    /// </summary>
    public void Observe() => (_observed, _places) = ([], []);

    /// <summary>
    /// Fills the gradients of everything that <paramref name="loss"/> depends on. A tensor's memory is given back as
    /// soon as its own operator has run backward, so memory shrinks on the way. (Most maps were given back earlier, in
    /// the forward pass: see <see cref="Tensor.Release"/>.)
    /// </summary>
    /// <param name="loss">A scalar of this tape.</param>
    public void Backward(Tensor loss)
    {
        if (loss.Shape.Rank != 0) throw new ArgumentException($"a loss is a scalar, not {loss.Shape}", nameof(loss));
        if (!loss.RequiresGradient)
            throw new ArgumentException("the loss depends on no tensor with gradient", nameof(loss));
        Backward(loss, [1f]);
    }

    /// <summary>
    /// Computes the vector-Jacobian product: like <see cref="Backward(Tensor)"/>, but from a gradient of any tensor of
    /// this tape.
    /// </summary>
    /// <param name="output">The tensor to start from.</param>
    /// <param name="gradient">dL/d(output), as many elements as output has.</param>
    public void Backward(Tensor output, ReadOnlySpan<float> gradient)
    {
        using (DeviceBuffer<float> seed = device.Allocate(gradient)) output.AddGradient(seed.View);
        Backward();
    }

    /// <summary>
    /// Like <see cref="Backward(Tensor)"/>, but from the gradients that tensors of this tape already have. They come
    /// from <see cref="Tensor.AddGradient"/> or from another tape that went on from these tensors.
    /// </summary>
    public void Backward()
    {
        for (int i = _entries.Count - 1; i >= 0; i--)
        {
            (Tensor output, Action backward) = _entries[i];
            if (output.HasGradient)
            {
                if (_places is not null && _places.TryGetValue(output, out int place))
                    BackwardObserved(_observed![place], output, backward);
                else
                    backward();
            }

            if (!output.IsRetained) output.Dispose();
        }

        _entries.Clear();
    }

    /// <summary>Gives back the memory of every tensor that this tape made.</summary>
    public void Dispose()
    {
        foreach (IDisposable resource in _resources) resource.Dispose();
        _resources.Clear();
        _entries.Clear();
    }

    /// <summary>A tensor without gradient and with undefined elements. The tape gives its memory back.</summary>
    public Tensor Constant(Shape shape) => Own(new Tensor(device, shape));

    /// <summary>
    /// The output of an operator. Its elements are undefined until the operator's forward fills them. It has a gradient
    /// if any of the inputs has.
    /// </summary>
    /// <param name="name">The operator's name, which is that of the calling method.</param>
    public Tensor Output(Shape shape, IReadOnlyList<Tensor> inputs, [CallerMemberName] string name = "")
    {
        var output = new Tensor(device, shape, inputs.Any(input => input.RequiresGradient));
        _resources.Add(output);
        if (_observed is not null && _places is not null)
        {
            IEnumerable<int> places = inputs
                .Where(input => input.RequiresGradient)
                .Select(input => _places.GetValueOrDefault(input, -1));
            var node = new TapeNode(name, [.. places], [.. inputs.Select(input => input.Shape)], shape);
            _places[output] = _observed.Count;
            _observed.Add(node);
            device.Synchronize();
            _underWay = (node, Stopwatch.GetTimestamp());
        }

        return output;
    }

    /// <inheritdoc cref="Output(Shape, IReadOnlyList{Tensor}, string)"/>
    public Tensor Output(Shape shape, Tensor input, [CallerMemberName] string name = "") =>
        Output(shape, [input], name);

    /// <summary>
    /// A sum over the positions of a map. It is computed, or it is the next of the sums that the tape's constructor
    /// received.
    /// </summary>
    /// <param name="shape">The shape of the sum.</param>
    /// <param name="x">The map.</param>
    /// <param name="forward">Computes the sum into the output.</param>
    /// <param name="backward">Reads the output's gradient and adds to the map's.</param>
    /// <param name="name">The operator's name, which is that of the calling method.</param>
    internal Tensor Reduce(
        Shape shape, Tensor x, Action<Tensor> forward, Action<Tensor> backward, [CallerMemberName] string name = "")
    {
        bool computes = _sums is null;
        Tensor sum = computes ? Output(shape, x, name) : _sums!.Dequeue();
        if (computes) forward(sum);
        return Record(sum, () => backward(sum));
    }

    /// <summary>Takes memory that an operator's backward needs. The tape disposes it, if backward has not.</summary>
    public T Own<T>(T memory) where T : IDisposable
    {
        _resources.Add(memory);
        return memory;
    }

    /// <summary>Writes an operator down, after its forward.</summary>
    /// <param name="output">What <see cref="Output(Shape, Tensor, string)"/> returned.</param>
    /// <param name="backward">
    /// Reads output.Gradient and adds to the gradients of the inputs, where <see cref="Tensor.Accumulate"/> says. It is
    /// called if a gradient has reached the output, and skips inputs that require none.
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

    private void BackwardObserved(TapeNode node, Tensor output, Action backward)
    {
        node.GradientNorm = VectorOps.Norm(device, output.Gradient);
        long start = Stopwatch.GetTimestamp();
        backward();
        device.Synchronize();
        node.BackwardSeconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    private readonly record struct Entry(Tensor Output, Action Backward);
}
