namespace NativeStyle.FeedForward.Tests;

/// <summary>
/// The network in double precision, written from the paper's description for clarity. It shares nothing with the
/// library but the layout of the parameters.
/// </summary>
internal sealed class ReferenceTransformer(int blocks, Func<string, double[]> parameter)
{
    /// <summary>A map, (rows, columns, channels).</summary>
    private sealed record Map(int Rows, int Columns, int Channels, double[] Values)
    {
        public Map(int rows, int columns, int channels)
            : this(rows, columns, channels, new double[rows * columns * channels])
        {
        }

        public ref double this[int y, int x, int c] => ref Values[(((y * Columns) + x) * Channels) + c];
    }

    /// <summary>Draws a picture, RGB 0..255, in the picture's size.</summary>
    public double[] Draw(double[] pixels, int height, int width)
    {
        Map x = Norm(Convolve(new Map(height, width, 3, pixels), "conv1", 9, 1), "in1", relu: true);
        x = Norm(Convolve(x, "conv2", 3, 2), "in2", relu: true);
        x = Norm(Convolve(x, "conv3", 3, 2), "in3", relu: true);
        for (int n = 1; n <= blocks; n++)
        {
            Map inner = Norm(Convolve(x, $"res{n}.conv1", 3, 1), $"res{n}.in1", relu: true);
            inner = Norm(Convolve(inner, $"res{n}.conv2", 3, 1), $"res{n}.in2", relu: false);
            for (int i = 0; i < inner.Values.Length; i++) inner.Values[i] += x.Values[i];
            x = inner;
        }

        x = Norm(Convolve(Upsample(x), "deconv1", 3, 1), "in4", relu: true);
        x = Norm(Convolve(Upsample(x), "deconv2", 3, 1), "in5", relu: true);
        x = Convolve(x, "deconv3", 9, 1);
        double[] drawing = new double[3 * height * width];
        for (int y = 0; y < height; y++)
            Array.Copy(x.Values, 3 * y * x.Columns, drawing, 3 * y * width, 3 * width);
        return drawing;
    }

    private static Map Upsample(Map x)
    {
        var result = new Map(2 * x.Rows, 2 * x.Columns, x.Channels);
        for (int y = 0; y < result.Rows; y++)
        for (int z = 0; z < result.Columns; z++)
        for (int c = 0; c < x.Channels; c++)
            result[y, z, c] = x[y / 2, z / 2, c];
        return result;
    }

    /// <summary>Convolves a map that is mirrored at its borders by half a kernel.</summary>
    private Map Convolve(Map x, string name, int kernel, int stride)
    {
        double[] filter = parameter($"{name}.conv2d.weight"), bias = parameter($"{name}.conv2d.bias");
        int half = kernel / 2;
        var result = new Map(((x.Rows - 1) / stride) + 1, ((x.Columns - 1) / stride) + 1, bias.Length);
        for (int y = 0; y < result.Rows; y++)
        for (int z = 0; z < result.Columns; z++)
        for (int o = 0; o < bias.Length; o++)
        {
            double sum = bias[o];
            for (int dy = 0; dy < kernel; dy++)
            for (int dx = 0; dx < kernel; dx++)
            for (int i = 0; i < x.Channels; i++)
            {
                sum += filter[(((((dy * kernel) + dx) * x.Channels) + i) * bias.Length) + o]
                    * x[Mirror((y * stride) + dy - half, x.Rows), Mirror((z * stride) + dx - half, x.Columns), i];
            }

            result[y, z, o] = sum;
        }

        return result;
    }

    private static int Mirror(int at, int length) => at < 0 ? -at : at < length ? at : (2 * (length - 1)) - at;

    private Map Norm(Map x, string name, bool relu)
    {
        double[] scale = parameter($"{name}.weight"), shift = parameter($"{name}.bias");
        var result = new Map(x.Rows, x.Columns, x.Channels);
        for (int c = 0; c < x.Channels; c++)
        {
            double[] channel = [.. Enumerable.Range(0, x.Rows * x.Columns).Select(i => x.Values[(i * x.Channels) + c])];
            double mean = channel.Average(), variance = channel.Average(value => (value - mean) * (value - mean));
            for (int i = 0; i < channel.Length; i++)
            {
                double value = (scale[c] * (channel[i] - mean) / Math.Sqrt(variance + 1e-5)) + shift[c];
                result.Values[(i * x.Channels) + c] = relu ? Math.Max(value, 0) : value;
            }
        }

        return result;
    }
}
