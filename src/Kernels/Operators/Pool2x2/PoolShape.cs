namespace NativeStyle.Kernels.Operators.Pool2x2;

/// <summary>How feature maps are made smaller.</summary>
public enum Pooling
{
    /// <summary>Not at all.</summary>
    None,

    /// <summary>The mean of each 2x2 window: smoother gradients, as Gatys et al. recommend for synthesis.</summary>
    Average,

    /// <summary>The maximum of each 2x2 window, as VGG was trained.</summary>
    Max,

    /// <summary>The 2-norm of each 2x2 window.</summary>
    L2,
}

/// <summary>What 2x2 pooling with stride 2 does with an odd last row or column.</summary>
public enum PoolEdge
{
    /// <summary>Drops it (Caffe's and PyTorch's floor): n -> n / 2.</summary>
    Floor,

    /// <summary>
    /// TensorFlow's SAME: n -> (n + 1) / 2. A window over the edge pools the pixels that exist, and an average divides
    /// by their number.
    /// </summary>
    Same,
}

/// <summary>The sizes of a 2x2 pooling with stride 2.</summary>
/// <param name="Height">Rows of the input.</param>
/// <param name="Width">Columns of the input.</param>
/// <param name="Channels">Channels of the input and the output.</param>
/// <param name="Edge">The rule for odd sizes.</param>
public readonly record struct PoolShape(int Height, int Width, int Channels, PoolEdge Edge)
{
    /// <summary>Rows of the output.</summary>
    public int OutHeight => Edge == PoolEdge.Same ? (Height + 1) / 2 : Height / 2;

    /// <summary>Columns of the output.</summary>
    public int OutWidth => Edge == PoolEdge.Same ? (Width + 1) / 2 : Width / 2;

    /// <summary>Elements of the input (height, width, channels).</summary>
    public long InLength => (long)Height * Width * Channels;

    /// <summary>Elements of the output.</summary>
    public long OutLength => (long)OutHeight * OutWidth * Channels;

    /// <summary>The number of pixels of a window that exist.</summary>
    public int WindowPixels(int row, int column) =>
        ((2 * row) + 1 < Height ? 2 : 1) * ((2 * column) + 1 < Width ? 2 : 1);

    /// <inheritdoc/>
    public override string ToString() => $"{Height}x{Width}, {Channels}";
}
