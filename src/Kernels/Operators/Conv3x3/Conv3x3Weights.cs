using ILGPU;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Memory;

namespace NativeStyle.Kernels.Operators.Conv3x3;

/// <summary>
/// A convolution's weights and bias on a device, and the transposed form that the backward pass of some paths makes of
/// them at first use. After changing the values call <see cref="Invalidate"/>.
/// </summary>
public sealed class Conv3x3Weights : IDisposable
{
    private readonly DeviceBuffer<float> _kernel;
    private readonly DeviceBuffer<float> _bias;
    private DeviceBuffer<float>? _transposed;

    /// <param name="device">Where they shall live.</param>
    /// <param name="kernel">(3, 3, in, out), as lists of out.</param>
    /// <param name="bias">(out).</param>
    /// <exception cref="ArgumentException">The kernel's length is not 9 x in x out for any in.</exception>
    public Conv3x3Weights(ComputeDevice device, ReadOnlySpan<float> kernel, ReadOnlySpan<float> bias)
    {
        OutChannels = bias.Length;
        if (OutChannels == 0 || kernel.Length == 0 || kernel.Length % (9 * OutChannels) != 0)
        {
            throw new ArgumentException(
                $"a kernel of {kernel.Length} elements with {OutChannels} biases is not (3, 3, in, {OutChannels})");
        }

        InChannels = kernel.Length / (9 * OutChannels);
        _bias = device.Allocate(bias, Lifetime.Run);
        try
        {
            _kernel = device.Allocate(kernel, Lifetime.Run);
        }
        catch
        {
            _bias.Dispose();
            throw;
        }
    }

    /// <summary>Weights and bias of undefined values.</summary>
    public Conv3x3Weights(ComputeDevice device, int inChannels, int outChannels)
    {
        (InChannels, OutChannels) = (inChannels, outChannels);
        _bias = device.Allocate<float>(outChannels, Lifetime.Run);
        _kernel = device.Allocate<float>(9L * inChannels * outChannels, Lifetime.Run);
    }

    public int InChannels { get; }

    public int OutChannels { get; }

    /// <summary>w, (3, 3, in, out).</summary>
    public ArrayView<float> Kernel => _kernel.View;

    /// <summary>b, (out).</summary>
    public ArrayView<float> Bias => _bias.View;

    /// <summary>Drops the transposed form: to be called after the values of kernel were changed.</summary>
    public void Invalidate()
    {
        _transposed?.Dispose();
        _transposed = null;
    }

    public void Dispose()
    {
        Invalidate();
        _kernel.Dispose();
        _bias.Dispose();
    }

    /// <summary>Backward to data as a convolution of its own: w rotated by 180 degrees, (3, 3, out, in).</summary>
    internal unsafe ArrayView<float> Transposed(CpuDevice cpu)
    {
        if (_transposed is not null) return _transposed.View;
        _transposed = cpu.Allocate<float>(Kernel.Length, Lifetime.Run);
        float* from = Kernel.Pointer, to = _transposed.View.Pointer;
        (int inC, int outC) = (InChannels, OutChannels);
        // A part is a few inputs of one tap: their columns of the transposed form are written side by side.
        const int Block = 16;
        int blocks = (inC + Block - 1) / Block;
        cpu.Parallel(9 * blocks, part =>
        {
            (int tap, int first) = (part / blocks, part % blocks * Block);
            int last = Math.Min(inC, first + Block);
            float* source = from + ((long)tap * inC * outC), target = to + ((8L - tap) * inC * outC);
            for (int o = 0; o < outC; o++)
                for (int i = first; i < last; i++) target[((long)o * inC) + i] = source[((long)i * outC) + o];
        });
        return _transposed.View;
    }

    internal void RequireChannels(Conv3x3Shape shape)
    {
        if (shape.InChannels != InChannels || shape.OutChannels != OutChannels)
        {
            throw new ArgumentException(
                $"weights for {InChannels} -> {OutChannels} channels used as {shape.InChannels} -> {shape.OutChannels}");
        }
    }
}
