using ILGPU;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Memory;
using NativeStyle.Kernels.Operators.Crop;
using NativeStyle.Kernels.Operators.Expand;
using NativeStyle.Kernels.Operators.InstanceNorm;
using NativeStyle.Kernels.Operators.Vectors;

namespace NativeStyle.Autodiff.Operators;

/// <summary>Instance normalisation on the tape, of whole maps and of windows.</summary>
public static class InstanceNormOperator
{
    /// <summary>
    /// y = expand(act(scale (x - m) / (v + 1e-5)^½ + shift) + residual), with each channel's mean m and variance v over
    /// the positions of x (Ulyanov, Vedaldi and Lempitsky 2016, eq. 3).
    /// </summary>
    /// <param name="x">(height, width, channels).</param>
    /// <param name="scale">(channels).</param>
    /// <param name="shift">(channels).</param>
    /// <param name="relu">Whether the activation is ReLU; otherwise there is none.</param>
    /// <param name="residual">
    /// (height + 2 q, width + 2 q, channels) for some q, whose interior is added after the activation.
    /// </param>
    /// <param name="expansion">What the result is written through; null for nothing.</param>
    /// <exception cref="ArgumentException">
    /// A shape does not fit that of x, or the padding is not smaller than the upsampled map.
    /// </exception>
    public static Tensor InstanceNorm(
        this Tape tape, Tensor x, Tensor scale, Tensor shift, bool relu, Tensor? residual = null,
        Expansion? expansion = null)
    {
        ComputeDevice device = tape.Device;
        (int height, int width, int channels) = x.Shape;
        int pixels = checked(height * width);
        var shape = new NormalizeShape(
            ExpandShape.Whole(height, width, channels, expansion ?? Expansion.None), ActivationOf(relu),
            MarginOf(x, residual));
        Tensor y = tape.Output(
            new Shape(shape.Expand.Rows.Count, shape.Expand.Columns.Count, channels),
            residual is null ? [x, scale, shift] : [x, scale, shift, residual]);
        DeviceBuffer<float> factors = tape.Own(
            device.Allocate<float>(4L * channels, y.RequiresGradient ? Lifetime.Pass : Lifetime.Brief));
        using (DeviceBuffer<float> moments = device.Allocate<float>(2L * channels))
        {
            InstanceNormOp.Statistics(device, x.Data, moments.View, pixels, channels);
            InstanceNormOp.Factors(device, moments.View, scale.Data, shift.Data, factors.View, pixels);
        }

        InstanceNormOp.Normalize(device, x.Data, factors.View, residual?.Data ?? default, y.Data, shape);
        if (y.RequiresGradient) x.SaveForBackward();
        else factors.Dispose();
        return tape.Record(y, () =>
        {
            bool isExpanded = y.Shape.Length != x.Shape.Length;
            using DeviceBuffer<float>? folded = isExpanded ? device.Allocate<float>(x.Shape.Length) : null;
            if (folded is not null) ExpandOp.Backward(device, y.Gradient, folded.View, shape.Expand, 0f);
            ArrayView<float> gradient = folded?.View ?? y.Gradient;
            if (residual is { RequiresGradient: true }) PlaceGradient(residual, gradient, shape);
            using DeviceBuffer<float> sums = device.Allocate<float>(2L * channels);
            InstanceNormOp.GradientSums(
                device, gradient, x.Data, factors.View, sums.View, pixels, channels, shape.Activation);
            if (shift.RequiresGradient) shift.AddGradient(sums.View.SubView(0, channels));
            if (scale.RequiresGradient) scale.AddGradient(sums.View.SubView(channels, channels));
            if (x.RequiresGradient)
            {
                (ArrayView<float> dx, float beta) = x.Accumulate();
                InstanceNormOp.Backward(
                    device, gradient, x.Data, factors.View, sums.View, dx, pixels, channels, shape.Activation, beta);
            }

            factors.Dispose();
        });
    }

    /// <summary>Computes the moments of each channel of a map, on the host.</summary>
    /// <param name="x">(height, width, channels).</param>
    internal static ChannelMoments ChannelMoments(this Tensor x)
    {
        (int height, int width, int channels) = x.Shape;
        int pixels = checked(height * width);
        float[] moments = new float[2 * channels];
        using (DeviceBuffer<float> onDevice = x.Device.Allocate<float>(moments.Length))
        {
            InstanceNormOp.Statistics(x.Device, x.Data, onDevice.View, pixels, channels);
            x.Device.Read(onDevice.View, moments);
        }

        double[] values = Array.ConvertAll(moments, value => (double)value);
        return new ChannelMoments(pixels, values[..channels], values[channels..]);
    }

    /// <summary>
    /// A window of what <see cref="InstanceNorm"/> gives, from a window of x and the moments of the whole map. It has
    /// no gradient.
    /// </summary>
    /// <param name="x">(height, width, channels), a constant: the map's window.</param>
    /// <param name="factors">
    /// (4, channels), from <see cref="Kernels.Operators.InstanceNorm.ChannelMoments.Factors"/> of the whole map.
    /// </param>
    /// <param name="residual">(height + 2 q, width + 2 q, channels) for some q, or null.</param>
    /// <param name="rows">The rows of the map's and the result's windows.</param>
    /// <param name="columns">The columns of the map's and the result's windows.</param>
    /// <exception cref="ArgumentException">
    /// A shape does not fit that of x, or a window does not lie where it must.
    /// </exception>
    /// <exception cref="InvalidOperationException">x or the residual has a gradient.</exception>
    /// <inheritdoc cref="InstanceNorm"/>
    public static Tensor NormalizeWindow(
        this Tape tape, Tensor x, Tensor factors, bool relu, Tensor? residual, ExpansionAxis rows,
        ExpansionAxis columns)
    {
        ExpandOperator.RequireConstant(x);
        if (residual is not null) ExpandOperator.RequireConstant(residual);
        (int height, int width, int channels) = x.Shape;
        var shape = new NormalizeShape(
            new ExpandShape(rows, columns, height, width, channels), ActivationOf(relu), MarginOf(x, residual));
        Tensor y = tape.Output(
            new Shape(rows.Count, columns.Count, channels), residual is null ? [x, factors] : [x, factors, residual]);
        InstanceNormOp.Normalize(tape.Device, x.Data, factors.Data, residual?.Data ?? default, y.Data, shape);
        return tape.Record(y, () => { });
    }

    private static Activation ActivationOf(bool relu) => relu ? Activation.Relu : Activation.None;

    /// <summary>q, or -1 without a residual.</summary>
    private static int MarginOf(Tensor x, Tensor? residual)
    {
        if (residual is null) return -1;
        (int height, int width, int channels) = x.Shape;
        (int outerHeight, int outerWidth, int outerChannels) = residual.Shape;
        int margin = (outerHeight - height) / 2;
        if (margin < 0 || (outerHeight, outerWidth, outerChannels)
            != (height + (2 * margin), width + (2 * margin), channels))
        {
            throw new ArgumentException(
                $"the residual is {residual.Shape}, expected {x.Shape} or as many rows and columns more on each side",
                nameof(residual));
        }

        return margin;
    }

    /// <summary>Adds a gradient of the interior of the residual to the residual's.</summary>
    private static void PlaceGradient(Tensor residual, ArrayView<float> gradient, NormalizeShape shape)
    {
        (int height, int width, int channels) = residual.Shape;
        (ArrayView<float> target, float beta) = residual.Accumulate();
        if (beta == 0f && shape.Margin > 0) VectorOps.Fill(residual.Device, target, 0f);
        CropOp.Place(
            residual.Device, gradient, target, height, width, channels,
            new Window(shape.Margin, shape.Margin, shape.Expand.Height, shape.Expand.Width), beta);
    }
}
