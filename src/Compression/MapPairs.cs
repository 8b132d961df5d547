using NativeStyle.Autodiff;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Operators.Pool2x2;
using NativeStyle.Vgg;
using NativeStyle.Vgg.Weights;

namespace NativeStyle.Compression;

/// <summary>Compares a student's maps with its teacher's at the same positions of the same picture.</summary>
internal sealed class MapPairs(ComputeDevice device, VggNetwork student, VggNetwork teacher)
{
    /// <summary>Returns second moments by layer: of the student's channels first, followed by the teacher's.</summary>
    /// <param name="positions">How many positions of a crop's map to draw. All are used if there are no more.</param>
    /// <param name="pooling">The pooling of both networks.</param>
    public static Dictionary<string, SecondMoments> Moments(
        ComputeDevice device, CompressedNetwork student, VggWeights teacher, IReadOnlyList<float[]> crops,
        int positions, Pooling pooling, CancellationToken cancellation)
    {
        var options = new VggOptions(pooling);
        using VggNetwork own = new(device, student.Weights, options), others = new(device, teacher, options);
        var pairs = new MapPairs(device, own, others);
        Dictionary<string, SecondMoments> moments = student.Maps.ToDictionary(
            map => map.Key, map => new SecondMoments(map.Value.ColumnCount + map.Value.RowCount));
        var random = new NormalGenerator(0);
        foreach (float[] crop in crops)
        {
            cancellation.ThrowIfCancellationRequested();
            foreach ((string layer, float[] rows) in pairs.Of(crop, [.. student.Maps.Keys], positions, random))
                moments[layer].Add(device, rows);
        }

        return moments;
    }

    /// <summary>
    /// Returns the maps of some layers, one after the other: (positions, channels of the student and then of the
    /// teacher).
    /// </summary>
    /// <param name="crop">(side, side, RGB), 0..1.</param>
    /// <param name="positions">How many positions of a map to draw. All are used if there are no more.</param>
    public IEnumerable<(string Layer, float[] Rows)> Of(
        float[] crop, IReadOnlyCollection<string> layers, int positions, NormalGenerator random)
    {
        int side = (int)Math.Sqrt(crop.Length / 3);
        using Tape first = new(device), second = new(device);
        using var pixels = new Tensor(device, new Shape(side, side, 3), crop);
        // Each network releases its input when it has used it.
        using var samePixels = new Tensor(device, new Shape(side, side, 3), crop);
        IEnumerable<(string Layer, Tensor Map)> ownMaps = student.Features(first, pixels, 1f, layers);
        IEnumerable<(string Layer, Tensor Map)> othersMaps = teacher.Features(second, samePixels, 1f, layers);
        foreach (((string layer, Tensor own), (_, Tensor others)) in ownMaps.Zip(othersMaps))
        {
            (int height, int width, int channels) = own.Shape;
            (float[] ownMap, float[] othersMap) = (own.ToArray(), others.ToArray());
            int othersChannels = others.Shape[2];
            int all = height * width, count = Math.Min(all, positions), row = channels + othersChannels;
            float[] rows = new float[count * row];
            for (int i = 0; i < count; i++)
            {
                int at = count == all ? i : (int)(random.Uniform() * all);
                ownMap.AsSpan(at * channels, channels).CopyTo(rows.AsSpan(i * row));
                othersMap.AsSpan(at * othersChannels, othersChannels).CopyTo(rows.AsSpan((i * row) + channels));
            }

            yield return (layer, rows);
        }
    }
}
