using NativeStyle.Autodiff;
using NativeStyle.Kernels.Devices;

namespace NativeStyle.Style.Tiling;

/// <summary>Sums over the positions of a map whose windows come one by one.</summary>
internal sealed class RunningSums(ComputeDevice device) : IDisposable
{
    /// <summary>The sums so far. They have a gradient once a loss has gone backward to them.</summary>
    public Tensor[] Totals { get; private set; } = [];

    /// <summary>Adds the sums of one window.</summary>
    public void Add(Tensor[] sums)
    {
        if (Totals.Length == 0)
        {
            // They must stay, because the tape of each window goes backward from them.
            Totals = [.. sums.Select(sum => new Tensor(device, sum.Shape, requiresGradient: true).Retain())];
            foreach (Tensor total in Totals) total.Fill(0f);
        }

        for (int i = 0; i < sums.Length; i++) Totals[i].Add(sums[i]);
    }

    public void Dispose()
    {
        foreach (Tensor total in Totals) total.Dispose();
    }
}
