namespace NativeStyle.Kernels.Operators.Conv3x3;

/// <summary>
/// How the 4x4 tiles of a 3x3 convolution's output, with stride 1, lie over its input. What lies outside the input is
/// zero.
/// </summary>
/// <param name="InHeight">Rows of the input.</param>
/// <param name="InWidth">Columns of the input.</param>
/// <param name="OutHeight">Rows of the output.</param>
/// <param name="OutWidth">Columns of the output.</param>
/// <param name="Offset">
/// Rows and columns from the first pixel of a tile's 6x6 patch of the input to the tile's own first pixel: 0 for a
/// convolution without padding, 1 with a frame of zeros, and 2 for backward to data without padding, where a pixel next
/// to the border lies in fewer windows.
/// </param>
internal readonly record struct WinogradGeometry(int InHeight, int InWidth, int OutHeight, int OutWidth, int Offset)
{
    public int TilesAcross => (OutWidth + 3) / 4;

    public int Tiles => TilesAcross * ((OutHeight + 3) / 4);

    /// <summary>The geometry of a convolution that keeps the size of its input.</summary>
    public static WinogradGeometry ZeroPadded(int height, int width) => new(height, width, height, width, 1);
}
