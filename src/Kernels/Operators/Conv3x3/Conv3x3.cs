namespace NativeStyle.Kernels;

// 3x3 convolution, stride 1, with bias, and as its end ReLU and 2x2 pooling: the operator that takes nine tenths of the
// time.
//
//   forward           z[p, o] = b[o] + sum over t in 3x3, i of  x[p + t - 1, i] w[t, i, o]      y = pool(max(z, 0))
//   backward to data  dx[q, i] = sum over t, o of  dz[q - t + 1, o] w[t, i, o]                  dz = dy through the gate
//   ... to weights    dw[t, i, o] = sum over p of  x[p + t - 1, i] dz[p, o]
//   ... to bias       db[o] = sum over p of  dz[p, o]
//
// p and q are pixels (row, column), x is (height, width, in), y is (height, width, out) or half as large, w is
// (3, 3, in, out). As in every deep-learning library "convolution" means cross-correlation. Outside the picture x is
// zero, or with Padding.Replicate the nearest pixel of the picture, and then dx of a border pixel also collects what its
// copies got.
//
// Conv3x3.Kernels.cs has the kernels as they run on any device, ReluPool.cs the end as an operator of its own, and
// Winograd.cs and Conv3x3.Direct.cs the two hand-vectorised CPU paths.

/// <summary>What a convolution sees outside the picture.</summary>
public enum Padding
{
    /// <summary>Zeros, as VGG was trained with.</summary>
    Zero,

    /// <summary>The nearest pixel of the picture, which avoids a dark frame in results.</summary>
    Replicate,
}

/// <summary>The sizes of a 3x3 convolution with stride 1, whose sums are as large as its input, and what ends it.</summary>
/// <param name="Height">Rows of the input.</param>
/// <param name="Width">Columns of the input.</param>
/// <param name="InChannels">Channels of the input.</param>
/// <param name="OutChannels">Channels of the output, i.e. filters.</param>
/// <param name="Padding">What lies outside the picture.</param>
/// <param name="Relu">Whether max(0, .) follows.</param>
/// <param name="Pooling">The 2x2 pooling after that; only after ReLU.</param>
/// <param name="PoolEdge">What pooling does with odd sizes.</param>
public readonly record struct Conv3x3Shape(
    int Height, int Width, int InChannels, int OutChannels, Padding Padding = Padding.Zero, bool Relu = false,
    Pooling Pooling = Pooling.None, PoolEdge PoolEdge = PoolEdge.Floor)
{
    public long Pixels => (long)Height * Width;

    public long InLength => Pixels * InChannels;

    /// <summary>Elements of z, before pooling.</summary>
    public long SumLength => Pixels * OutChannels;

    public long OutLength => Pooling == Pooling.None ? SumLength : PoolShape.OutLength;

    public long KernelLength => 9L * InChannels * OutChannels;

    /// <summary>32-bit words that hold the gate bits of a pixel of z, one a channel; see ReluPool.cs.</summary>
    public int GateWordsPerPixel => (OutChannels + 31) / 32;

    /// <summary>Words of the whole gate.</summary>
    public long GateLength => Pixels * GateWordsPerPixel;

    /// <summary>The sizes of the pooling.</summary>
    public PoolShape PoolShape => new(Height, Width, OutChannels, PoolEdge);
}

/// <summary>3x3 convolution with bias, optional ReLU and optional pooling, forward and backward, on any accelerator.</summary>
public static partial class Conv3x3
{
    /// <summary>y = pool(relu(conv(x, w) + b)), with or without relu and pool.</summary>
    /// <param name="accelerator">The device of all buffers.</param>
    /// <param name="input">x, (height, width, in).</param>
    /// <param name="weights">w and b.</param>
    /// <param name="output">y, (height, width, out) or pooled; overwritten.</param>
    /// <param name="gate">
    /// Becomes one bit for each element of z: whether a gradient passes to it. <see cref="Conv3x3Shape.GateLength"/> words,
    /// or default where no backward follows or the shape has no ReLU.
    /// </param>
    /// <param name="shape">The sizes and the end.</param>
    /// <exception cref="ArgumentException">A view's length does not fit the shape.</exception>
    public static void Forward(
        Accelerator accelerator, ArrayView<float> input, Conv3x3Weights weights, ArrayView<float> output,
        ArrayView<uint> gate, Conv3x3Shape shape)
    {
        Require.Length(input, shape.InLength, nameof(input));
        Require.Length(output, shape.OutLength, nameof(output));
        RequireEnd(gate, shape, gateNeeded: false);
        weights.RequireChannels(shape);
        using Profiler.Scope scope = Measure(accelerator, "Conv3x3.Forward", shape);
        RunForward(accelerator, input, weights, output, gate, shape);
    }

    private static void RunForward(
        Accelerator accelerator, ArrayView<float> input, Conv3x3Weights weights, ArrayView<float> output,
        ArrayView<uint> gate, Conv3x3Shape shape)
    {
        var cpu = accelerator as CpuAccelerator;
        bool vectorized = cpu?.Path == CpuPath.Vectorized;
        if (vectorized && Winograd.Fits(cpu!, shape))
        {
            Winograd.Forward(cpu!, input, weights, output, gate, shape);
        }
        else if (vectorized && shape.Pooling == Pooling.None)
        {
            DirectConv3x3.Forward(cpu!, input, weights, output, gate, shape);
        }
        else if (WinogradKernels.Fits(accelerator, shape))
        {
            WinogradKernels.Forward(accelerator, input, weights, output, gate, shape);
        }
        else if (shape.Pooling != Pooling.None)
        {
            using MemoryBuffer<float> sums = accelerator.Allocate<float>(shape.SumLength);
            RunForward(accelerator, input, weights, sums.View, default, shape with { Relu = false, Pooling = Pooling.None });
            ReluPool.Forward(accelerator, sums.View, output, gate, shape);
        }
        else
        {
            accelerator.Launch(
                ForwardKernel, (Index1D)checked((int)shape.OutLength), input, weights.Kernel, weights.Bias, output,
                shape.Height, shape.Width, shape.InChannels, shape.OutChannels, (int)shape.Padding);
            if (shape.Relu) ReluPool.Forward(accelerator, output, output, gate, shape);
        }
    }

    /// <summary>dx = beta dx + conv's transpose applied to dz.</summary>
    /// <param name="accelerator">The device of all buffers.</param>
    /// <param name="gradOutput">dy, as large as y.</param>
    /// <param name="gate">Of the forward pass; default only without ReLU.</param>
    /// <param name="weights">w.</param>
    /// <param name="gradInput">dx, (height, width, in).</param>
    /// <param name="shape">The sizes and the end of the forward pass.</param>
    /// <param name="beta">0 to overwrite dx (its old content is not read), 1 to add to it.</param>
    public static void BackwardData(
        Accelerator accelerator, ArrayView<float> gradOutput, ArrayView<uint> gate, Conv3x3Weights weights,
        ArrayView<float> gradInput, Conv3x3Shape shape, float beta)
    {
        Require.Length(gradOutput, shape.OutLength, nameof(gradOutput));
        Require.Length(gradInput, shape.InLength, nameof(gradInput));
        RequireEnd(gate, shape, gateNeeded: true);
        weights.RequireChannels(shape);
        using Profiler.Scope scope = Measure(accelerator, "Conv3x3.BackwardData", shape);
        RunBackwardData(accelerator, gradOutput, gate, weights, gradInput, shape, beta);
    }

    private static void RunBackwardData(
        Accelerator accelerator, ArrayView<float> gradOutput, ArrayView<uint> gate, Conv3x3Weights weights,
        ArrayView<float> gradInput, Conv3x3Shape shape, float beta)
    {
        var cpu = accelerator as CpuAccelerator;
        bool vectorized = cpu?.Path == CpuPath.Vectorized;
        if (vectorized && Winograd.Fits(cpu!, shape))
        {
            Winograd.BackwardData(cpu!, gradOutput, gate, weights, gradInput, shape, beta);
        }
        else if (vectorized && shape.Pooling == Pooling.None)
        {
            DirectConv3x3.BackwardData(cpu!, gradOutput, gate, weights, gradInput, shape, beta);
        }
        else if (WinogradKernels.Fits(accelerator, shape))
        {
            WinogradKernels.BackwardData(accelerator, gradOutput, gate, weights, gradInput, shape, beta);
        }
        else if (shape.Relu)
        {
            using MemoryBuffer<float> gradSums = accelerator.Allocate<float>(shape.SumLength);
            ReluPool.Backward(accelerator, gradOutput, gate, gradSums.View, shape);
            Conv3x3Shape bare = shape with { Relu = false, Pooling = Pooling.None };
            RunBackwardData(accelerator, gradSums.View, default, weights, gradInput, bare, beta);
        }
        else
        {
            accelerator.Launch(
                BackwardDataKernel, (Index1D)checked((int)shape.InLength), gradOutput, weights.Kernel, gradInput,
                shape.Height, shape.Width, shape.InChannels, shape.OutChannels, (int)shape.Padding, beta);
        }
    }

    /// <summary>dz of dy: backward of ReLU and pooling alone, for <see cref="BackwardWeights"/> and <see cref="BackwardBias"/>.</summary>
    /// <param name="gradOutput">dy, as large as y.</param>
    /// <param name="gate">Of the forward pass.</param>
    /// <param name="gradSums">dz, (height, width, out); overwritten.</param>
    /// <param name="shape">The sizes and the end of the forward pass; with ReLU.</param>
    public static void BackwardEnd(
        Accelerator accelerator, ArrayView<float> gradOutput, ArrayView<uint> gate, ArrayView<float> gradSums,
        Conv3x3Shape shape)
    {
        Require.Length(gradOutput, shape.OutLength, nameof(gradOutput));
        Require.Length(gradSums, shape.SumLength, nameof(gradSums));
        RequireEnd(gate, shape, gateNeeded: true);
        ReluPool.Backward(accelerator, gradOutput, gate, gradSums, shape);
    }

    /// <summary>dw = beta dw + sum over pixels of x dz.</summary>
    /// <param name="accelerator">The device of all buffers.</param>
    /// <param name="input">x, (height, width, in).</param>
    /// <param name="gradSums">dz, (height, width, out).</param>
    /// <param name="gradKernel">dw, (3, 3, in, out).</param>
    /// <param name="shape">The sizes of the forward pass.</param>
    /// <param name="beta">0 to overwrite dw, 1 to add to it.</param>
    public static void BackwardWeights(
        Accelerator accelerator, ArrayView<float> input, ArrayView<float> gradSums, ArrayView<float> gradKernel,
        Conv3x3Shape shape, float beta)
    {
        Require.Length(input, shape.InLength, nameof(input));
        Require.Length(gradSums, shape.SumLength, nameof(gradSums));
        Require.Length(gradKernel, shape.KernelLength, nameof(gradKernel));
        if (accelerator is CpuAccelerator { Path: CpuPath.Vectorized } cpu)
        {
            DirectConv3x3.BackwardWeights(cpu, input, gradSums, gradKernel, shape, beta);
            return;
        }

        accelerator.Launch(
            BackwardWeightsKernel, (Index1D)checked((int)shape.KernelLength), input, gradSums, gradKernel,
            shape.Height, shape.Width, shape.InChannels, shape.OutChannels, (int)shape.Padding, beta);
    }

    /// <summary>db = beta db + sum over pixels of dz.</summary>
    /// <inheritdoc cref="BackwardWeights"/>
    /// <param name="gradBias">db, (out).</param>
    public static void BackwardBias(
        Accelerator accelerator, ArrayView<float> gradSums, ArrayView<float> gradBias, Conv3x3Shape shape, float beta)
    {
        Require.Length(gradSums, shape.SumLength, nameof(gradSums));
        Require.Length(gradBias, shape.OutChannels, nameof(gradBias));
        accelerator.Launch(
            BackwardBiasKernel, (Index1D)shape.OutChannels, gradSums, gradBias, checked((int)shape.Pixels),
            shape.OutChannels, beta);
    }

    /// <summary>Blocks of device memory, in bytes, that a pass takes beside its inputs and outputs, for those who plan with memory.</summary>
    public static IReadOnlyList<long> Workspace(Accelerator accelerator, Conv3x3Shape shape, bool backward)
    {
        var cpu = accelerator as CpuAccelerator;
        if (cpu?.Path == CpuPath.Vectorized && Winograd.Fits(cpu, shape)) return [Winograd.WorkspaceBytes(shape, backward)];
        if (WinogradKernels.Fits(accelerator, shape)) return WinogradKernels.Workspace(shape, backward);
        bool direct = cpu?.Path == CpuPath.Vectorized && shape.Pooling == Pooling.None;
        return !direct && (backward ? shape.Relu : shape.Pooling != Pooling.None) ? [shape.SumLength * sizeof(float)] : [];
    }

    private static Profiler.Scope Measure(Accelerator accelerator, string name, Conv3x3Shape shape)
    {
        if (accelerator.Profiler is null) return default;
        bool winograd = WinogradKernels.Fits(accelerator, shape)
            || (accelerator is CpuAccelerator { Path: CpuPath.Vectorized } cpu && Winograd.Fits(cpu, shape));
        string end = shape.Pooling == Pooling.None ? "" : " pooled";
        return accelerator.Measure(
            name, $"{shape.Height}x{shape.Width}, {shape.InChannels} -> {shape.OutChannels}{end}",
            new Work(2.0 * shape.Pixels * shape.KernelLength, 4.0 * (shape.InLength + shape.OutLength + shape.KernelLength), winograd ? 4 : 1));
    }

    private static void RequireEnd(ArrayView<uint> gate, Conv3x3Shape shape, bool gateNeeded)
    {
        if (shape.Pooling != Pooling.None && !shape.Relu)
            throw new ArgumentException("a convolution pools only after ReLU", nameof(shape));
        if (shape.Pooling == Pooling.L2)
            throw new ArgumentException("L2 pooling is an operator of its own, not the end of a convolution", nameof(shape));
        if (!shape.Relu && gate.IsValid) throw new ArgumentException("without ReLU there is no gate", nameof(gate));
        if (gate.IsValid || (gateNeeded && shape.Relu)) Require.Length(gate, shape.GateLength, nameof(gate));
    }
}
