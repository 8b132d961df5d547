namespace NativeStyle.Kernels;

/// <summary>
/// A convolution's weights and bias on a device, with the packed forms that the CPU's vectorised path makes of them
/// at first use. After changing the values call <see cref="Invalidate"/>.
/// </summary>
public sealed class Conv3x3Weights : IDisposable
{
    private readonly MemoryBuffer<float> _kernel;
    private readonly MemoryBuffer<float> _bias;
    private MemoryBuffer<float>? _packedForward;
    private MemoryBuffer<float>? _packedBackward;

    /// <param name="accelerator">Where they shall live.</param>
    /// <param name="kernel">(3, 3, in, out), as lists of out.</param>
    /// <param name="bias">(out).</param>
    /// <exception cref="ArgumentException">The kernel's length is not 9 x in x out for any in.</exception>
    public Conv3x3Weights(Accelerator accelerator, ReadOnlySpan<float> kernel, ReadOnlySpan<float> bias)
    {
        OutChannels = bias.Length;
        if (OutChannels == 0 || kernel.Length == 0 || kernel.Length % (9 * OutChannels) != 0)
        {
            throw new ArgumentException(
                $"a kernel of {kernel.Length} elements with {OutChannels} biases is not (3, 3, in, {OutChannels})");
        }

        InChannels = kernel.Length / (9 * OutChannels);
        _kernel = accelerator.Allocate(kernel);
        _bias = accelerator.Allocate(bias);
    }

    public int InChannels { get; }

    public int OutChannels { get; }

    /// <summary>w, (3, 3, in, out).</summary>
    public ArrayView<float> Kernel => _kernel.View;

    /// <summary>b, (out).</summary>
    public ArrayView<float> Bias => _bias.View;

    /// <summary>Drops the packed forms: to be called after the values of kernel were changed.</summary>
    public void Invalidate()
    {
        _packedForward?.Dispose();
        _packedBackward?.Dispose();
        _packedForward = _packedBackward = null;
    }

    public void Dispose()
    {
        Invalidate();
        _kernel.Dispose();
        _bias.Dispose();
    }

    internal ArrayView<float> PackedForward(CpuAccelerator cpu) =>
        (_packedForward ??= Winograd.Pack(cpu, Kernel, InChannels, OutChannels, transposed: false)).View;

    internal ArrayView<float> PackedBackward(CpuAccelerator cpu) =>
        (_packedBackward ??= Winograd.Pack(cpu, Kernel, InChannels, OutChannels, transposed: true)).View;

    internal void RequireChannels(Conv3x3Shape shape)
    {
        if (shape.InChannels != InChannels || shape.OutChannels != OutChannels)
        {
            throw new ArgumentException(
                $"weights for {InChannels} -> {OutChannels} channels used as {shape.InChannels} -> {shape.OutChannels}");
        }
    }
}
