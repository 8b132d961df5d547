using NativeStyle.Imaging;
using NativeStyle.Kernels.Devices;
using NativeStyle.Style;
using NativeStyle.Style.Options;
using NativeStyle.Vgg;

namespace NativeStyle.Jobs;

/// <summary>Shows how a job goes: on a terminal, or in a browser.</summary>
internal interface IJobDisplay
{
    /// <summary>Tells what is worth knowing.</summary>
    void Say(string line);

    /// <summary>Tells what went wrong, though the job goes on. Quiet displays tell this too.</summary>
    void Warn(string line) => Say(line);

    /// <summary>Tells what is about to be computed, and where.</summary>
    void Begin(TransferOptions options, IReadOnlyList<ScaleStep> plan, ComputeDevice device, VggNetwork network)
    {
    }

    /// <summary>Shows the layers with their shapes at the last scale.</summary>
    void ShowLayers(TransferOptions options, VggArchitecture network, ScaleStep step)
    {
    }

    /// <summary>Shows the progress of a long pass over tiles.</summary>
    /// <param name="tile">The tile that comes, from 1.</param>
    /// <param name="tiles">The number of tiles in a pass.</param>
    void ShowTile(int tile, int tiles)
    {
    }

    /// <summary>Tells the peak memory, if pictures went through the network in tiles.</summary>
    void SayPeak(ComputeDevice device)
    {
    }

    /// <summary>Runs iterations and shows their progress.</summary>
    /// <param name="total">The total number of iterations.</param>
    /// <param name="printEvery">Iterations between lines that stay; 0 leaves it to the display.</param>
    /// <param name="run">
    /// Runs them. It calls its argument after each with a report and a function that returns the picture so far.
    /// </param>
    T Follow<T>(int total, int printEvery, Func<Action<IterationReport, Func<Picture>>, T> run) => run((_, _) => { });
}
