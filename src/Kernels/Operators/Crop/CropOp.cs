using ILGPU;
using ILGPU.Runtime;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Memory;
using NativeStyle.Kernels.Simd;

namespace NativeStyle.Kernels.Operators.Crop;

// Cuts a window out of a feature map, or puts it back, so that a map can be worked on tile by tile.
//
//   Forward  part[r, c] = map[top + r, left + c]          Place  map[top + r, left + c] = beta map[...] + part[r, c]
//
// Place with beta 1 is the backward pass of Forward, except that the map outside the window gets nothing.

/// <summary>Copies between a map (height, width, channels) and a window of it.</summary>
public static unsafe class CropOp
{
    private static readonly Operator<Arguments> s_forward = new Operator<Arguments>(
            "Crop.Forward", a => ($"{a.Part.Length}", Work.Each(a.Part.Length, 0, 2)))
        .Vectorized(VectorForward)
        .Plain((device, a) => device.Launch(ForwardKernel, a.Part.Length, a.Map, a.Part, a.Place));

    private static readonly Operator<Arguments> s_place = new Operator<Arguments>(
            "Crop.Place", a => ($"{a.Part.Length}", Work.Each(a.Part.Length, 1, 3)))
        .Vectorized(VectorPlace)
        .Plain((device, a) => device.Launch(PlaceKernel, a.Part.Length, a.Part, a.Map, a.Place, a.Beta));

    /// <summary>The position of a window in a map.</summary>
    /// <param name="First">Elements of the map before the window.</param>
    /// <param name="MapRow">Elements of a row of the map.</param>
    /// <param name="PartRow">Elements of a row of the window.</param>
    internal readonly record struct WindowPlace(int First, int MapRow, int PartRow);

    private readonly record struct Arguments(
        ArrayView<float> Map, ArrayView<float> Part, WindowPlace Place, float Beta);

    /// <summary>Copies one element of the part.</summary>
    internal static void ForwardKernel(Index1D index, ArrayView<float> map, ArrayView<float> part, WindowPlace place) =>
        part[index] = map[place.First + ((index / place.PartRow) * place.MapRow) + (index % place.PartRow)];

    internal static void PlaceKernel(
        Index1D index, ArrayView<float> part, ArrayView<float> map, WindowPlace place, float beta) =>
        Accumulate.Into(
            ref map[place.First + ((index / place.PartRow) * place.MapRow) + (index % place.PartRow)],
            part[index],
            beta);

    /// <summary>part = map[window].</summary>
    /// <param name="map">(height, width, channels).</param>
    /// <param name="part">(window height, window width, channels); overwritten.</param>
    /// <exception cref="ArgumentException">The window does not lie in the map.</exception>
    public static void Forward(
        ComputeDevice device, ArrayView<float> map, ArrayView<float> part, int height, int width, int channels,
        Window window) =>
        s_forward.Run(device, new Arguments(map, part, Locate(map, part, height, width, channels, window), 0f));

    /// <summary>map[window] = beta map[window] + part.</summary>
    /// <param name="beta">0 to overwrite (the old content is not read), 1 to add.</param>
    /// <inheritdoc cref="Forward"/>
    public static void Place(
        ComputeDevice device, ArrayView<float> part, ArrayView<float> map, int height, int width, int channels,
        Window window, float beta) =>
        s_place.Run(device, new Arguments(map, part, Locate(map, part, height, width, channels, window), beta));

    private static void VectorForward(CpuDevice cpu, Arguments a)
    {
        (int first, int mapRow, int partRow) = a.Place;
        float* from = a.Map.Pointer + first, to = a.Part.Pointer;
        cpu.Parallel(a.Part.IntLength / partRow, row =>
        {
            var target = new Span<float>(to + ((long)row * partRow), partRow);
            new ReadOnlySpan<float>(from + ((long)row * mapRow), partRow).CopyTo(target);
        });
    }

    private static void VectorPlace(CpuDevice cpu, Arguments a)
    {
        (int first, int mapRow, int partRow) = a.Place;
        float* to = a.Map.Pointer + first, from = a.Part.Pointer;
        cpu.Parallel(a.Part.IntLength / partRow, row =>
        {
            var target = new Span<float>(to + ((long)row * mapRow), partRow);
            if (a.Beta is not (0f or 1f))
            {
                foreach (ref float value in target) value *= a.Beta;
            }

            if (a.Beta == 0f) new ReadOnlySpan<float>(from + ((long)row * partRow), partRow).CopyTo(target);
            else Rows.AddScaled(to + ((long)row * mapRow), from + ((long)row * partRow), 1f, partRow);
        });
    }

    /// <summary>Finds the window's place and checks all sizes.</summary>
    private static WindowPlace Locate(
        ArrayView<float> map, ArrayView<float> part, int height, int width, int channels, Window window)
    {
        Require.Length(map, (long)height * width * channels, nameof(map));
        Require.Length(part, window.Pixels * channels, nameof(part));
        if (window.Top < 0 || window.Left < 0 || window.Height < 1 || window.Width < 1
            || window.Bottom > height || window.Right > width)
        {
            throw new ArgumentException($"{window} does not lie in a map of {height} x {width}", nameof(window));
        }
        _ = checked((int)map.Length);
        return new(((window.Top * width) + window.Left) * channels, width * channels, window.Width * channels);
    }
}
