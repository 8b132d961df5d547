using System.Runtime.Intrinsics;
using ILGPU;
using ILGPU.Runtime;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Memory;
using NativeStyle.Kernels.Simd;

namespace NativeStyle.Kernels.Operators.Pool2x2;

// Max pooling 2x2, stride 2.
//
//   forward   y[p, c] = max over q in window p of x[q, c]      (not a number if one of them is not a number)
//   backward  dx[q, c] = dy[p, c] for the first q of window p (in row order) that holds the maximum, else 0
//             (the first that is not a number, if there is one)

/// <summary>2x2 max pooling, forward and backward.</summary>
public static unsafe class MaxPoolOp
{
    private static readonly Operator<ForwardArguments> s_forward = new Operator<ForwardArguments>(
            "MaxPool.Forward", a => ($"{a.Shape}", Work.Each(a.Shape.InLength, 1, 2)))
        .Vectorized(VectorForward)
        .Plain((device, a) => device.Launch(ForwardKernel, a.Output.Length, a.Input, a.Output, a.Shape));

    private static readonly Operator<BackwardArguments> s_backward = new Operator<BackwardArguments>(
            "MaxPool.Backward", a => ($"{a.Shape}", Work.Each(a.Shape.InLength, 1, 2)))
        .Vectorized(VectorBackward)
        .Plain((device, a) => device.Launch(
            BackwardKernel, a.GradInput.Length, a.GradOutput, a.Input, a.GradInput, a.Shape, a.Beta));

    private readonly record struct ForwardArguments(ArrayView<float> Input, ArrayView<float> Output, PoolShape Shape);

    private readonly record struct BackwardArguments(
        ArrayView<float> GradOutput, ArrayView<float> Input, ArrayView<float> GradInput, PoolShape Shape, float Beta);

    internal static void ForwardKernel(Index1D index, ArrayView<float> input, ArrayView<float> output, PoolShape shape)
    {
        int window = index / shape.Channels;
        int largest = ArgMax(
            input, window / shape.OutWidth, window % shape.OutWidth, index % shape.Channels, shape);
        output[index] = input[largest];
    }

    internal static void BackwardKernel(
        Index1D index,
        ArrayView<float> gradOutput,
        ArrayView<float> input,
        ArrayView<float> gradInput,
        PoolShape shape,
        float beta)
    {
        int c = index % shape.Channels;
        int pixel = index / shape.Channels;
        int row = pixel / shape.Width / 2;
        int column = pixel % shape.Width / 2;
        float gradient = 0f;
        if (row < shape.OutHeight && column < shape.OutWidth && ArgMax(input, row, column, c, shape) == index)
            gradient = gradOutput[(((row * shape.OutWidth) + column) * shape.Channels) + c];
        Accumulate.Into(ref gradInput[index], gradient, beta);
    }

    /// <summary>y = the largest element of each window.</summary>
    public static void Forward(ComputeDevice device, ArrayView<float> input, ArrayView<float> output, PoolShape shape)
    {
        Require.Length(input, shape.InLength, nameof(input));
        Require.Length(output, shape.OutLength, nameof(output));
        s_forward.Run(device, new ForwardArguments(input, output, shape));
    }

    /// <summary>dx = beta dx + dy at the maximum of each window.</summary>
    /// <param name="input">x of the forward pass.</param>
    public static void Backward(
        ComputeDevice device, ArrayView<float> gradOutput, ArrayView<float> input, ArrayView<float> gradInput,
        PoolShape shape, float beta)
    {
        Require.Length(input, shape.InLength, nameof(input));
        Require.Length(gradInput, shape.InLength, nameof(gradInput));
        Require.Length(gradOutput, shape.OutLength, nameof(gradOutput));
        s_backward.Run(device, new BackwardArguments(gradOutput, input, gradInput, shape, beta));
    }

    /// <summary>
    /// Whether a value replaces the maximum: a larger one does, and not-a-number does and then stays.
    /// </summary>
    internal static bool IsLarger(float value, float largest)
    {
        // ILGPU's OpenCL C turns "not greater, or unordered" into "not greater", so comparisons with not-a-number are
        // unreliable.
        bool larger = value > largest;
        return !IsNotANumber(largest) & (larger | IsNotANumber(value));
    }

    private static bool IsNotANumber(float value) => (Interop.FloatAsInt(value) & 0x7FFF_FFFFu) > 0x7F80_0000u;

    /// <summary>
    /// Finds the element of a window with the largest value, and the first of equal ones; the first not-a-number if
    /// there is one.
    /// </summary>
    private static int ArgMax(ArrayView<float> input, int row, int column, int c, PoolShape shape)
    {
        int best = (((2 * row * shape.Width) + (2 * column)) * shape.Channels) + c;
        for (int k = 1; k < 4; k++)
        {
            int y = (2 * row) + (k / 2);
            int x = (2 * column) + (k % 2);
            if (y < shape.Height && x < shape.Width)
            {
                int candidate = (((y * shape.Width) + x) * shape.Channels) + c;
                if (IsLarger(input[candidate], input[best])) best = candidate;
            }
        }

        return best;
    }

    private static void VectorForward(CpuDevice cpu, ForwardArguments arguments) =>
        PoolWindows.ForEach(
            cpu, arguments.Input.Pointer, arguments.Output.Pointer, arguments.Shape,
            (a, right, down, y) =>
            {
                int c = 0, channels = arguments.Shape.Channels;
                for (; c <= channels - Rows.Lanes; c += Rows.Lanes)
                {
                    Vector256<float> top = Vector256.Max(Vector256.Load(a + c), Vector256.Load(a + right + c));
                    Vector256<float> bottom = Vector256.Max(
                        Vector256.Load(a + down + c), Vector256.Load(a + down + right + c));
                    Vector256.Max(top, bottom).Store(y + c);
                }

                for (; c < channels; c++)
                    y[c] = MathF.Max(MathF.Max(a[c], a[right + c]), MathF.Max(a[down + c], a[down + right + c]));
            });

    /// <summary>
    /// Goes window by window, for all channels. Pixels that no window covers (floor) get no gradient.
    /// </summary>
    private static void VectorBackward(CpuDevice cpu, BackwardArguments a)
    {
        (PoolShape shape, float beta) = (a.Shape, a.Beta);
        float* gradOutput = a.GradOutput.Pointer, input = a.Input.Pointer, gradInput = a.GradInput.Pointer;
        (int height, int width, int channels) = (shape.Height, shape.Width, shape.Channels);
        cpu.Parallel((height + 1) / 2, row =>
        {
            long* pixels = stackalloc long[4];
            for (int column = 0; column < (width + 1) / 2; column++)
            {
                int count = 0;
                for (int k = 0; k < 4; k++)
                {
                    (int y, int x) = ((2 * row) + (k / 2), (2 * column) + (k % 2));
                    if (y < height && x < width) pixels[count++] = (((long)y * width) + x) * channels;
                }

                bool pooled = row < shape.OutHeight && column < shape.OutWidth;
                float* dy = pooled ? gradOutput + ((((long)row * shape.OutWidth) + column) * channels) : null;
                int c = 0;
                for (; c <= channels - Rows.Lanes; c += Rows.Lanes)
                {
                    Vector256<float> largest = Vector256.Load(input + pixels[0] + c);
                    for (int k = 1; k < count; k++)
                        largest = Vector256.Max(largest, Vector256.Load(input + pixels[k] + c));
                    Vector256<float> rest = pooled ? Vector256.Load(dy + c) : default;
                    for (int k = 0; k < count; k++)
                    {
                        // The first pixel that holds the maximum takes the gradient, and leaves none for later ones.
                        Vector256<float> x = Vector256.Load(input + pixels[k] + c);
                        Vector256<float> holds = Vector256.Equals(x, largest) | ~Vector256.Equals(x, x);
                        Vector256<float> gradient = rest & holds;
                        rest = Vector256.AndNot(rest, holds);
                        float* dx = gradInput + pixels[k] + c;
                        if (beta != 0f)
                            gradient = Vector256.FusedMultiplyAdd(Vector256.Create(beta), Vector256.Load(dx), gradient);
                        gradient.Store(dx);
                    }
                }

                for (; c < channels; c++)
                {
                    int best = 0;
                    for (int k = 1; k < count; k++)
                        if (IsLarger(input[pixels[k] + c], input[pixels[best] + c])) best = k;
                    for (int k = 0; k < count; k++)
                    {
                        float gradient = pooled && k == best ? dy[c] : 0f;
                        Accumulate.Into(ref gradInput[pixels[k] + c], gradient, beta);
                    }
                }
            }
        });
    }
}
