using NativeStyle.Autodiff;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Memory;
using NativeStyle.Kernels.Operators.Crop;
using NativeStyle.Kernels.Operators.Reduction;
using NativeStyle.Kernels.Operators.Vectors;
using NativeStyle.Vgg;

namespace NativeStyle.Style.Tiling;

/// <summary>Sums over positions, part by part.</summary>
internal sealed class RunningSums(ComputeDevice device) : IDisposable
{
    /// <summary>The sums so far, with gradient once a loss has gone backward to them.</summary>
    public Tensor[] Totals { get; private set; } = [];

    /// <summary>Adds what a part gives.</summary>
    public void Add(Tensor[] sums)
    {
        if (Totals.Length == 0)
        {
            Totals = [.. sums.Select(sum => new Tensor(device, sum.Shape, requiresGradient: true))];
            foreach (Tensor total in Totals) VectorOps.Fill(device, total.Data, 0f);
        }

        for (int i = 0; i < sums.Length; i++) VectorOps.Axpy(device, Totals[i].Data, sums[i].Data, 1f);
    }

    public void Dispose()
    {
        foreach (Tensor total in Totals) total.Dispose();
    }
}

/// <summary>
/// Losses and their gradient in two passes over tiles. A loss is a function of sums over positions; so the first pass adds the
/// sums up, a small tape goes from them to the losses and back, and with the gradients of the sums the second pass knows each
/// part's own: dL/d(part) = dL/d(sum) d(sum)/d(part). Nothing is approximated; only the order of additions differs.
/// </summary>
internal static class TiledEvaluation
{
    /// <param name="sum">The losses, from the terms.</param>
    /// <param name="normalize">Whether each branch's gradient is normalised: its 1-norm is a sum over positions as well.</param>
    /// <inheritdoc cref="Objective.ValueAndGradient"/>
    public static LossValues ValueAndGradient(
        TiledNetwork tiles, IReadOnlyList<LossBranch> branches, Func<Tape, IReadOnlyList<LossTerm>, Losses> sum, Tensor pixels, bool normalize,
        bool byLayer)
    {
        ComputeDevice device = pixels.Device;
        (int height, int width, int channels) = pixels.Shape;
        Dictionary<LossBranch, RunningSums> sums = branches.ToDictionary(branch => branch, _ => new RunningSums(device));
        Dictionary<LossBranch, Tensor> norms = [];
        ILookup<string, LossBranch> byName = branches.ToLookup(branch => branch.Layer);
        try
        {
            // First of all, so that it lies beside the pixels and not in the middle of what comes and goes.
            VectorOps.Fill(device, pixels.NewGradient(), 0f);
            var map = new DeviceMap(device, pixels.Data, height, width, channels);
            tiles.Forward(map, (layer, own, part) =>
            {
                foreach (LossBranch branch in byName[layer.Name])
                {
                    using var tape = new Tape(device);
                    sums[branch].Add(branch.Sums(tape, part, own));
                }
            }, backwardFollows: true);

            using var head = new Tape(device);
            Losses losses = sum(head, [.. tiles.Layers.SelectMany(layer => byName[layer]).SelectMany(branch => branch.Losses(head, sums[branch].Totals))]);
            LossValues values = losses.Values(byLayer);
            if (!double.IsFinite(values.Total)) return values;
            head.Backward(losses.Total);
            tiles.Backward(map, new DeviceMap(device, pixels.Gradient, height, width, channels), (layer, own, part) =>
            {
                foreach (LossBranch branch in byName[layer.Name]) Backward(branch, part, own, norms.GetValueOrDefault(branch));
            }, normalize ? Measure : null);
            return values;
        }
        finally
        {
            foreach (IDisposable each in sums.Values.Concat<IDisposable>(norms.Values)) each.Dispose();
        }

        // From the gradients of a branch's sums to that of a part.
        void Backward(LossBranch branch, Tensor part, Window own, Tensor? norm)
        {
            using var tape = new Tape(device) { SumsAreKnown = true };
            Tensor x = norm is null ? part : tape.NormalizeGradient(part, branch.Weight, norm);
            Tensor[] made = branch.Sums(tape, x, own);
            foreach ((Tensor output, Tensor total) in made.Zip(sums[branch].Totals)) output.AddGradient(total.Gradient);
            tape.Backward();
        }

        void Measure(VggLayer layer, Window own, Tensor part)
        {
            foreach (LossBranch branch in byName[layer.Name])
            {
                using var leaf = new Tensor(device, part.Shape, part.Data, requiresGradient: true);
                Backward(branch, leaf, own, null);
                using DeviceBuffer<float> norm = device.Allocate<float>(1);
                ReductionOp.AbsoluteSum(device, leaf.Gradient, norm.View);
                if (norms.TryGetValue(branch, out Tensor? sum)) VectorOps.Axpy(device, sum.Data, norm.View, 1f);
                else norms[branch] = new Tensor(device, Shape.Scalar, norm.GetAsArray());
            }
        }
    }
}
