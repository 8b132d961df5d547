using NativeStyle.Autodiff;
using NativeStyle.Autodiff.Operators;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Memory;
using NativeStyle.Kernels.Operators.Crop;

namespace NativeStyle.FeedForward;

/// <summary>The network's parameters on a device. It turns a picture into its drawing.</summary>
internal sealed class TransformerNet : IDisposable
{
    private readonly IReadOnlyList<TransformerStage> _stages;
    private readonly Dictionary<string, Tensor> _tensors = [];

    /// <param name="device">Where the parameters and all maps live.</param>
    /// <param name="weights">The parameters' numbers, which are copied.</param>
    /// <param name="trainable">Whether gradients flow to the parameters. Frozen parameters cost none.</param>
    public TransformerNet(ComputeDevice device, TransformerWeights weights, bool trainable = false)
    {
        (Architecture, IsTrainable) = (weights.Architecture, trainable);
        _stages = Architecture.Stages;
        var parameters = new List<(TransformerParameter, Tensor)>();
        try
        {
            foreach (TransformerParameter parameter in Architecture.Parameters)
            {
                var tensor = new Tensor(device, parameter.Shape, weights[parameter.Name], trainable, Lifetime.Run);
                _tensors[parameter.Name] = tensor.Retain();
                parameters.Add((parameter, tensor));
            }
        }
        catch
        {
            Dispose();
            throw;
        }

        Parameters = parameters;
    }

    public TransformerArchitecture Architecture { get; }

    /// <summary>Whether gradients flow to the parameters.</summary>
    public bool IsTrainable { get; }

    /// <summary>The parameters in the order of PyTorch's files.</summary>
    public IReadOnlyList<(TransformerParameter Parameter, Tensor Tensor)> Parameters { get; }

    /// <summary>A parameter by its name.</summary>
    public Tensor this[string name] => _tensors[name];

    /// <summary>
    /// Draws a picture. The strided convolutions round sizes up, so that the network makes a multiple of four rows and
    /// columns. What it makes beyond the picture's size, at the right and at the bottom, is cut off.
    /// </summary>
    /// <param name="tape">Records the pass if the pixels or the parameters have a gradient.</param>
    /// <param name="pixels">RGB 0..255, (height, width, 3). They stay the caller's.</param>
    /// <returns>RGB, (height, width, 3), around 0..255 and not clamped.</returns>
    /// <exception cref="ArgumentException">
    /// The picture is smaller than <see cref="TransformerArchitecture.MinSize"/>, or no RGB picture.
    /// </exception>
    public Tensor Run(Tape tape, Tensor pixels)
    {
        (int height, int width, int channels) = pixels.Shape;
        if (Math.Min(height, width) < TransformerArchitecture.MinSize || channels != 3)
        {
            const int Least = TransformerArchitecture.MinSize;
            throw new ArgumentException(
                $"the picture is {width} x {height} x {channels}, expected at least {Least} x {Least} x 3",
                nameof(pixels));
        }

        Tensor x = tape.Expand(pixels, _stages[0].Before);
        Tensor? blockInput = null;
        for (int i = 0; i < _stages.Count; i++)
        {
            TransformerStage stage = _stages[i];
            Tensor map = tape.Convolution(x, this[stage.Filter], this[stage.Bias], stage.Stride);
            bool beginsBlock = i + 1 < _stages.Count && _stages[i + 1].AddsBlockInput;
            if (beginsBlock) blockInput = x;
            else Release(x);
            if (stage.Norm is null)
            {
                x = map;
                continue;
            }

            x = tape.InstanceNorm(
                map, this[stage.Scale!], this[stage.Shift!], stage.Relu, stage.AddsBlockInput ? blockInput : null,
                _stages[i + 1].Before);
            Release(map);
            if (stage.AddsBlockInput) Release(blockInput!);
        }

        if (x.Shape.Equals(pixels.Shape)) return x;
        Tensor drawing = tape.Crop(x, new Window(0, 0, height, width));
        Release(x);
        return drawing;
    }

    /// <summary>A host copy of the parameters.</summary>
    public TransformerWeights ToWeights() => new(
        Architecture, Parameters.ToDictionary(item => item.Parameter.Name, item => item.Tensor.ToArray()));

    public void Dispose()
    {
        foreach (Tensor tensor in _tensors.Values) tensor.Dispose();
        _tensors.Clear();
    }

    /// <summary>
    /// Says that no further operator reads a map. In training, the gradient of the first filter reads a map that has no
    /// gradient itself, and <see cref="Tensor.Release"/> would give that map back.
    /// </summary>
    private void Release(Tensor map)
    {
        if (map.RequiresGradient || !IsTrainable) map.Release();
    }
}
