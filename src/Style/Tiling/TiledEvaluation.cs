using NativeStyle.Autodiff;
using NativeStyle.Kernels;
using NativeStyle.Vgg;

namespace NativeStyle.Style.Tiling;

/// <summary>Sums over positions, part by part.</summary>
internal sealed class RunningSums(Accelerator accelerator) : IDisposable
{
    /// <summary>The sums so far, with gradient once a loss has gone backward to them.</summary>
    public Tensor[] Totals { get; private set; } = [];

    /// <summary>Adds what a part gives.</summary>
    public void Add(Tensor[] sums)
    {
        if (Totals.Length == 0)
        {
            Totals = [.. sums.Select(sum => new Tensor(accelerator, sum.Shape, requiresGradient: true))];
            foreach (Tensor total in Totals) VectorOps.Fill(accelerator, total.Data, 0f);
        }

        for (int i = 0; i < sums.Length; i++) VectorOps.Axpy(accelerator, Totals[i].Data, sums[i].Data, 1f);
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
        Accelerator accelerator = pixels.Accelerator;
        (int height, int width, int channels) = pixels.Shape;
        Dictionary<LossBranch, RunningSums> sums = branches.ToDictionary(branch => branch, _ => new RunningSums(accelerator));
        Dictionary<LossBranch, Tensor> norms = [];
        ILookup<string, LossBranch> byName = branches.ToLookup(branch => branch.Layer);
        try
        {
            // First of all, so that it lies beside the pixels and not in the middle of what comes and goes.
            VectorOps.Fill(accelerator, pixels.NewGradient(), 0f);
            var map = new DeviceMap(accelerator, pixels.Data, height, width, channels);
            tiles.Forward(map, (layer, own, part) =>
            {
                foreach (LossBranch branch in byName[layer.Name])
                {
                    using var tape = new Tape(accelerator);
                    sums[branch].Add(branch.Sums(tape, part, own));
                }
            }, backwardFollows: true);

            using var head = new Tape(accelerator);
            Losses losses = sum(head, [.. tiles.Layers.SelectMany(layer => byName[layer]).SelectMany(branch => branch.Losses(head, sums[branch].Totals))]);
            LossValues values = losses.Values(byLayer);
            if (!double.IsFinite(values.Total)) return values;
            head.Backward(losses.Total);
            tiles.Backward(map, new DeviceMap(accelerator, pixels.Gradient, height, width, channels), (layer, own, part) =>
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
            using var tape = new Tape(accelerator) { SumsAreKnown = true };
            Tensor x = norm is null ? part : tape.NormalizeGradient(part, branch.Weight, norm);
            Tensor[] made = branch.Sums(tape, x, own);
            foreach ((Tensor output, Tensor total) in made.Zip(sums[branch].Totals)) output.AddGradient(total.Gradient);
            tape.Backward();
        }

        void Measure(VggLayer layer, Window own, Tensor part)
        {
            foreach (LossBranch branch in byName[layer.Name])
            {
                using var leaf = new Tensor(accelerator, part.Shape, part.Data, requiresGradient: true);
                Backward(branch, leaf, own, null);
                using MemoryBuffer<float> norm = accelerator.Allocate<float>(1);
                Reduction.AbsoluteSum(accelerator, leaf.Gradient, norm.View);
                if (norms.TryGetValue(branch, out Tensor? sum)) VectorOps.Axpy(accelerator, sum.Data, norm.View, 1f);
                else norms[branch] = new Tensor(accelerator, Shape.Scalar, norm.GetAsArray());
            }
        }
    }
}
