using NativeStyle.FeedForward;
using NativeStyle.Imaging;
using NativeStyle.Jobs;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Operators.Pool2x2;
using NativeStyle.Style.Study;
using NativeStyle.Style.Tiling;
using NativeStyle.Studio.Data;
using NativeStyle.Vgg;
using NativeStyle.Vgg.Weights;

namespace NativeStyle.Studio.Work;

/// <summary>What a channel sees at a place.</summary>
/// <param name="Value">Its activation there.</param>
/// <param name="Share">Its activation there, relative to its highest anywhere.</param>
/// <param name="Map">All its activations as a grey picture, a PNG as a data address.</param>
internal sealed record ChannelView(int Channel, double Value, double Share, string Map);

/// <summary>What a layer sees at a place of a picture.</summary>
/// <param name="Stride">Pixels of the network's picture from one unit to the next.</param>
/// <param name="Size">Side of the receptive field, in pixels of the network's picture.</param>
/// <param name="Box">The receptive field's left, top, width and height, as shares of the picture.</param>
internal sealed record FeaturesView(
    string Layer, int Stride, int Size, int Row, int Column, double[] Box, IReadOnlyList<ChannelView> Channels);

/// <summary>
/// Computes what the page shows beside jobs, on a CPU of its own, so that it need not wait for them: what a network
/// sees, and what the trained styles draw.
/// </summary>
internal sealed class Looker(Preparation preparation, DataFolder folder, PictureStore pictures) : IDisposable
{
    private const int Side = 320, ThumbnailSide = 192, MostChannels = 12;
    private const string Example = "sample-town";

    private readonly Lock _lock = new();
    private readonly VggArchitecture _architecture =
        WeightsLocator.Architecture(preparation.Trained, VggArchitecture.Vgg19.Name);

    private CpuDevice? _device;
    private VggNetwork? _network;

    /// <summary>The layers of the network that can be looked at.</summary>
    public IReadOnlyList<string> Layers { get; } = preparation.Trained is { } file
        ? [.. WeightsFile.Describe(file).Entries.Select(entry => entry.Layer)]
        : [.. VggArchitecture.Vgg19.Layers.Select(layer => layer.Name)];

    private CpuDevice Device => _device ??= new CpuDevice();

    /// <summary>Finds the channels of a layer that are most active at a place of a picture.</summary>
    /// <param name="x">The place from the left, as a share of the width.</param>
    /// <param name="y">The place from the top, as a share of the height.</param>
    /// <exception cref="UsageException">The network has no such layer, or the picture is too small for it.</exception>
    public FeaturesView At(PictureSource picture, double x, double y, string layer)
    {
        if (!Layers.Contains(layer))
            throw new UsageException($"--layer {layer} is unknown, expected one of {string.Join(", ", Layers)}");
        (int height, int width) = Resampler.FitInto(picture.Height, picture.Width, Side);
        VggLayer seen = _architecture.Layers.First(each => each.Name == layer);
        (int rows, int columns) = VggArchitecture.SizeAt(seen, height, width, PoolEdge.Floor);
        if (Math.Min(rows, columns) < 1)
            throw new UsageException($"--layer {layer} sees nothing in so small a picture");
        FeatureMap map;
        lock (_lock)
        {
            _network ??= VggNetwork.Load(Device, Weights, new VggOptions(Pooling.Max, PoolEdge.Floor));
            map = FeatureMaps.Of(Device, _network, picture.At(height, width), [layer]).Single();
        }

        (int row, int column) = (Place(y, rows), Place(x, columns));
        ReceptiveField field = ReceptiveField.Of(_architecture, seen);
        (int left, int top) = (field.At(column).First, field.At(row).First);
        double[] box =
            [(double)left / width, (double)top / height, (double)field.Size / width, (double)field.Size / height];
        float[] here = map.Values.AsSpan(((row * columns) + column) * map.Channels, map.Channels).ToArray();
        IEnumerable<int> strongest = Enumerable.Range(0, map.Channels).Where(channel => here[channel] > 0)
            .OrderByDescending(channel => here[channel]).ThenBy(channel => channel).Take(MostChannels);
        return new FeaturesView(layer, field.Stride, field.Size, row, column, box, [.. strongest.Select(View)]);

        ChannelView View(int channel)
        {
            float highest = 0;
            for (int i = channel; i < map.Values.Length; i += map.Channels) highest = Math.Max(highest, map.Values[i]);
            string png = Convert.ToBase64String(PictureFile.Encode(map.Channel(channel, highest), ".png"));
            return new(channel, here[channel], here[channel] / highest, $"data:image/png;base64,{png}");
        }
    }

    /// <summary>Returns what a trained style makes of the example, as JPEG.</summary>
    /// <param name="name">One of <see cref="Models.Names"/>.</param>
    public byte[] Drawing(string name)
    {
        StyleModel model = Models.Find(name)!;
        string cached = Path.Combine(folder.Models, $"{name}-{model.Weights.Digest()[..12]}.jpg");
        lock (_lock)
        {
            if (File.Exists(cached)) return File.ReadAllBytes(cached);
            PictureSource picture = PictureFile.Open(pictures.PathOf(pictures.Find(Example)!));
            (int height, int width) = Resampler.FitInto(picture.Height, picture.Width, ThumbnailSide);
            using var stylizer = new Stylizer(Device, model.Weights, MemoryBudget.Of(Device));
            byte[] jpeg = Copies.Jpeg(stylizer.Draw(picture.At(height, width)), ThumbnailSide);
            AtomicFile.Write(cached, jpeg);
            return jpeg;
        }
    }

    public void Dispose()
    {
        // Whoever still looks holds the lock.
        if (!_lock.TryEnter()) return;
        _network?.Dispose();
        _device?.Dispose();
        _lock.Exit();
    }

    private static int Place(double share, int count) => Math.Clamp((int)(share * count), 0, count - 1);

    private VggWeights Weights() => preparation.Trained is { } file ? WeightsFile.Load(file, [.. Layers])
        : RandomWeights.Create(_architecture, 1, Layers[^1]);
}
