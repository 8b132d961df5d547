using NativeStyle.Autodiff;
using NativeStyle.Imaging;
using NativeStyle.Kernels.Operators.Crop;
using NativeStyle.Style.Tiling;
using NativeStyle.Vgg;

namespace NativeStyle.Style;

/// <summary>
/// How far the map is from the content picture's (Gatys, Ecker and Bethge 2016, eq. 1).
/// <code>
///   L = w s Σ (F - P)²        dL/dF = 2 w s (F - P)
/// </code>
/// F is the map, P the content picture's map, w the weight and s the factor of <see cref="LossScale"/>. The sum is the loss.
/// </summary>
internal sealed class ContentLoss : FeatureLoss
{
    private readonly MapStore _target;
    private readonly float _scale;

    /// <param name="target">P, which the loss owns from now on.</param>
    /// <param name="squares">Σ P².</param>
    private ContentLoss(VggLayer layer, double weight, LossScale scale, MapStore target, double squares)
        : base(layer, weight) => (_target, _scale) = (target, (float)(weight * scale.Factor(target.Length, squares)));

    /// <summary>The losses of some layers, with the targets of a content picture at the size of the result.</summary>
    /// <param name="weight">Factor of all layers' weights.</param>
    /// <param name="onDisk">Whether the targets are in scratch files.</param>
    public static IReadOnlyList<ContentLoss> Measure(
        TargetPass pass, PictureSource content, (int Height, int Width) size, IReadOnlyList<LayerWeight> layers, double weight, LossScale scale,
        bool onDisk)
    {
        string[] names = [.. layers.Select(layer => layer.Layer)];
        // The maps stay, and what is only needed on the way goes: so the maps come first.
        Dictionary<string, MapStore> targets = [];
        try
        {
            foreach (string name in names) targets[name] = pass.NewMap(name, size, onDisk);
            Dictionary<string, double> squares = names.ToDictionary(name => name, _ => 0.0);
            pass.Visit(content, size, names, (layer, window, map) =>
            {
                targets[layer.Name].Write(window, map);
                squares[layer.Name] += map.Dot(map);
            });
            return [.. layers.Select(layer => new ContentLoss(
                pass.Layer(layer.Layer), weight * layer.Weight, scale, targets[layer.Layer], squares[layer.Layer]))];
        }
        catch
        {
            foreach (MapStore target in targets.Values) target.Dispose();
            throw;
        }
    }

    public override Tensor[] Sums(Tape tape, Tensor map, Window window) => [tape.SquaredError(map, Target(tape, window), _scale)];

    public override IEnumerable<LossTerm> Terms(Tape tape, Tensor[] sums) => [new LossTerm(Layer.Name, IsContent: true, sums[0])];

    public override void Dispose() => _target.Dispose();

    /// <summary>The target in a window; it goes with the tape.</summary>
    private Tensor Target(Tape tape, Window window)
    {
        if (_target is DeviceMap whole && window == _target.Whole) return whole.Data;
        Tensor part = tape.Constant(new Shape(window.Height, window.Width, _target.Channels));
        _target.Read(window, part);
        return part;
    }
}
