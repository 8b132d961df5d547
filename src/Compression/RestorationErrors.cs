using MathNet.Numerics.LinearAlgebra;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Operators.Pool2x2;
using NativeStyle.Vgg;
using NativeStyle.Vgg.Weights;

namespace NativeStyle.Compression;

/// <summary>How well a student's channels restore its teacher's maps.</summary>
public static class RestorationErrors
{
    /// <summary>Squared errors of the restored maps by layer, as shares of the teacher's maps' sum of squares around their means.</summary>
    /// <param name="crops">Pictures, (side, side, RGB) each, 0..1: others than the fit's.</param>
    /// <param name="pooling">In both networks.</param>
    public static IReadOnlyDictionary<string, double> Measure(
        ComputeDevice device, CompressedNetwork student, VggWeights teacher, IReadOnlyList<float[]> crops, Pooling pooling,
        CancellationToken cancellation = default)
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
            foreach ((string layer, float[] rows) in pairs.Of(crop, [.. student.Maps.Keys], int.MaxValue, random)) moments[layer].Add(device, rows);
        }

        return student.Maps.ToDictionary(map => map.Key, map =>
        {
            int channels = map.Value.ColumnCount;
            SecondMoments sums = moments[map.Key];
            return RestoringMap.SquaredError(
                map.Value, sums.Between(..channels, ..channels), sums.Between(..channels, channels..), sums.Between(channels.., channels..))
                / sums.Variation(channels..);
        });
    }
}
