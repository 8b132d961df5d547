using NativeStyle.Autodiff;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Memory;
using NativeStyle.Style.Options;

namespace NativeStyle.Style;

/// <summary>
/// The vectors of a scale that are as long as the picture: its pixels, what the optimiser remembers, and the average of
/// the iterates. They stay on the device for the whole scale.
/// </summary>
internal sealed class Iterate : IDisposable
{
    /// <param name="options">They give the optimiser, the bounds and the average.</param>
    /// <param name="height">Rows of the picture.</param>
    /// <param name="iterations">How many iterations follow. An optimiser remembers no more steps than that.</param>
    public Iterate(ComputeDevice device, TransferOptions options, int height, int width, int iterations)
    {
        Pixels = new Tensor(device, new Shape(height, width, 3), requiresGradient: true, Lifetime.Run).Retain();
        try
        {
            Average = new IterateAverage(Pixels, options.AverageDecay);
            Optimizer = options.Method.Create(Pixels, options.Clamp ? (0f, options.PixelRange) : null, iterations);
        }
        catch
        {
            Average?.Dispose();
            Pixels.Dispose();
            throw;
        }
    }

    /// <summary>(height, width, 3) in units of the pixel range.</summary>
    public Tensor Pixels { get; }

    public IterateAverage Average { get; }

    public Optimizer Optimizer { get; }

    public void Dispose()
    {
        Optimizer.Dispose();
        Average.Dispose();
        Pixels.Dispose();
    }
}
