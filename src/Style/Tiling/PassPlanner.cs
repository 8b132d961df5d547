using NativeStyle.Style.Options;
using NativeStyle.Vgg;

namespace NativeStyle.Style.Tiling;

/// <summary>Decides how pictures go through the network: whole, or in which segments and tiles.</summary>
internal abstract class PassPlanner(VggArchitecture architecture, TransferOptions options)
{
    public VggArchitecture Architecture => architecture;

    public TransferOptions Options => options;

    /// <summary>The steps of the network that a kind of pass needs.</summary>
    public VggPlan Steps(PassKind kind)
    {
        IEnumerable<LayerWeight> terms = kind switch
        {
            PassKind.Iteration => options.ContentTerms.Concat(options.StyleTerms),
            PassKind.Content => options.ContentTerms,
            _ => options.StyleTerms,
        };
        return new VggPlan(architecture, options.Network, [.. terms.Select(term => term.Layer).Distinct()]);
    }

    /// <summary>The plan for iterations on a picture of this size.</summary>
    public abstract TilePlan Iteration(int height, int width);

    /// <summary>The plan for the forward pass of the content picture, at the size of the result.</summary>
    /// <param name="result">The plan of the iterations, which says where the targets go.</param>
    public abstract TilePlan Content(TilePlan result);

    /// <summary>The plan for the forward pass of a style picture of this size.</summary>
    /// <param name="result">The plan of the iterations, whose content targets exist already.</param>
    public abstract TilePlan Style(int height, int width, TilePlan result);
}

/// <summary>Cuts nothing, whatever the size.</summary>
internal sealed class WholePlanner(VggArchitecture architecture, TransferOptions options)
    : PassPlanner(architecture, options)
{
    public override TilePlan Iteration(int height, int width) => TilePlan.Whole(Steps(PassKind.Iteration), height, width);

    public override TilePlan Content(TilePlan result) =>
        TilePlan.Whole(Steps(PassKind.Content), result.Height, result.Width);

    public override TilePlan Style(int height, int width, TilePlan result) =>
        TilePlan.Whole(Steps(PassKind.Style), height, width);
}
