using MathNet.Numerics.LinearAlgebra;
using NativeStyle.Kernels.Devices;
using NativeStyle.Vgg;
using NativeStyle.Vgg.Weights;

namespace NativeStyle.Compression;

/// <summary>The size of a compressed network and how it is fitted.</summary>
/// <param name="Channels">
/// The number of filters by canonical name, for all layers from conv1_1 to the last that is kept.
/// </param>
/// <param name="Positions">About how many positions of all maps are drawn for each layer's fit.</param>
/// <param name="Seed">The seed that positions are drawn from.</param>
internal sealed record CompressionSettings(
    IReadOnlyDictionary<string, int> Channels, int Positions = 200_000, int Seed = 1);

/// <summary>A student with the maps from its channels to its teacher's.</summary>
/// <param name="Weights">A VGG with fewer channels.</param>
/// <param name="Maps">The matrix A by layer, (teacher's channels, student's channels).</param>
internal sealed record CompressedNetwork(VggWeights Weights, IReadOnlyDictionary<string, Matrix<double>> Maps);

/// <summary>
/// Reduces channels in closed form, layer by layer from the first (after He, Zhang and Sun 2017, "Channel pruning for
/// accelerating very deep neural networks", arXiv:1707.06168). The teacher's filters read the map that is restored from
/// the student's channels. A pursuit keeps those of this layer's channels that restore its map best. The linear map
/// that restores it by least squares is folded into the next layer's kernels.
/// </summary>
/// <param name="device">The device that computes the maps.</param>
/// <param name="teacher">The teacher's weights, up to the last layer to keep.</param>
/// <param name="crops">Pictures to fit to, (side, side, RGB) each, 0..1.</param>
internal sealed class NetworkCompressor(
    ComputeDevice device, VggWeights teacher, IReadOnlyList<float[]> crops, CompressionSettings settings)
{
    /// <summary>Computes maps for the fit as transfers compute them.</summary>
    private static readonly VggOptions s_options = new();

    /// <summary>Called with the current layer and the number of crops already processed for it.</summary>
    public Action<string, int>? Progress { get; init; }

    /// <summary>Compresses the teacher.</summary>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public CompressedNetwork Run(CancellationToken cancellation = default)
    {
        using var teacherNetwork = new VggNetwork(device, teacher, s_options);
        var student = new Dictionary<string, LayerWeights>();
        var maps = new Dictionary<string, Matrix<double>>();
        Matrix<double>? before = null;
        IEnumerable<VggLayer> layers =
            teacher.Architecture.Layers.Where(layer => settings.Channels.ContainsKey(layer.Name));
        foreach (VggLayer layer in layers)
        {
            LayerWeights own = teacher.Layers[layer.Name];
            LayerWeights candidates =
                before is null ? own : own with { Filter = RestoringMap.Fold(own.Filter, before) };
            student[layer.Name] = candidates;
            SecondMoments moments = Moments(teacherNetwork, student, layer, cancellation);
            Matrix<double> power = moments.Between(..layer.OutChannels, ..layer.OutChannels);
            Matrix<double> cross = moments.Between(..layer.OutChannels, layer.OutChannels..);
            int[] chosen = ChannelPursuit.Choose(power, cross, settings.Channels[layer.Name]);
            if (chosen.Length == 0)
            {
                throw new InvalidDataException(
                    $"{layer.Name} is zero on all pictures: there is nothing to restore");
            }

            Matrix<double> map = RestoringMap.Fit(Rows(Rows(power, chosen).Transpose(), chosen), Rows(cross, chosen));
            (student[layer.Name], before) = Balanced(Filters(candidates, chosen), map);
            maps[layer.Name] = before;
        }

        return new CompressedNetwork(Network(student), maps);
    }

    /// <summary>Second moments of a layer: of the student's channels first, followed by the teacher's.</summary>
    private SecondMoments Moments(
        VggNetwork teacherNetwork, Dictionary<string, LayerWeights> student, VggLayer layer,
        CancellationToken cancellation)
    {
        using var network = new VggNetwork(device, Network(student), s_options);
        var pairs = new MapPairs(device, network, teacherNetwork);
        var moments = new SecondMoments(student[layer.Name].Bias.Length + layer.OutChannels);
        var random = new NormalGenerator((ulong)(uint)settings.Seed);
        int each = (settings.Positions + crops.Count - 1) / crops.Count;
        for (int i = 0; i < crops.Count; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            foreach ((_, float[] rows) in pairs.Of(crops[i], [layer.Name], each, random)) moments.Add(device, rows);
            Progress?.Invoke(layer.Name, i + 1);
        }

        return moments;
    }

    private VggWeights Network(Dictionary<string, LayerWeights> layers) => new(
        teacher.Architecture.WithChannels(layers.ToDictionary(layer => layer.Key, layer => layer.Value.Bias.Length)),
        new Dictionary<string, LayerWeights>(layers), teacher.Mean, teacher.Source);

    private static LayerWeights Filters(LayerWeights layer, int[] chosen)
    {
        int filters = layer.Bias.Length;
        float[] kernel = new float[layer.Filter.Length / filters * chosen.Length];
        for (int i = 0; i < kernel.Length; i++)
            kernel[i] = layer.Filter[(i / chosen.Length * filters) + chosen[i % chosen.Length]];
        return new LayerWeights(kernel, Array.ConvertAll(chosen, o => layer.Bias[o]));
    }

    /// <summary>
    /// Scales each channel by the length of its column of A, so that the column has length 1 and the channel is as
    /// large as the part of the teacher's map that it carries. This is possible because max(0, c z) is c max(0, z). A
    /// Gram loss on the student's channels is then closer to the teacher's: a channel that stands for several of the
    /// teacher's counts as often. The correlation between the logarithms of the student's and the teacher's relative
    /// Gram losses between pictures is 0.980 to 0.992 without the scaling and 0.985 to 0.996 with it.
    /// </summary>
    private static (LayerWeights, Matrix<double>) Balanced(LayerWeights layer, Matrix<double> map)
    {
        Vector<double> lengths = map.ColumnNorms(2).Map(length => length > 0 ? length : 1);
        int filters = layer.Bias.Length;
        return (
            new LayerWeights(
                [.. layer.Filter.Select((value, i) => (float)(value * lengths[i % filters]))],
                [.. layer.Bias.Select((value, o) => (float)(value * lengths[o]))]),
            map * Matrix<double>.Build.DiagonalOfDiagonalVector(1 / lengths));
    }

    private static Matrix<double> Rows(Matrix<double> matrix, int[] rows) =>
        Matrix<double>.Build.Dense(rows.Length, matrix.ColumnCount, (i, j) => matrix[rows[i], j]);
}
