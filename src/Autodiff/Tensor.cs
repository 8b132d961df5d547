using ILGPU;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Memory;
using NativeStyle.Kernels.Operators.Vectors;

namespace NativeStyle.Autodiff;

/// <summary>
/// Numbers on a device, and their gradient once <see cref="Tape.Backward(Tensor)"/> has run. A tensor that requires no
/// gradient is a constant: nothing is recorded for it, and it costs no time.
/// </summary>
public sealed class Tensor : IDisposable
{
    private readonly DeviceBuffer<float>? _owned;
    private readonly ArrayView<float> _data;
    private readonly Lifetime _lifetime;
    private DeviceBuffer<float>? _gradient;
    private bool _savedForBackward;

    /// <summary>A new tensor with undefined elements.</summary>
    /// <param name="lifetime">How long the tensor and its gradient will stay.</param>
    public Tensor(ComputeDevice device, Shape shape, bool requiresGradient = false, Lifetime lifetime = Lifetime.Brief)
        : this(device, shape, device.Allocate<float>(shape.Length, lifetime), requiresGradient, lifetime)
    {
    }

    /// <summary>
    /// A new tensor that holds a copy of <paramref name="values"/>, the last dimension varying fastest.
    /// </summary>
    /// <exception cref="ArgumentException">The shape has another number of elements.</exception>
    public Tensor(
        ComputeDevice device, Shape shape, ReadOnlySpan<float> values, bool requiresGradient = false,
        Lifetime lifetime = Lifetime.Brief)
        : this(device, shape, device.Allocate(Fitting(values, shape), lifetime), requiresGradient, lifetime)
    {
    }

    /// <summary>A tensor over memory that somebody else owns.</summary>
    public Tensor(ComputeDevice device, Shape shape, ArrayView<float> data, bool requiresGradient = false)
    {
        if (data.Length != shape.Length) throw new ArgumentException($"{data.Length} elements are not {shape}");
        (_data, Device, Shape, RequiresGradient) = (data, device, shape, requiresGradient);
    }

    private Tensor(
        ComputeDevice device, Shape shape, DeviceBuffer<float> owned, bool requiresGradient, Lifetime lifetime)
    {
        (_owned, _data, _lifetime) = (owned, owned.View, lifetime);
        (Device, Shape, RequiresGradient) = (device, shape, requiresGradient);
    }

    /// <summary>Where the elements are.</summary>
    public ComputeDevice Device { get; }

    /// <summary>The dimensions, the last one varying fastest.</summary>
    public Shape Shape { get; }

    /// <summary>Whether gradients flow to this tensor.</summary>
    public bool RequiresGradient { get; }

    /// <summary>
    /// Whether data and gradient survive <see cref="Tape.Backward(Tensor)"/>; losses and parameters do.
    /// </summary>
    public bool IsRetained { get; private set; }

    /// <summary>The elements, on the device.</summary>
    public ArrayView<float> Data => _owned?.View ?? _data;

    /// <summary>dL/d(this), on the device.</summary>
    /// <exception cref="InvalidOperationException">No gradient has reached this tensor.</exception>
    public ArrayView<float> Gradient =>
        _gradient?.View ?? throw new InvalidOperationException($"no gradient has reached this tensor {Shape}");

    /// <summary>The gradient as a constant tensor over the same memory.</summary>
    /// <exception cref="InvalidOperationException">No gradient has reached this tensor.</exception>
    public Tensor GradientTensor => new(Device, Shape, Gradient);

    /// <summary>Whether a gradient has reached this tensor.</summary>
    public bool HasGradient => _gradient is not null;

    /// <summary>A host copy of the elements.</summary>
    public float[] ToArray()
    {
        float[] values = new float[Shape.Length];
        Device.Read(Data, values);
        return values;
    }

    /// <summary>A host copy of the gradient.</summary>
    public float[] GradientToArray()
    {
        float[] values = new float[Shape.Length];
        Device.Read(Gradient, values);
        return values;
    }

    /// <summary>A constant of the same shape with undefined elements. It stays as long as this tensor does.</summary>
    public Tensor NewVector() => new(Device, Shape, lifetime: _lifetime);

    /// <summary>Asks the tape to leave this tensor alone after backward.</summary>
    public Tensor Retain()
    {
        IsRetained = true;
        return this;
    }

    /// <summary>
    /// Says that only operators already on the tape will read the elements. Their memory is given back at once, unless
    /// some operator's backward reads them. Those of a convolution and of average pooling do not; that of a Gram matrix
    /// does.
    /// </summary>
    public void Release()
    {
        if (!RequiresGradient) Dispose();
        else if (!_savedForBackward && !IsRetained) _owned?.Dispose();
    }

    /// <summary>Adds to the gradient.</summary>
    /// <param name="gradient">dL/d(this) of some part of L, on the device.</param>
    public void AddGradient(ArrayView<float> gradient)
    {
        (ArrayView<float> target, float beta) = Accumulate();
        if (beta == 0f) VectorOps.Copy(Device, target, gradient);
        else VectorOps.Axpy(Device, target, gradient, 1f);
    }

    /// <summary>A gradient with undefined elements, for the caller to fill.</summary>
    public Tensor NewGradient()
    {
        ClearGradient();
        return new Tensor(Device, Shape, Accumulate().Gradient);
    }

    /// <summary>
    /// Adds another tensor's gradient and removes it there. If this tensor has no gradient yet, it takes over the
    /// memory.
    /// </summary>
    public void TakeGradient(Tensor from)
    {
        if (HasGradient) AddGradient(from.Gradient);
        else (_gradient, from._gradient) = (from._gradient, null);
        from.ClearGradient();
    }

    /// <summary>Forgets the gradient, for example before a new pass.</summary>
    public void ClearGradient()
    {
        _gradient?.Dispose();
        _gradient = null;
    }

    /// <summary>Gives the memory back.</summary>
    public void Dispose()
    {
        ClearGradient();
        _owned?.Dispose();
    }

    /// <summary>
    /// Says that the elements must stay. An operator whose backward reads them calls this in its forward.
    /// </summary>
    public void SaveForBackward() => _savedForBackward = true;

    /// <summary>
    /// Says where an operator's backward writes: the gradient, and BLAS's beta. Beta is 0 for the first contribution,
    /// which overwrites undefined elements, and 1 for each later one, which adds. A tensor that is used twice thus gets
    /// the sum, as the chain rule asks.
    /// </summary>
    public (ArrayView<float> Gradient, float Beta) Accumulate()
    {
        if (_gradient is not null) return (_gradient.View, 1f);
        _gradient = Device.Allocate<float>(Shape.Length, _lifetime);
        return (_gradient.View, 0f);
    }

    private static ReadOnlySpan<float> Fitting(ReadOnlySpan<float> values, Shape shape) =>
        values.Length == shape.Length
            ? values : throw new ArgumentException($"{values.Length} elements are not {shape}", nameof(values));
}
