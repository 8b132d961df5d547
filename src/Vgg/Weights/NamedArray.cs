namespace NativeStyle.Vgg.Weights;

/// <summary>An array of a weights file. Its numbers are read on demand.</summary>
/// <param name="Name">Its name in the file.</param>
/// <param name="Shape">Its dimensions.</param>
/// <param name="Read">Reads all elements; the last dimension varies fastest.</param>
internal sealed record NamedArray(string Name, int[] Shape, Func<float[]> Read)
{
    /// <summary>More elements than any array of VGG's convolutions has.</summary>
    public const long MaxElements = 9L * 1024 * 1024;

    /// <summary>Returns the number of elements, or long.MaxValue if it does not fit.</summary>
    public static long Count(IReadOnlyList<int> shape)
    {
        long count = 1;
        foreach (int dimension in shape)
        {
            if (dimension < 0 || (dimension > 0 && count > long.MaxValue / dimension)) return long.MaxValue;
            count *= dimension;
        }

        return count;
    }

    /// <summary>Converts an array whose first dimension varies fastest to row-major order.</summary>
    public static float[] FromFortran(float[] values, int[] shape)
    {
        float[] rowMajor = new float[values.Length];
        int[] strides = new int[shape.Length];
        int stride = 1;
        for (int axis = shape.Length - 1; axis >= 0; axis--)
        {
            strides[axis] = stride;
            stride *= shape[axis];
        }

        for (int i = 0; i < values.Length; i++)
        {
            int rest = i, to = 0;
            for (int axis = 0; axis < shape.Length; axis++)
            {
                to += rest % shape[axis] * strides[axis];
                rest /= shape[axis];
            }

            rowMajor[to] = values[i];
        }

        return rowMajor;
    }
}
