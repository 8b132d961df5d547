using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Operators.Pool2x2;
using NativeStyle.Vgg.Weights;

namespace NativeStyle.Compression;

/// <summary>Measures how well a student's channels restore its teacher's maps.</summary>
internal static class RestorationErrors
{
    /// <summary>
    /// Returns the squared errors of the restored maps by layer, as shares of the sum of squares of the teacher's maps
    /// around their means.
    /// </summary>
    /// <param name="crops">Pictures, (side, side, RGB) each, 0..1. They must be others than those of the fit.</param>
    /// <param name="pooling">The pooling of both networks.</param>
    public static IReadOnlyDictionary<string, double> Measure(
        ComputeDevice device, CompressedNetwork student, VggWeights teacher, IReadOnlyList<float[]> crops,
        Pooling pooling, CancellationToken cancellation = default)
    {
        Dictionary<string, SecondMoments> moments = MapPairs.Moments(
            device, student, teacher, crops, int.MaxValue, pooling, cancellation);
        return student.Maps.ToDictionary(map => map.Key, map =>
        {
            int channels = map.Value.ColumnCount;
            SecondMoments sums = moments[map.Key];
            double error = RestoringMap.SquaredError(
                map.Value,
                sums.Between(..channels, ..channels),
                sums.Between(..channels, channels..),
                sums.Between(channels.., channels..));
            return error / sums.Variation(channels..);
        });
    }
}
