using NativeStyle.Autodiff;
using NativeStyle.Autodiff.Operators;
using NativeStyle.Imaging;
using NativeStyle.Kernels.Memory;
using NativeStyle.Style.Options;
using NativeStyle.Style.Tiling;
using NativeStyle.Vgg;

namespace NativeStyle.Style.Losses;

/// <summary>
/// How far the map is from the content picture's map (Gatys, Ecker and Bethge 2016, eq. 1).
/// <code>
///   L = w s Σ (F - P)²        dL/dF = 2 w s (F - P)
/// </code>
/// F is the map, P the content picture's map, w the weight and s the factor of <see cref="LossScale"/>. The sum itself
/// is the loss.
/// </summary>
internal sealed class ContentLoss : FeatureLoss
{
    private readonly MapStore _target;
    private readonly float _scale;

    /// <param name="target">P. The loss owns it from now on.</param>
    /// <param name="squares">Σ P².</param>
    private ContentLoss(VggLayer layer, double weight, LossScale scale, MapStore target, double squares)
        : base(layer, weight) => (_target, _scale) = (target, (float)(weight * scale.Factor(target.Length, squares)));

    /// <summary>Measures a content picture at a result's size; returns the content losses with these targets.</summary>
    /// <param name="plan">How the content picture goes through the network.</param>
    /// <param name="onDisk">Whether the targets are in scratch files.</param>
    public static IReadOnlyList<ContentLoss> Measure(
        TargetPass pass, TransferOptions options, PictureSource content, TilePlan plan, bool onDisk)
    {
        LayerWeight[] terms = [.. options.ContentTerms];
        Dictionary<string, MapStore> targets = [];
        try
        {
            foreach (VggLayer layer in terms.Select(term => pass.Layer(term.Layer)))
            {
                (int height, int width) = pass.SizeAt(layer, plan.Height, plan.Width);
                targets[layer.Name] =
                    MapStore.Create(pass.Device, height, width, layer.OutChannels, onDisk, Lifetime.Run);
            }

            Dictionary<string, double> squares = terms.ToDictionary(term => term.Layer, _ => 0.0);
            pass.Visit(content, plan, (layer, window, map) =>
            {
                targets[layer.Name].Write(window, map);
                squares[layer.Name] += map.Dot(map);
            });
            return [.. terms.Select(term => new ContentLoss(
                pass.Layer(term.Layer), options.ContentWeight * term.Weight, options.ContentLossScale,
                targets[term.Layer], squares[term.Layer]))];
        }
        catch
        {
            foreach (MapStore target in targets.Values) target.Dispose();
            throw;
        }
    }

    public override Tensor[] Sums(Tape tape, Tensor map, Window window) =>
        [tape.SquaredError(map, Target(tape, window), _scale)];

    public override IEnumerable<LossTerm> Terms(Tape tape, Tensor[] sums) =>
        [new LossTerm(Layer.Name, IsContent: true, sums[0])];

    public override void Dispose() => _target.Dispose();

    /// <summary>The target in a window. The tape gives its memory back.</summary>
    private Tensor Target(Tape tape, Window window)
    {
        if (_target is DeviceMap whole && window == _target.Whole) return whole.Data;
        Tensor map = tape.Constant(new Shape(window.Height, window.Width, _target.Channels));
        _target.Read(window, map);
        return map;
    }
}
