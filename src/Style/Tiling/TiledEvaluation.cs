using NativeStyle.Autodiff;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Memory;
using NativeStyle.Style.Losses;
using NativeStyle.Vgg;

namespace NativeStyle.Style.Tiling;

/// <summary>
/// Losses and their gradient in two passes over tiles. A loss is a function of sums over positions. So the first pass
/// adds the sums up, and a small tape goes from them to the losses and back. The second pass knows the gradients of the
/// sums, and from them each window's own: dL/d(window) = dL/d(sum) d(sum)/d(window). Nothing is approximated; only the
/// order of additions differs.
/// </summary>
/// <param name="tiles">The network.</param>
/// <param name="losses">All losses.</param>
/// <param name="total">Adds up, on a tape, the terms of the losses and those that do not come from maps.</param>
/// <param name="normalize">
/// Whether each loss's gradient is normalised. Its 1-norm is a sum over positions as well.
/// </param>
internal sealed class TiledEvaluation(
    TiledNetwork tiles, IReadOnlyList<FeatureLoss> losses, Func<Tape, IReadOnlyList<LossTerm>, LossTensors> total,
    bool normalize) : IDisposable
{
    private readonly ILookup<VggLayer, FeatureLoss> _losses = losses.ToLookup(loss => loss.Layer);
    private readonly Dictionary<FeatureLoss, RunningSums> _sums = [];
    private readonly Dictionary<FeatureLoss, Tensor> _norms = [];

    /// <summary>Bytes of all sums.</summary>
    public long SumBytes =>
        _sums.Values.SelectMany(sums => sums.Totals).Sum(total => total.Shape.Length * sizeof(float));

    /// <summary>Called between the passes.</summary>
    public Action? ForwardDone { get; set; }

    /// <summary>Computes the losses. It adds their gradient, unless the losses are not finite.</summary>
    /// <param name="pixels">The map that the first segment reads.</param>
    /// <param name="gradient">The map to which dL/d(pixels) is added.</param>
    /// <param name="byLayer">Whether to read each layer's loss.</param>
    public LossValues ValueAndGradient(ComputeDevice device, MapStore pixels, MapStore gradient, bool byLayer)
    {
        tiles.Forward(pixels, AddSums, backwardFollows: true);
        ForwardDone?.Invoke();
        using var head = new Tape(device);
        IEnumerable<LossTerm> terms = tiles.Taps
            .SelectMany(layer => _losses[layer])
            .SelectMany(loss => loss.Terms(head, _sums[loss].Totals));
        LossTensors sum = total(head, [.. terms]);
        LossValues values = sum.Values(byLayer);
        if (!double.IsFinite(values.Total)) return values;
        if (sum.Total.RequiresGradient) head.Backward(sum.Total);
        tiles.Backward(pixels, gradient, AddGradients, normalize ? AddNorms : null);
        return values;
    }

    public void Dispose()
    {
        foreach (IDisposable each in _sums.Values.Concat<IDisposable>(_norms.Values)) each.Dispose();
    }

    private void AddSums(VggLayer layer, Window window, Tensor map)
    {
        foreach (FeatureLoss loss in _losses[layer])
        {
            using var tape = new Tape(map.Device);
            if (!_sums.TryGetValue(loss, out RunningSums? sums)) _sums[loss] = sums = new RunningSums(map.Device);
            sums.Add(loss.Sums(tape, map, window));
        }
    }

    private void AddGradients(VggLayer layer, Window window, Tensor map)
    {
        foreach (FeatureLoss loss in _losses[layer])
            loss.Backward(map, window, _sums[loss].Totals, _norms.GetValueOrDefault(loss));
    }

    private void AddNorms(VggLayer layer, Window window, Tensor map)
    {
        foreach (FeatureLoss loss in _losses[layer])
        {
            using var leaf = new Tensor(map.Device, map.Shape, map.Data, requiresGradient: true);
            loss.Backward(leaf, window, _sums[loss].Totals, norm: null);
            Tensor norm = leaf.GradientNorm();
            if (!_norms.TryAdd(loss, norm))
            {
                _norms[loss].Add(norm);
                norm.Dispose();
            }
        }
    }
}
