using NativeStyle.Autodiff;
using NativeStyle.Imaging;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Memory;
using NativeStyle.Style.Tiling;

namespace NativeStyle.Style.Losses;

/// <summary>
/// Masks as weights of positions, each at the sizes of the layers that read it. A mask is scaled so that its mean
/// square is 1. The Gram matrix of the guided map is then that of the region alone (Gatys et al. 2017, section 4.1, T²
/// summing to one). A region that vanishes at some size counts nowhere at that size.
/// </summary>
internal sealed class Guidance(ComputeDevice device) : IDisposable
{
    private readonly Dictionary<(Picture Mask, int Height, int Width), DeviceMap> _maps = [];

    /// <summary>The mask at a layer's size, (height, width, 1); null for no mask.</summary>
    public DeviceMap? At(Picture? mask, int height, int width)
    {
        if (mask is null) return null;
        if (_maps.TryGetValue((mask, height, width), out DeviceMap? map)) return map;
        // The map is in the dictionary before anything can fail, so that it is disposed with the others.
        map = _maps[(mask, height, width)] = new DeviceMap(device, height, width, 1, Lifetime.Run);
        if (!device.IsRehearsal) map.Data.WriteRows(0, Scaled(mask, height, width));
        return map;
    }

    public void Dispose()
    {
        foreach (DeviceMap map in _maps.Values) map.Dispose();
    }

    private static float[] Scaled(Picture mask, int height, int width)
    {
        float[] map = Resampler.Resize(ColorTransfer.Luminance(mask), mask.Height, mask.Width, 1, height, width);
        for (int i = 0; i < map.Length; i++) map[i] = Math.Clamp(map[i], 0f, 1f);
        double square = map.Sum(value => (double)value * value) / map.Length;
        if (square < 1e-8) return new float[map.Length];
        return Array.ConvertAll(map, value => (float)(value / Math.Sqrt(square)));
    }
}
