using System.Runtime.Intrinsics;

namespace NativeStyle.Kernels;

// The CPU path for the convolutions that Winograd does not pay for: the first layer's three channels, replicate
// padding, and the gradient of the weights. Vectors run over the output channels, which lie side by side in y and w.
public static unsafe partial class Conv3x3
{
    private static void DirectForward(
        CpuAccelerator cpu, ArrayView<float> input, Conv3x3Weights weights, ArrayView<float> output,
        Conv3x3Shape shape, bool relu)
    {
        float* x = input.Pointer, w = weights.Kernel.Pointer, b = weights.Bias.Pointer, y = output.Pointer;
        (int height, int width, int inC, int outC) = (shape.Height, shape.Width, shape.InChannels, shape.OutChannels);
        bool replicate = shape.Padding == Padding.Replicate;
        cpu.Parallel(height, (row, _) =>
        {
            for (int column = 0; column < width; column++)
            {
                float* target = y + ((((long)row * width) + column) * outC);
                int o = 0;
                for (; o <= outC - 32; o += 32)
                {
                    Vector256<float> s0 = Vector256.Load(b + o), s1 = Vector256.Load(b + o + 8);
                    Vector256<float> s2 = Vector256.Load(b + o + 16), s3 = Vector256.Load(b + o + 24);
                    for (int tap = 0; tap < 9; tap++)
                    {
                        if (!TryTap(row, column, tap, height, width, replicate, out long from)) continue;
                        float* pixel = x + (from * inC);
                        float* weight = w + ((long)tap * inC * outC) + o;
                        for (int i = 0; i < inC; i++, weight += outC)
                        {
                            var value = Vector256.Create(pixel[i]);
                            s0 = Vector256.FusedMultiplyAdd(value, Vector256.Load(weight), s0);
                            s1 = Vector256.FusedMultiplyAdd(value, Vector256.Load(weight + 8), s1);
                            s2 = Vector256.FusedMultiplyAdd(value, Vector256.Load(weight + 16), s2);
                            s3 = Vector256.FusedMultiplyAdd(value, Vector256.Load(weight + 24), s3);
                        }
                    }

                    Activate(s0, relu).Store(target + o);
                    Activate(s1, relu).Store(target + o + 8);
                    Activate(s2, relu).Store(target + o + 16);
                    Activate(s3, relu).Store(target + o + 24);
                }

                for (; o < outC; o++)
                {
                    float sum = b[o];
                    for (int tap = 0; tap < 9; tap++)
                    {
                        if (!TryTap(row, column, tap, height, width, replicate, out long from)) continue;
                        float* weight = w + ((long)tap * inC * outC) + o;
                        for (int i = 0; i < inC; i++, weight += outC) sum += x[(from * inC) + i] * *weight;
                    }

                    target[o] = relu ? MathF.Max(sum, 0f) : sum;
                }
            }
        });
    }

    private static void DirectBackwardData(
        CpuAccelerator cpu, ArrayView<float> gradOutput, ArrayView<float> reluOutput, Conv3x3Weights weights,
        ArrayView<float> gradInput, Conv3x3Shape shape, float beta)
    {
        float* dy = gradOutput.Pointer, y = reluOutput.IsValid ? reluOutput.Pointer : null;
        float* w = weights.Kernel.Pointer, dx = gradInput.Pointer;
        (int height, int width, int inC, int outC) = (shape.Height, shape.Width, shape.InChannels, shape.OutChannels);
        bool replicate = shape.Padding == Padding.Replicate;
        cpu.Parallel(height, (row, worker) =>
        {
            float* sums = cpu.Scratch(worker, inC);
            int firstRow = replicate && row == 0 ? -1 : row, lastRow = replicate && row == height - 1 ? height : row;
            for (int column = 0; column < width; column++)
            {
                new Span<float>(sums, inC).Clear();
                int firstColumn = replicate && column == 0 ? -1 : column;
                int lastColumn = replicate && column == width - 1 ? width : column;
                for (int py = firstRow; py <= lastRow; py++)
                {
                    for (int px = firstColumn; px <= lastColumn; px++)
                    {
                        for (int tap = 0; tap < 9; tap++)
                        {
                            int oy = py - (tap / 3) + 1, ox = px - (tap % 3) + 1;
                            if ((uint)oy >= (uint)height || (uint)ox >= (uint)width) continue;
                            long from = (((long)oy * width) + ox) * outC;
                            AddTap(sums, dy + from, y == null ? null : y + from, w + ((long)tap * inC * outC), inC, outC);
                        }
                    }
                }

                float* target = dx + ((((long)row * width) + column) * inC);
                for (int i = 0; i < inC; i++) target[i] = beta == 0f ? sums[i] : (beta * target[i]) + sums[i];
            }
        });
    }

    /// <summary>sums[i] += sum over o of dz[o] w[i, o]; three input channels at a time, as a picture has.</summary>
    private static void AddTap(float* sums, float* dy, float* y, float* w, int inC, int outC)
    {
        for (int i = 0; i < inC; i += 3)
        {
            float* w0 = w + ((long)i * outC);
            float* w1 = i + 1 < inC ? w0 + outC : w0;
            float* w2 = i + 2 < inC ? w0 + (2L * outC) : w0;
            Vector256<float> s0 = default, s1 = default, s2 = default;
            int o = 0;
            for (; o <= outC - 8; o += 8)
            {
                Vector256<float> dz = Vector256.Load(dy + o);
                if (y != null) dz = Vector256.GreaterThan(Vector256.Load(y + o), Vector256<float>.Zero) & dz;
                s0 = Vector256.FusedMultiplyAdd(dz, Vector256.Load(w0 + o), s0);
                s1 = Vector256.FusedMultiplyAdd(dz, Vector256.Load(w1 + o), s1);
                s2 = Vector256.FusedMultiplyAdd(dz, Vector256.Load(w2 + o), s2);
            }

            float t0 = Vector256.Sum(s0), t1 = Vector256.Sum(s1), t2 = Vector256.Sum(s2);
            for (; o < outC; o++)
            {
                if (y != null && !(y[o] > 0f)) continue;
                t0 += dy[o] * w0[o];
                t1 += dy[o] * w1[o];
                t2 += dy[o] * w2[o];
            }

            sums[i] += t0;
            if (i + 1 < inC) sums[i + 1] += t1;
            if (i + 2 < inC) sums[i + 2] += t2;
        }
    }

    private static void DirectBackwardWeights(
        CpuAccelerator cpu, ArrayView<float> input, ArrayView<float> gradPreActivation, ArrayView<float> gradKernel,
        Conv3x3Shape shape, float beta)
    {
        float* x = input.Pointer, dz = gradPreActivation.Pointer, dw = gradKernel.Pointer;
        (int height, int width, int inC, int outC) = (shape.Height, shape.Width, shape.InChannels, shape.OutChannels);
        bool replicate = shape.Padding == Padding.Replicate;
        cpu.Parallel(9 * inC, (part, worker) =>
        {
            (int tap, int i) = (part / inC, part % inC);
            float* rowSums = cpu.Scratch(worker, 2L * outC), sums = rowSums + outC;
            new Span<float>(sums, outC).Clear();
            for (int row = 0; row < height; row++)
            {
                new Span<float>(rowSums, outC).Clear();
                for (int column = 0; column < width; column++)
                {
                    if (!TryTap(row, column, tap, height, width, replicate, out long from)) continue;
                    Rows.AddScaled(rowSums, dz + ((((long)row * width) + column) * outC), x[(from * inC) + i], outC);
                }

                Rows.AddScaled(sums, rowSums, 1f, outC);
            }

            float* target = dw + ((long)part * outC);
            for (int o = 0; o < outC; o++) target[o] = beta == 0f ? sums[o] : (beta * target[o]) + sums[o];
        });
    }

    /// <summary>The pixel that tap t of the window around (row, column) reads; false where that is a zero outside.</summary>
    private static bool TryTap(int row, int column, int tap, int height, int width, bool replicate, out long pixel)
    {
        int y = row + (tap / 3) - 1, x = column + (tap % 3) - 1;
        if (replicate)
        {
            y = Clamp(y, height);
            x = Clamp(x, width);
        }

        pixel = ((long)y * width) + x;
        return (uint)y < (uint)height && (uint)x < (uint)width;
    }

    private static Vector256<float> Activate(Vector256<float> value, bool relu) =>
        relu ? Vector256.Max(value, Vector256<float>.Zero) : value;
}
