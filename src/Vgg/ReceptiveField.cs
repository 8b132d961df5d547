namespace NativeStyle.Vgg;

/// <summary>The pixels that a layer's unit can see.</summary>
/// <param name="Size">Rows, and columns, of pixels that reach a unit.</param>
/// <param name="Stride">Pixels from a unit's field to its neighbour's.</param>
/// <param name="Center">The middle of the first unit's field, in pixels from the middle of the first pixel.</param>
public readonly record struct ReceptiveField(int Size, int Stride, double Center)
{
    /// <summary>
    /// Of a convolution's units: each 3x3 convolution before it adds two strides to the field, each 2x2 pooling one, and
    /// doubles the stride (Dumoulin and Visin 2016, "A guide to convolution arithmetic for deep learning").
    /// </summary>
    public static ReceptiveField Of(VggArchitecture architecture, VggLayer layer)
    {
        (int size, int stride, double center, int block) = (1, 1, 0, 1);
        foreach (VggLayer each in architecture.Layers)
        {
            if (each.Block != block)
            {
                (size, center, stride, block) = (size + stride, center + (0.5 * stride), 2 * stride, each.Block);
            }

            size += 2 * stride;
            if (each == layer) break;
        }

        return new ReceptiveField(size, stride, center);
    }

    /// <summary>First row or column, and number of rows or columns, of unit <paramref name="index"/>'s field; it may begin outside.</summary>
    public (int First, int Size) At(int index) => ((int)Math.Round(Center + ((double)index * Stride) - ((Size - 1) / 2.0)), Size);
}
