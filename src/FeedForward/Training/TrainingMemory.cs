using NativeStyle.Autodiff;
using NativeStyle.Kernels.Devices;
using NativeStyle.Style.Tiling;
using NativeStyle.Vgg;

namespace NativeStyle.FeedForward.Training;

/// <summary>Says how much memory a training takes, before it runs.</summary>
public static class TrainingMemory
{
    /// <summary>
    /// The peak in bytes: on a CPU of the whole program without the pictures that it keeps, otherwise of the device. A
    /// real step runs on a rehearsal of the device, which places blocks and computes nothing.
    /// </summary>
    /// <param name="lossNetwork">The loss network.</param>
    /// <param name="architecture">The network to train.</param>
    /// <param name="styleHeight">Rows of the style picture.</param>
    /// <param name="styleWidth">Columns of the style picture.</param>
    public static long PeakBytes(
        ComputeDevice device, VggArchitecture lossNetwork, TransformerArchitecture architecture,
        TrainingOptions options, int styleHeight, int styleWidth)
    {
        using ComputeDevice rehearsal = device.Rehearsal();
        var plan = new VggPlan(lossNetwork, new VggOptions(), options.Layers);
        using VggNetwork vgg = VggNetwork.Rehearse(rehearsal, plan);
        using var network = new TransformerNet(
            rehearsal, TransformerWeights.Random(architecture, options.Seed), trainable: true);
        float[] piece = new float[3 * options.Crop * options.Crop];
        using var style = new Tensor(rehearsal, new Shape(styleHeight, styleWidth, 3));
        using var loss = new PerceptualLoss(rehearsal, vgg, options, style, [piece]);
        using var trainer = new Trainer(rehearsal, network, loss, options);
        trainer.Step([piece]);
        long bytes = rehearsal.MemoryBytes.Peak + rehearsal.ScratchBytes;
        // Two batches are on the host: one is worked on, the next is drawn.
        long pieces = 2L * options.Batch * piece.Length * sizeof(float);
        return device.UsesHostMemory ? bytes + pieces + MemoryRehearsal.ProgramBytes : bytes;
    }
}
