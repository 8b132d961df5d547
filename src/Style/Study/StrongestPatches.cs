using NativeStyle.Imaging;
using NativeStyle.Kernels.Devices;
using NativeStyle.Vgg;

namespace NativeStyle.Style.Study;

/// <summary>A patch of a picture that excites a unit.</summary>
/// <param name="Source">The picture's name.</param>
/// <param name="Activation">The unit's activation after ReLU.</param>
/// <param name="Patch">The unit's receptive field. It is grey where it lies outside the picture.</param>
internal sealed record StrongPatch(string Source, float Activation, Picture Patch);

/// <summary>
/// The patches of pictures that maximise a unit's activation (Zeiler and Fergus 2014, "Visualizing and understanding
/// convolutional networks", figure 2). They show what a channel looks for, without any optimisation.
/// </summary>
internal sealed class StrongestPatches(
    ComputeDevice device, VggNetwork network, string layer, int channel, int count, int perPicture)
{
    private readonly List<StrongPatch> _patches = [];

    /// <summary>The strongest patches so far, the strongest first.</summary>
    public IReadOnlyList<StrongPatch> Found => _patches;

    /// <summary>Searches a picture.</summary>
    /// <exception cref="TransferException">The layer has no such channel.</exception>
    public void Add(string source, Picture picture)
    {
        VggLayer unit = network.Architecture.Layers.Single(each => each.Name == layer);
        ReceptiveField field = ReceptiveField.Of(network.Architecture, unit);
        foreach (FeatureMap map in FeatureMaps.Of(device, network, picture, [layer]))
        {
            if (channel >= map.Channels)
                throw new TransferException($"{layer} has channels 0 to {map.Channels - 1}, not {channel}");
            // Takes the strongest, then the strongest of those that share less than half of their field
            // with it, and so on.
            int apart = Math.Max(1, field.Size / field.Stride / 2);
            List<(int Row, int Column)> units = [];
            float Activation(int place) => map.Values[(place * map.Channels) + channel];
            IEnumerable<int> places = Enumerable.Range(0, map.Height * map.Width)
                .OrderByDescending(Activation)
                .ThenBy(place => place);
            foreach (int place in places)
            {
                float activation = Activation(place);
                if (activation <= 0 || units.Count == perPicture) break;
                if (_patches.Count == count && activation <= _patches[^1].Activation) break;
                (int row, int column) = (place / map.Width, place % map.Width);
                if (units.Any(other => Math.Abs(other.Row - row) < apart && Math.Abs(other.Column - column) < apart))
                    continue;
                units.Add((row, column));
                Insert(new StrongPatch(source, activation, Cut(picture, field, row, column)));
            }
        }
    }

    private void Insert(StrongPatch patch)
    {
        int at = _patches.FindIndex(other => other.Activation < patch.Activation);
        _patches.Insert(at < 0 ? _patches.Count : at, patch);
        if (_patches.Count > count) _patches.RemoveAt(count);
    }

    private static Picture Cut(Picture picture, ReceptiveField field, int row, int column)
    {
        (int top, int size) = field.At(row);
        (int left, _) = field.At(column);
        var patch = new Picture(size, size);
        for (int y = 0; y < size; y++)
        {
            for (int x = 0; x < size; x++)
            {
                bool inside = top + y >= 0 && top + y < picture.Height && left + x >= 0 && left + x < picture.Width;
                for (int c = 0; c < 3; c++) patch[y, x, c] = inside ? picture[top + y, left + x, c] : 0.5f;
            }
        }

        return patch;
    }
}
