using MathNet.Numerics.LinearAlgebra;
using NativeStyle.Kernels.Devices;
using NativeStyle.Vgg;
using NativeStyle.Vgg.Weights;

namespace NativeStyle.Compression;

/// <summary>What a compressed network shall be.</summary>
/// <param name="Channels">Filters by canonical name, for all layers from conv1_1 to the last that is kept.</param>
/// <param name="Positions">About how many positions of all maps are drawn for each layer's fit.</param>
/// <param name="Seed">Of the positions.</param>
public sealed record CompressionSettings(IReadOnlyDictionary<string, int> Channels, int Positions = 200_000, int Seed = 1);

/// <summary>A student with the maps from its channels to its teacher's.</summary>
/// <param name="Weights">A VGG of fewer channels.</param>
/// <param name="Maps">A by layer, (teacher's channels, student's).</param>
public sealed record CompressedNetwork(VggWeights Weights, IReadOnlyDictionary<string, Matrix<double>> Maps);

/// <summary>
/// Fewer channels in closed form, layer by layer from the first (after He, Zhang and Sun 2017, "Channel pruning for accelerating
/// very deep neural networks", arXiv:1707.06168): the teacher's filters see its map restored from the student's channels, of
/// which a pursuit keeps those that restore this layer's map best; the linear map that does so by least squares is folded
/// into the next layer's kernels.
/// </summary>
/// <param name="device">Where maps are computed.</param>
/// <param name="teacher">Its weights up to the last layer wanted.</param>
/// <param name="crops">Pictures to fit to, (side, side, RGB) each, 0..1.</param>
public sealed class NetworkCompressor(ComputeDevice device, VggWeights teacher, IReadOnlyList<float[]> crops, CompressionSettings settings)
{
    /// <summary>How maps are computed for the fit: as transfers compute them.</summary>
    private static readonly VggOptions s_options = new();

    /// <summary>Called with the layer under way and how many of its crops have been seen.</summary>
    public Action<string, int>? Progress { get; init; }

    /// <summary>Compresses.</summary>
    /// <exception cref="OperationCanceledException">As asked.</exception>
    public CompressedNetwork Run(CancellationToken cancellation = default)
    {
        using var teacherNetwork = new VggNetwork(device, teacher, s_options);
        var student = new Dictionary<string, LayerWeights>();
        var maps = new Dictionary<string, Matrix<double>>();
        Matrix<double>? before = null;
        foreach (VggLayer layer in teacher.Architecture.Layers.Where(layer => settings.Channels.ContainsKey(layer.Name)))
        {
            LayerWeights own = teacher.Layers[layer.Name];
            LayerWeights candidates = before is null ? own : own with { Kernel = RestoringMap.Fold(own.Kernel, before) };
            student[layer.Name] = candidates;
            SecondMoments moments = Moments(teacherNetwork, student, layer, cancellation);
            Matrix<double> power = moments.Between(..layer.OutChannels, ..layer.OutChannels);
            Matrix<double> cross = moments.Between(..layer.OutChannels, layer.OutChannels..);
            int[] chosen = ChannelPursuit.Choose(power, cross, settings.Channels[layer.Name]);
            if (chosen.Length == 0) throw new InvalidDataException($"{layer.Name} is zero on all pictures: there is nothing to restore");
            Matrix<double> map = RestoringMap.Fit(Rows(Rows(power, chosen).Transpose(), chosen), Rows(cross, chosen));
            (student[layer.Name], before) = Balanced(Filters(candidates, chosen), map);
            maps[layer.Name] = before;
        }

        return new CompressedNetwork(Network(student), maps);
    }

    /// <summary>Second moments of the student's channels, and behind them the teacher's, in a layer.</summary>
    private SecondMoments Moments(VggNetwork teacherNetwork, Dictionary<string, LayerWeights> student, VggLayer layer, CancellationToken cancellation)
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
        float[] kernel = new float[layer.Kernel.Length / filters * chosen.Length];
        for (int i = 0; i < kernel.Length; i++) kernel[i] = layer.Kernel[(i / chosen.Length * filters) + chosen[i % chosen.Length]];
        return new LayerWeights(kernel, Array.ConvertAll(chosen, o => layer.Bias[o]));
    }

    /// <summary>
    /// The same with each channel as large as what it carries of the teacher's map, its column of A made one of length 1:
    /// max(0, c z) is c max(0, z). A Gram loss on the student's channels is then nearer to the teacher's, where a channel that
    /// stands for several counts as often. (Logarithms of relative Gram losses between pictures, the student's against the
    /// teacher's: correlation 0.980 to 0.992 without, 0.985 to 0.996 with it.)
    /// </summary>
    private static (LayerWeights, Matrix<double>) Balanced(LayerWeights layer, Matrix<double> map)
    {
        Vector<double> lengths = map.ColumnNorms(2).Map(length => length > 0 ? length : 1);
        int filters = layer.Bias.Length;
        return (
            new LayerWeights(
                [.. layer.Kernel.Select((value, i) => (float)(value * lengths[i % filters]))],
                [.. layer.Bias.Select((value, o) => (float)(value * lengths[o]))]),
            map * Matrix<double>.Build.DiagonalOfDiagonalVector(1 / lengths));
    }

    private static Matrix<double> Rows(Matrix<double> matrix, int[] rows) =>
        Matrix<double>.Build.Dense(rows.Length, matrix.ColumnCount, (i, j) => matrix[rows[i], j]);
}
