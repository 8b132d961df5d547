using NativeStyle.Autodiff;
using NativeStyle.Kernels.Devices;
using NativeStyle.Style.Tiling;
using NativeStyle.Vgg;

namespace NativeStyle.FeedForward.Training;

/// <summary>Says how much memory a training takes, before it runs.</summary>
internal static class TrainingMemory
{
    /// <summary>
    /// The peak in bytes: on a CPU of the whole program without the pictures that it keeps, otherwise of the device.
    /// </summary>
    /// <inheritdoc cref="DevicePeak(ComputeDevice, VggArchitecture, TransformerArchitecture, TrainingOptions, int, int)"/>
    public static long PeakBytes(
        ComputeDevice device, VggArchitecture lossNetwork, TransformerArchitecture architecture,
        TrainingOptions options, int styleHeight, int styleWidth)
    {
        using ComputeDevice rehearsal = device.Rehearsal();
        MakeSteps(rehearsal, lossNetwork, architecture, options, styleHeight, styleWidth);
        long bytes = rehearsal.MemoryBytes.Peak + rehearsal.ScratchBytes;
        // Two batches are on the host: one is worked on, the next is drawn.
        long pieces = 2L * options.Batch * Piece(options).Length * sizeof(float);
        return device.UsesHostMemory ? bytes + pieces + MemoryPlanner.ProgramBytes : bytes;
    }

    /// <summary>The peak of the bytes in the device's blocks.</summary>
    /// <param name="lossNetwork">The loss network.</param>
    /// <param name="architecture">The network to train.</param>
    /// <param name="styleHeight">Rows of the style picture.</param>
    /// <param name="styleWidth">Columns of the style picture.</param>
    internal static long DevicePeak(
        ComputeDevice device, VggArchitecture lossNetwork, TransformerArchitecture architecture,
        TrainingOptions options, int styleHeight, int styleWidth)
    {
        using ComputeDevice rehearsal = device.Rehearsal();
        MakeSteps(rehearsal, lossNetwork, architecture, options, styleHeight, styleWidth);
        return rehearsal.MemoryBytes.Peak;
    }

    /// <summary>Makes real steps on a rehearsal of the device, which places blocks and computes nothing.</summary>
    private static void MakeSteps(
        ComputeDevice rehearsal, VggArchitecture lossNetwork, TransformerArchitecture architecture,
        TrainingOptions options, int styleHeight, int styleWidth)
    {
        float[] piece = Piece(options);
        using VggNetwork vgg = VggNetwork.Rehearse(
            rehearsal, new VggPlan(lossNetwork, new VggOptions(), options.Layers));
        using var network = new TransformerNet(
            rehearsal, TransformerWeights.Random(architecture, options.Seed), trainable: true);
        using var style = new Tensor(rehearsal, new Shape(styleHeight, styleWidth, 3));
        using var loss = new PerceptualLoss(rehearsal, vgg, options, style, [piece]);
        using var trainer = new Trainer(rehearsal, network, loss, options);
        // The first pass leaves blocks behind between which the second one places its own.
        for (int step = 0; step < 2; step++) trainer.Step([piece, piece]);
    }

    private static float[] Piece(TrainingOptions options) => new float[3 * options.Crop * options.Crop];
}
