using System.Runtime.InteropServices;
using NativeStyle.Autodiff;
using NativeStyle.Imaging;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Memory;

namespace NativeStyle.Style.Tiling;

/// <summary>
/// A map (height, width, channels) that is read and written window by window, whatever memory it is in.
/// </summary>
internal abstract class MapStore(int height, int width, int channels) : IDisposable
{
    public int Height => height;

    public int Width => width;

    public int Channels => channels;

    public long Length => (long)height * width * channels;

    public Window Whole => new(0, 0, height, width);

    /// <summary>Creates a map of zeros, in a scratch file or in the device's memory.</summary>
    public static MapStore Create(
        ComputeDevice device, int height, int width, int channels, bool onDisk, Lifetime lifetime = Lifetime.Brief)
    {
        if (!onDisk) return new DeviceMap(device, height, width, channels, lifetime);
        return device.IsRehearsal ? new BlankMap(height, width, channels) : new ScratchMap(height, width, channels);
    }

    /// <summary>A picture as a map of some size, in units of the pixel range.</summary>
    public static MapStore Of(ComputeDevice device, PictureSource picture, int height, int width, float range) =>
        device.IsRehearsal
            ? new BlankMap(height, width, 3)
            : new PictureMap(picture.At(height, width), range);

    /// <summary>part = map[window].</summary>
    /// <param name="part">(window height, window width, channels), on the device.</param>
    public abstract void Read(Window window, Tensor part);

    /// <summary>map[window] = part.</summary>
    public abstract void Write(Window window, Tensor part);

    /// <summary>map[window] += part.</summary>
    public abstract void Add(Window window, Tensor part);

    public abstract void Dispose();
}

/// <summary>A map in the device's memory.</summary>
internal sealed class DeviceMap : MapStore
{
    private readonly bool _owns;

    /// <summary>A new map of zeros.</summary>
    public DeviceMap(ComputeDevice device, int height, int width, int channels, Lifetime lifetime = Lifetime.Brief)
        : base(height, width, channels)
    {
        (_owns, Data) = (true, new Tensor(device, new Shape(height, width, channels), lifetime: lifetime));
        try
        {
            Data.Fill(0f);
        }
        catch
        {
            Data.Dispose();
            throw;
        }
    }

    /// <summary>A map over a tensor (height, width, channels) that somebody else owns.</summary>
    public DeviceMap(Tensor map)
        : base(map.Shape[0], map.Shape[1], map.Shape[2]) => Data = map;

    /// <summary>All elements.</summary>
    public Tensor Data { get; }

    public override void Read(Window window, Tensor part) => Data.Read(window, part);

    public override void Write(Window window, Tensor part) => Data.Write(window, part);

    public override void Add(Window window, Tensor part) => Data.Write(window, part, add: true);

    public override void Dispose()
    {
        if (_owns) Data.Dispose();
    }
}

/// <summary>A map in a scratch file. It is zero at first, and takes disk instead of memory.</summary>
internal sealed class ScratchMap(int height, int width, int channels) : MapStore(height, width, channels)
{
    private readonly ScratchFile _file = new((long)height * width * channels * sizeof(float));
    private float[] _row = [];
    private float[] _sum = [];

    public override void Read(Window window, Tensor part)
    {
        Span<float> row = Row(ref _row, window);
        for (int y = 0; y < window.Height; y++)
        {
            _file.Read(MemoryMarshal.AsBytes(row), At(window, y));
            part.WriteRows(y, row);
        }
    }

    public override void Write(Window window, Tensor part)
    {
        Span<float> row = Row(ref _row, window);
        for (int y = 0; y < window.Height; y++)
        {
            part.ReadRows(y, row);
            _file.Write(MemoryMarshal.AsBytes(row), At(window, y));
        }
    }

    public override void Add(Window window, Tensor part)
    {
        Span<float> row = Row(ref _row, window), sum = Row(ref _sum, window);
        for (int y = 0; y < window.Height; y++)
        {
            part.ReadRows(y, row);
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

    private long At(Window window, int row) =>
        ((((long)window.Top + row) * Width) + window.Left) * Channels * sizeof(float);
}

/// <summary>A map of a rehearsal that takes none of the device's memory. Reading and writing do nothing.</summary>
internal sealed class BlankMap(int height, int width, int channels) : MapStore(height, width, channels)
{
    public override void Read(Window window, Tensor part)
    {
    }

    public override void Write(Window window, Tensor part)
    {
    }

    public override void Add(Window window, Tensor part)
    {
    }

    public override void Dispose()
    {
    }
}

/// <summary>A picture as a map, in units of the pixel range. It can only be read.</summary>
internal sealed class PictureMap(Picture picture, float range) : MapStore(picture.Height, picture.Width, 3)
{
    private float[] _row = [];

    public override void Read(Window window, Tensor part)
    {
        int length = window.Width * 3;
        if (_row.Length != length) _row = new float[length];
        for (int y = 0; y < window.Height; y++)
        {
            int start = (((window.Top + y) * Width) + window.Left) * 3;
            ReadOnlySpan<float> from = picture.Pixels.AsSpan(start, length);
            for (int i = 0; i < length; i++) _row[i] = from[i] * range;
            part.WriteRows(y, _row);
        }
    }

    public override void Write(Window window, Tensor part) => throw new NotSupportedException("a picture is only read");

    public override void Add(Window window, Tensor part) => throw new NotSupportedException("a picture is only read");

    public override void Dispose()
    {
        // Somebody else owns the picture.
    }
}
