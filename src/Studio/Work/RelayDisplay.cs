using NativeStyle.Imaging;
using NativeStyle.Jobs;
using NativeStyle.Kernels.Devices;
using NativeStyle.Style;
using NativeStyle.Style.Options;
using NativeStyle.Vgg;

namespace NativeStyle.Studio.Work;

/// <summary>Passes on what one runner shows of many jobs. Without a target it shows nothing.</summary>
internal sealed class RelayDisplay : IJobDisplay
{
    public IJobDisplay? Target { get; set; }

    public void Say(string line) => Target?.Say(line);

    public void Warn(string line) => Target?.Warn(line);

    public void Begin(TransferOptions options, IReadOnlyList<ScaleStep> plan, ComputeDevice device, VggNetwork network) =>
        Target?.Begin(options, plan, device, network);

    public void ShowLayers(TransferOptions options, VggArchitecture network, ScaleStep step) =>
        Target?.ShowLayers(options, network, step);

    public void ShowTile(int tile, int tiles) => Target?.ShowTile(tile, tiles);

    public void SayPeak(ComputeDevice device) => Target?.SayPeak(device);

    public T Follow<T>(int total, int printEvery, Func<Action<IterationReport, Func<Picture>>, T> run) =>
        Target is { } target ? target.Follow(total, printEvery, run) : run((_, _) => { });
}
