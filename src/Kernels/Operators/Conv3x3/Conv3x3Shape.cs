using NativeStyle.Kernels.Operators.Pool2x2;

namespace NativeStyle.Kernels.Operators.Conv3x3;

/// <summary>What a convolution sees outside the picture.</summary>
public enum Padding
{
    /// <summary>Zeros, as VGG was trained with.</summary>
    Zero,

    /// <summary>The nearest pixel of the picture, which avoids a dark frame in results.</summary>
    Replicate,
}

/// <summary>
/// The sizes of a 3x3 convolution with stride 1, and the activation and pooling that follow it. Before pooling, the
/// output has as many rows and columns as the input.
/// </summary>
/// <param name="Height">Rows of the input.</param>
/// <param name="Width">Columns of the input.</param>
/// <param name="InChannels">Channels of the input.</param>
/// <param name="OutChannels">Channels of the output, i.e. filters.</param>
/// <param name="Padding">What lies outside the picture.</param>
/// <param name="Relu">Whether max(0, .) follows.</param>
/// <param name="Pooling">The 2x2 pooling after the ReLU; only allowed with ReLU.</param>
/// <param name="PoolEdge">How the pooling treats odd sizes.</param>
public readonly record struct Conv3x3Shape(
    int Height, int Width, int InChannels, int OutChannels, Padding Padding = Padding.Zero, bool Relu = false,
    Pooling Pooling = Pooling.None, PoolEdge PoolEdge = PoolEdge.Floor)
{
    /// <summary>The number of positions of the input.</summary>
    public long Pixels => (long)Height * Width;

    /// <summary>Elements of the input (height, width, in).</summary>
    public long InLength => Pixels * InChannels;

    /// <summary>Elements of z, the output before its activation and pooling.</summary>
    public long PreactivationLength => Pixels * OutChannels;

    /// <summary>Elements of the output, after pooling.</summary>
    public long OutLength => Pooling == Pooling.None ? PreactivationLength : PoolShape.OutLength;

    /// <summary>Elements of the filters (3, 3, in, out).</summary>
    public long FilterLength => 9L * InChannels * OutChannels;

    /// <summary>32-bit words that hold the gate bits of a pixel of z, one bit a channel; see ReluPoolOp.cs.</summary>
    public int GateWordsPerPixel => (OutChannels + 31) / 32;

    /// <summary>Words of the whole gate.</summary>
    public long GateLength => Pixels * GateWordsPerPixel;

    /// <summary>The sizes of the pooling.</summary>
    public PoolShape PoolShape => new(Height, Width, OutChannels, PoolEdge);

    /// <summary>The sizes in the form that kernels take.</summary>
    internal ConvSizes Sizes => new(Height, Width, InChannels, OutChannels, Padding);

    /// <summary>The activation and pooling in the form that kernels take.</summary>
    /// <param name="writesGate">Whether a forward pass writes gate bits.</param>
    internal ConvEnd End(bool writesGate) => new(
        Relu ? Activation.Relu : Activation.None,
        Pooling,
        PoolShape.OutHeight,
        PoolShape.OutWidth,
        writesGate ? GateUse.Used : GateUse.None);
}

/// <summary>The activation after a convolution.</summary>
internal enum Activation
{
    None,
    Relu,
}

/// <summary>Whether a kernel writes or reads gate bits.</summary>
internal enum GateUse
{
    None,
    Used,
}

/// <summary>A convolution's sizes, as an argument of kernels.</summary>
internal readonly record struct ConvSizes(int Height, int Width, int InChannels, int OutChannels, Padding Padding);

/// <summary>What follows a convolution, as an argument of kernels.</summary>
/// <param name="OutHeight">Rows after pooling.</param>
/// <param name="OutWidth">Columns after pooling.</param>
internal readonly record struct ConvEnd(
    Activation Activation, Pooling Pooling, int OutHeight, int OutWidth, GateUse Gate);
