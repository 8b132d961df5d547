using ILGPU;
using ILGPU.Runtime;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Memory;
using NativeStyle.Kernels.Simd;

namespace NativeStyle.Kernels.Operators.Expand;

// Nearest upsampling by a whole factor u, then reflection padding by q. Along one axis of n pixels:
//
//   source     s(i) = floor(reflect(i - q) / u)     reflect(j) = -j below 0, 2 (u n - 1) - j above u n - 1, else j
//   forward    y[i] = x[s(i)]
//   backward   dx[k] = sum over i with s(i) = k of  dy[i]
//
// Backward goes through the copies of each pixel of x, so that no two work items add to the same element.

/// <summary>Upsampling and reflection padding of maps, forward and backward.</summary>
public static unsafe class ExpandOp
{
    private static readonly Operator<ForwardArguments> s_forward = new Operator<ForwardArguments>(
            "Expand.Forward", a => WorkOf(a.Shape))
        .Vectorized(VectorForward)
        .Plain((device, a) => device.Launch(ForwardKernel, a.Output.Length, a.Input, a.Output, a.Shape));

    private static readonly Operator<BackwardArguments> s_backward = new Operator<BackwardArguments>(
            "Expand.Backward", a => WorkOf(a.Shape))
        .Vectorized(VectorBackward)
        .Plain((device, a) => device.Launch(
            BackwardKernel, a.GradInput.Length, a.GradOutput, a.GradInput, a.Shape, a.Beta));

    private readonly record struct ForwardArguments(
        ArrayView<float> Input, ArrayView<float> Output, ExpandShape Shape);

    private readonly record struct BackwardArguments(
        ArrayView<float> GradOutput, ArrayView<float> GradInput, ExpandShape Shape, float Beta);

    internal static void ForwardKernel(
        Index1D index, ArrayView<float> input, ArrayView<float> output, ExpandShape shape) =>
        output[index] = input[shape.Source(index)];

    /// <summary>Computes one element of dx from its copies.</summary>
    internal static void BackwardKernel(
        Index1D index, ArrayView<float> gradOutput, ArrayView<float> gradInput, ExpandShape shape, float beta)
    {
        int c = index % shape.Channels;
        int pixel = index / shape.Channels;
        int row = pixel / shape.Width;
        int column = pixel % shape.Width;
        float sum = 0f;
        for (int i = 0; i < shape.Rows.Copies; i++)
        {
            int y = shape.Rows.Copy(row, i);
            if (y >= 0)
            {
                for (int j = 0; j < shape.Columns.Copies; j++)
                {
                    int x = shape.Columns.Copy(column, j);
                    if (x >= 0) sum += gradOutput[(((y * shape.Columns.Count) + x) * shape.Channels) + c];
                }
            }
        }

        Accumulate.Into(ref gradInput[index], sum, beta);
    }

    /// <summary>y = pad(upsample(x)), or a window of that.</summary>
    /// <param name="input">x, (height, width, channels).</param>
    /// <param name="output">y, (rows, columns, channels) of the result; overwritten.</param>
    /// <exception cref="ArgumentException">
    /// A view's length does not fit the shape, the padding is not smaller than the upsampled map, or a window does not
    /// lie where it must.
    /// </exception>
    public static void Forward(
        ComputeDevice device, ArrayView<float> input, ArrayView<float> output, ExpandShape shape)
    {
        shape.RequireValid();
        Require.Length(input, shape.InLength, nameof(input));
        Require.Length(output, shape.OutLength, nameof(output));
        s_forward.Run(device, new ForwardArguments(input, output, shape));
    }

    /// <summary>dx = beta dx + the sum of dy over all copies of a pixel.</summary>
    /// <param name="gradOutput">dy, (rows, columns, channels) of the result.</param>
    /// <param name="gradInput">dx, (height, width, channels).</param>
    /// <param name="beta">0 to overwrite dx (its old content is not read), 1 to add to it.</param>
    /// <inheritdoc cref="Forward"/>
    public static void Backward(
        ComputeDevice device, ArrayView<float> gradOutput, ArrayView<float> gradInput, ExpandShape shape, float beta)
    {
        shape.RequireValid();
        Require.Length(gradInput, shape.InLength, nameof(gradInput));
        Require.Length(gradOutput, shape.OutLength, nameof(gradOutput));
        s_backward.Run(device, new BackwardArguments(gradOutput, gradInput, shape, beta));
    }

    private static void VectorForward(CpuDevice cpu, ForwardArguments a)
    {
        (ExpansionAxis rows, ExpansionAxis columns, _, int width, int channels) = a.Shape;
        float* x = a.Input.Pointer, y = a.Output.Pointer;
        cpu.Parallel(rows.Count, row =>
        {
            float* from = x + ((long)rows.Source(row) * width * channels);
            float* to = y + ((long)row * columns.Count * channels);
            for (int column = 0, run; column < columns.Count; column += run)
            {
                run = columns.Run(column);
                var pixels = new ReadOnlySpan<float>(from + ((long)columns.Source(column) * channels), run * channels);
                pixels.CopyTo(new Span<float>(to + ((long)column * channels), run * channels));
            }
        });
    }

    /// <summary>Adds the rows that a row of x became to its dx, which stays in the cache.</summary>
    private static void VectorBackward(CpuDevice cpu, BackwardArguments a)
    {
        (ExpansionAxis rows, ExpansionAxis columns, int height, int width, int channels) = a.Shape;
        float* dy = a.GradOutput.Pointer, dx = a.GradInput.Pointer;
        cpu.Parallel(height, row =>
        {
            float* to = dx + ((long)row * width * channels);
            if (a.Beta == 0f) new Span<float>(to, width * channels).Clear();
            else if (a.Beta != 1f) foreach (ref float value in new Span<float>(to, width * channels)) value *= a.Beta;
            for (int copy = 0; copy < rows.Copies; copy++)
            {
                int y = rows.Copy(row, copy);
                if (y < 0) continue;
                float* from = dy + ((long)y * columns.Count * channels);
                for (int column = 0, run; column < columns.Count; column += run)
                {
                    run = columns.Run(column);
                    Rows.AddScaled(
                        to + ((long)columns.Source(column) * channels), from + ((long)column * channels), 1f,
                        run * channels);
                }
            }
        });
    }

    private static (string Shape, Work Work) WorkOf(ExpandShape shape) => (
        $"{shape.Height}x{shape.Width} -> {shape.Rows.Count}x{shape.Columns.Count}, {shape.Channels}",
        new Work(0, sizeof(float) * ((double)shape.InLength + shape.OutLength)));
}
