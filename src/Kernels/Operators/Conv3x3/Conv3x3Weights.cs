using ILGPU;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Memory;

namespace NativeStyle.Kernels.Operators.Conv3x3;

/// <summary>
/// A convolution's filter and bias on a device, and the filter's transposed form, which the backward pass of some forms
/// makes at its first use. Call <see cref="Invalidate"/> after changing the values.
/// </summary>
public sealed class Conv3x3Weights : IDisposable
{
    private readonly DeviceBuffer<float> _filter;
    private readonly DeviceBuffer<float> _bias;
    private DeviceBuffer<float>? _transposed;

    /// <param name="device">The device that holds them.</param>
    /// <param name="filter">(3, 3, in, out); the out values of a tap and input lie together.</param>
    /// <param name="bias">(out).</param>
    /// <exception cref="ArgumentException">The filter's length is not 9 x in x out for any in.</exception>
    public Conv3x3Weights(ComputeDevice device, ReadOnlySpan<float> filter, ReadOnlySpan<float> bias)
    {
        OutChannels = bias.Length;
        if (OutChannels == 0 || filter.Length == 0 || filter.Length % (9 * OutChannels) != 0)
        {
            throw new ArgumentException(
                $"a kernel of {filter.Length} elements with {OutChannels} biases is not (3, 3, in, {OutChannels})");
        }

        InChannels = filter.Length / (9 * OutChannels);
        _bias = device.Allocate(bias, Lifetime.Run);
        try
        {
            _filter = device.Allocate(filter, Lifetime.Run);
        }
        catch
        {
            _bias.Dispose();
            throw;
        }
    }

    /// <summary>Allocates weights with undefined values.</summary>
    public Conv3x3Weights(ComputeDevice device, int inChannels, int outChannels)
    {
        if (!device.IsRehearsal) throw new ArgumentException($"{device.Name} is no rehearsal", nameof(device));
        (InChannels, OutChannels) = (inChannels, outChannels);
        _bias = device.Allocate<float>(outChannels, Lifetime.Run);
        _filter = device.Allocate<float>(9L * inChannels * outChannels, Lifetime.Run);
    }

    /// <summary>Channels of the input.</summary>
    public int InChannels { get; }

    /// <summary>Channels of the output.</summary>
    public int OutChannels { get; }

    /// <summary>w, (3, 3, in, out).</summary>
    public ArrayView<float> Filter => _filter.View;

    /// <summary>b, (out).</summary>
    public ArrayView<float> Bias => _bias.View;

    /// <summary>Drops the transposed form. Call it after changing the values of the filter.</summary>
    public void Invalidate()
    {
        _transposed?.Dispose();
        _transposed = null;
    }

    /// <summary>Gives the memory back.</summary>
    public void Dispose()
    {
        Invalidate();
        _filter.Dispose();
        _bias.Dispose();
    }

    /// <summary>
    /// The filter whose forward convolution is backward to data: w rotated by 180 degrees, (3, 3, out, in).
    /// </summary>
    internal unsafe ArrayView<float> Transposed(CpuDevice cpu)
    {
        if (_transposed is not null) return _transposed.View;
        _transposed = cpu.Allocate<float>(Filter.Length, Lifetime.Run);
        Rotate(cpu, Filter.Pointer, _transposed.View.Pointer, InChannels, OutChannels);
        return _transposed.View;
    }

    /// <summary>Writes a filter (3, 3, in, out) rotated by 180 degrees, as (3, 3, out, in).</summary>
    internal static unsafe void Rotate(CpuDevice cpu, float* from, float* to, int inChannels, int outChannels)
    {
        // A part is a few inputs of one tap: it writes their columns of the transposed form side by side.
        const int Block = 16;
        int blocks = (inChannels + Block - 1) / Block;
        long tapLength = (long)inChannels * outChannels;
        cpu.Parallel(9 * blocks, part =>
        {
            (int tap, int first) = (part / blocks, part % blocks * Block);
            int last = Math.Min(inChannels, first + Block);
            float* source = from + (tap * tapLength), target = to + ((8 - tap) * tapLength);
            for (int o = 0; o < outChannels; o++)
            {
                for (int i = first; i < last; i++)
                    target[((long)o * inChannels) + i] = source[((long)i * outChannels) + o];
            }
        });
    }

    internal void RequireChannels(Conv3x3Shape shape)
    {
        if (shape.InChannels != InChannels || shape.OutChannels != OutChannels)
        {
            throw new ArgumentException(
                $"weights for {InChannels} -> {OutChannels} channels used as "
                    + $"{shape.InChannels} -> {shape.OutChannels}");
        }
    }
}
