namespace NativeStyle.Kernels.Operators.Convolution;

/// <summary>
/// The sizes of a convolution whose windows lie wholly inside its input. Whatever surrounds a picture is put there
/// before, by an <see cref="Expand.Expansion"/>.
/// </summary>
/// <param name="Height">Rows of the input; at least <paramref name="Kernel"/>.</param>
/// <param name="Width">Columns of the input; at least <paramref name="Kernel"/>.</param>
/// <param name="InChannels">Channels of the input.</param>
/// <param name="OutChannels">Channels of the output, i.e. filters.</param>
/// <param name="Kernel">Rows and columns of a window.</param>
/// <param name="Stride">The distance between neighbouring windows.</param>
public readonly record struct ConvolutionShape(
    int Height, int Width, int InChannels, int OutChannels, int Kernel, int Stride = 1)
{
    /// <summary>Rows of the output.</summary>
    public int OutHeight => ((Height - Kernel) / Stride) + 1;

    /// <summary>Columns of the output.</summary>
    public int OutWidth => ((Width - Kernel) / Stride) + 1;

    /// <summary>Elements of the input (height, width, in).</summary>
    public long InLength => (long)Height * Width * InChannels;

    /// <summary>The number of positions of the output.</summary>
    public long OutPixels => (long)OutHeight * OutWidth;

    /// <summary>Elements of the output (out height, out width, out).</summary>
    public long OutLength => OutPixels * OutChannels;

    /// <summary>Elements of the filters (kernel, kernel, in, out).</summary>
    public long FilterLength => (long)Kernel * Kernel * InChannels * OutChannels;

    /// <summary>Whether the kernel fits into the input, and the sizes are positive.</summary>
    internal bool IsValid =>
        Kernel > 0 && Stride > 0 && InChannels > 0 && OutChannels > 0 && Height >= Kernel && Width >= Kernel;
}
