using MathNet.Numerics.LinearAlgebra;
using NativeStyle.Kernels.Memory;
using NativeStyle.Kernels.Operators.Crop;

namespace NativeStyle.GradientCheck.References;

/// <summary>Crops and places windows of maps, one channel at a time, with MathNet's submatrices.</summary>
internal static class CropReference
{
    /// <summary>Returns map[window], (window height, window width, channels).</summary>
    public static double[] Crop(double[] map, int width, int channels, Window window)
    {
        double[] part = new double[window.Pixels * channels];
        for (int c = 0; c < channels; c++)
        {
            Matrix<double> plane = Channel(map, width, channels, c);
            Store(plane.SubMatrix(window.Top, window.Height, window.Left, window.Width), part, channels, c);
        }

        return part;
    }

    /// <summary>Returns zeros with the part in their window: the transpose of <see cref="Crop"/>.</summary>
    public static double[] Place(double[] part, int length, int width, int channels, Window window)
    {
        double[] map = new double[length];
        for (int c = 0; c < channels; c++)
        {
            Matrix<double> plane = Channel(map, width, channels, c);
            plane.SetSubMatrix(window.Top, window.Left, Channel(part, window.Width, channels, c));
            Store(plane, map, channels, c);
        }

        return map;
    }

    /// <summary>Returns the map with its window multiplied by a factor.</summary>
    public static double[] ScaleWindow(double[] map, int width, int channels, Window window, double factor)
    {
        double[] inside = Place(Crop(map, width, channels, window), map.Length, width, channels, window);
        return [.. map.Zip(inside, (all, part) => all + ((factor - 1) * part))];
    }

    private static Matrix<double> Channel(double[] map, int width, int channels, int c) =>
        Matrix<double>.Build.Dense(
            map.Length / channels / width,
            width,
            (row, column) => map[(((row * width) + column) * channels) + c]);

    private static void Store(Matrix<double> plane, double[] map, int channels, int c)
    {
        foreach ((int row, int column, double value) in plane.EnumerateIndexed())
            map[(((row * plane.ColumnCount) + column) * channels) + c] = value;
    }
}
