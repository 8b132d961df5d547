using System.Runtime.InteropServices;
using ILGPU;
using NativeStyle.Imaging;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Memory;
using NativeStyle.Kernels.Operators.Crop;
using NativeStyle.Kernels.Operators.Vectors;

namespace NativeStyle.Style.Tiling;

/// <summary>A map (height, width, channels) that is read and written window by window, wherever it lies.</summary>
internal abstract class MapStore(int height, int width, int channels) : IDisposable
{
    public int Height => height;

    public int Width => width;

    public int Channels => channels;

    public long Length => (long)height * width * channels;

    public Window Whole => new(0, 0, height, width);

    /// <summary>part = map[window].</summary>
    /// <param name="part">(window height, window width, channels), on the device.</param>
    public abstract void Read(Window window, ArrayView<float> part);

    /// <summary>map[window] = part.</summary>
    public abstract void Write(Window window, ArrayView<float> part);

    /// <summary>map[window] += part.</summary>
    public abstract void Add(Window window, ArrayView<float> part);

    public abstract void Dispose();
}

/// <summary>A map in the device's memory.</summary>
internal sealed class DeviceMap : MapStore
{
    private readonly ComputeDevice _device;
    private readonly DeviceBuffer<float>? _owned;
    private readonly ArrayView<float> _data;

    /// <summary>A new map of zeros.</summary>
    public DeviceMap(ComputeDevice device, int height, int width, int channels)
        : base(height, width, channels)
    {
        _device = device;
        _owned = device.Allocate<float>(Length);
        _data = _owned.View;
        VectorOps.Fill(device, _data, 0f);
    }

    /// <summary>A map in memory of somebody else's.</summary>
    public DeviceMap(ComputeDevice device, ArrayView<float> data, int height, int width, int channels)
        : base(height, width, channels) => (_device, _data) = (device, data);

    /// <summary>All elements.</summary>
    public ArrayView<float> Data => _data;

    public override void Read(Window window, ArrayView<float> part) =>
        CropOp.Forward(_device, _data, part, Height, Width, Channels, window);

    public override void Write(Window window, ArrayView<float> part) =>
        CropOp.Place(_device, part, _data, Height, Width, Channels, window, 0f);

    public override void Add(Window window, ArrayView<float> part) =>
        CropOp.Place(_device, part, _data, Height, Width, Channels, window, 1f);

    public override void Dispose() => _owned?.Dispose();
}

/// <summary>A map in a scratch file, zeros at first: it takes disk instead of memory.</summary>
internal sealed class ScratchMap(ComputeDevice device, int height, int width, int channels) : MapStore(height, width, channels)
{
    private readonly ScratchFile _file = new((long)height * width * channels * sizeof(float));
    private float[] _row = [];
    private float[] _sum = [];

    public override void Read(Window window, ArrayView<float> part)
    {
        Span<float> row = Row(ref _row, window);
        for (int y = 0; y < window.Height; y++)
        {
            _file.Read(MemoryMarshal.AsBytes(row), At(window, y));
            device.Write<float>(row, part.SubView((long)y * row.Length, row.Length));
        }
    }

    public override void Write(Window window, ArrayView<float> part)
    {
        Span<float> row = Row(ref _row, window);
        for (int y = 0; y < window.Height; y++)
        {
            device.Read(part.SubView((long)y * row.Length, row.Length), row);
            _file.Write(MemoryMarshal.AsBytes(row), At(window, y));
        }
    }

    public override void Add(Window window, ArrayView<float> part)
    {
        Span<float> row = Row(ref _row, window), sum = Row(ref _sum, window);
        for (int y = 0; y < window.Height; y++)
        {
            device.Read(part.SubView((long)y * row.Length, row.Length), row);
            _file.Read(MemoryMarshal.AsBytes(sum), At(window, y));
            for (int i = 0; i < sum.Length; i++) sum[i] += row[i];
            _file.Write(MemoryMarshal.AsBytes(sum), At(window, y));
        }
    }

    public override void Dispose() => _file.Dispose();

    private Span<float> Row(ref float[] row, Window window)
    {
        int length = window.Width * Channels;
        if (row.Length < length) row = new float[length];
        return row.AsSpan(0, length);
    }

    private long At(Window window, int row) => ((((long)window.Top + row) * Width) + window.Left) * Channels * sizeof(float);
}

/// <summary>A picture as a map, in units of the pixel range; to read only.</summary>
internal sealed class PictureMap(ComputeDevice device, Picture picture, float range) : MapStore(picture.Height, picture.Width, 3)
{
    private float[] _row = [];

    public override void Read(Window window, ArrayView<float> part)
    {
        int length = window.Width * 3;
        if (_row.Length != length) _row = new float[length];
        for (int y = 0; y < window.Height; y++)
        {
            ReadOnlySpan<float> from = picture.Pixels.AsSpan((((window.Top + y) * Width) + window.Left) * 3, length);
            for (int i = 0; i < length; i++) _row[i] = from[i] * range;
            device.Write<float>(_row, part.SubView((long)y * length, length));
        }
    }

    public override void Write(Window window, ArrayView<float> part) => throw new NotSupportedException("a picture is only read");

    public override void Add(Window window, ArrayView<float> part) => throw new NotSupportedException("a picture is only read");

    public override void Dispose()
    {
        // The picture is somebody else's.
    }
}
