namespace NativeStyle.Kernels;

// A window of a feature map, cut out and put back: what lets a map be worked on tile by tile.
//
//   Forward  part[r, c] = map[top + r, left + c]          Place  map[top + r, left + c] = beta map[...] + part[r, c]
//
// Place with beta 1 is the backward pass of Forward, except that what lies outside of the window gets nothing.

/// <summary>A rectangle of the pixels of a map.</summary>
/// <param name="Top">Its first row.</param>
/// <param name="Left">Its first column.</param>
public readonly record struct Window(int Top, int Left, int Height, int Width)
{
    /// <summary>The row after the last.</summary>
    public int Bottom => Top + Height;

    /// <summary>The column after the last.</summary>
    public int Right => Left + Width;

    public long Pixels => (long)Height * Width;

    /// <summary>The same pixels, counted from the upper left corner of a window that holds them.</summary>
    public Window Within(Window outer) => this with { Top = Top - outer.Top, Left = Left - outer.Left };
}

/// <summary>Copies between a map (height, width, channels) and a window of it.</summary>
public static unsafe class Crop
{
    /// <summary>One element of the part.</summary>
    /// <param name="first">Elements of the map before the window.</param>
    [Kernel]
    public static void ForwardKernel(Index1D index, ArrayView<float> map, ArrayView<float> part, int first, int mapRow, int partRow) =>
        part[index] = map[first + ((index / partRow) * mapRow) + (index % partRow)];

    [Kernel]
    public static void PlaceKernel(
        Index1D index, ArrayView<float> part, ArrayView<float> map, int first, int mapRow, int partRow, float beta)
    {
        int at = first + ((index / partRow) * mapRow) + (index % partRow);
        map[at] = beta == 0f ? part[index] : (beta * map[at]) + part[index];
    }

    /// <summary>part = map[window].</summary>
    /// <param name="map">(height, width, channels).</param>
    /// <param name="part">(window height, window width, channels); overwritten.</param>
    /// <exception cref="ArgumentException">The window does not lie in the map.</exception>
    public static void Forward(
        Accelerator accelerator, ArrayView<float> map, ArrayView<float> part, int height, int width, int channels, Window window)
    {
        (int first, int mapRow, int partRow) = Locate(map, part, height, width, channels, window);
        using Profiler.Scope scope = accelerator.Measure("Crop.Forward", part.Length, 0, 2);
        if (accelerator is CpuAccelerator { Path: CpuPath.Vectorized } cpu)
        {
            float* from = map.Pointer + first, to = part.Pointer;
            cpu.Parallel(window.Height, (row, _) =>
                new ReadOnlySpan<float>(from + ((long)row * mapRow), partRow).CopyTo(new Span<float>(to + ((long)row * partRow), partRow)));
            return;
        }

        accelerator.Launch(ForwardKernel, (Index1D)part.IntLength, map, part, first, mapRow, partRow);
    }

    /// <summary>map[window] = beta map[window] + part.</summary>
    /// <param name="beta">0 to overwrite (the old content is not read), 1 to add.</param>
    /// <inheritdoc cref="Forward"/>
    public static void Place(
        Accelerator accelerator, ArrayView<float> part, ArrayView<float> map, int height, int width, int channels, Window window, float beta)
    {
        (int first, int mapRow, int partRow) = Locate(map, part, height, width, channels, window);
        using Profiler.Scope scope = accelerator.Measure("Crop.Place", part.Length, 1, 3);
        if (accelerator is CpuAccelerator { Path: CpuPath.Vectorized } cpu)
        {
            float* to = map.Pointer + first, from = part.Pointer;
            cpu.Parallel(window.Height, (row, _) =>
            {
                var target = new Span<float>(to + ((long)row * mapRow), partRow);
                if (beta != 0f && beta != 1f)
                {
                    foreach (ref float value in target) value *= beta;
                }

                if (beta == 0f) new ReadOnlySpan<float>(from + ((long)row * partRow), partRow).CopyTo(target);
                else Rows.AddScaled(to + ((long)row * mapRow), from + ((long)row * partRow), 1f, partRow);
            });
            return;
        }

        accelerator.Launch(PlaceKernel, (Index1D)part.IntLength, part, map, first, mapRow, partRow, beta);
    }

    /// <summary>Elements before the window, of a row of the map and of a row of the window, all checked.</summary>
    private static (int First, int MapRow, int PartRow) Locate(
        ArrayView<float> map, ArrayView<float> part, int height, int width, int channels, Window window)
    {
        Require.Length(map, (long)height * width * channels, nameof(map));
        Require.Length(part, window.Pixels * channels, nameof(part));
        if (window.Top < 0 || window.Left < 0 || window.Height < 1 || window.Width < 1 || window.Bottom > height || window.Right > width)
            throw new ArgumentException($"{window} does not lie in a map of {height} x {width}", nameof(window));
        _ = map.IntLength;
        return (((window.Top * width) + window.Left) * channels, width * channels, window.Width * channels);
    }
}
