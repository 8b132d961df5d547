namespace NativeStyle.Vgg;

/// <summary>The square of pixels that a unit of a layer sees.</summary>
/// <param name="Size">The field's rows, and columns, in pixels.</param>
/// <param name="Stride">Pixels from a unit's field to its neighbour's.</param>
/// <param name="Center">The middle of the first unit's field, in pixels from the middle of the first pixel.</param>
public readonly record struct ReceptiveField(int Size, int Stride, double Center)
{
    /// <summary>
    /// The receptive field of a convolution's units. Each 3x3 convolution before adds two strides to its size. Each 2x2
    /// pooling adds one stride and doubles the stride (Dumoulin and Visin 2016, "A guide to convolution arithmetic for
    /// deep learning").
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

    /// <summary>
    /// The first row or column of the field of unit <paramref name="index"/>, and how many there are. The field may
    /// begin outside the picture.
    /// </summary>
    public (int First, int Size) At(int index)
    {
        double middle = Center + ((double)index * Stride);
        return ((int)Math.Round(middle - ((Size - 1) / 2.0)), Size);
    }
}
