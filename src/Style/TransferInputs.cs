using NativeStyle.Imaging;
using NativeStyle.Style.Options;

namespace NativeStyle.Style;

/// <summary>A style picture and what it counts.</summary>
/// <param name="Picture">At any size.</param>
/// <param name="Weight">Relative to the other styles' where styles are blended.</param>
/// <param name="Region">Where in the result it counts: white, and not where black; null for everywhere.</param>
/// <param name="Part">The part of the style picture that is its style, likewise; null for all of it.</param>
public sealed record StyleInput(PictureSource Picture, double Weight = 1, Picture? Region = null, Picture? Part = null);

/// <summary>The pictures of a transfer, at any size.</summary>
/// <param name="Content">Null where nothing of it is used: textures.</param>
/// <param name="Styles">None where no style is used: reconstructions.</param>
/// <param name="Init">The picture to start from, for <see cref="InitKind.Picture"/>.</param>
public sealed record TransferInputs(PictureSource? Content, IReadOnlyList<StyleInput> Styles, PictureSource? Init = null)
{
    /// <summary>Bytes of memory that they keep while they are used.</summary>
    public long HeldBytes => Styles.SelectMany(style => new[] { style.Picture, style.Region, style.Part }).Concat([Content, Init])
        .OfType<PictureSource>().Distinct().Sum(picture => picture.HeldBytes);

    /// <summary>The part of the pictures that the options use.</summary>
    public TransferInputs Cropped(PictureCrop crop) => crop == PictureCrop.None ? this : new(
        Square(Content), [.. Styles.Select(style => style with { Picture = Square(style.Picture)!, Region = Square(style.Region), Part = Square(style.Part) })],
        Square(Init));

    /// <summary>The pictures with colours exchanged, as far as that happens before the transfer.</summary>
    internal TransferInputs Colored(ColorMode colors)
    {
        if (Content is not { } content || Styles.Count == 0) return this;
        return colors switch
        {
            ColorMode.MatchContent => this with { Content = ColorTransfer.MatchStatistics(content, Styles[0].Picture) },
            ColorMode.Covariance => WithStyles(style => ColorTransfer.MatchStatistics(style, content)),
            ColorMode.Histogram => WithStyles(style => ColorTransfer.MatchHistogram(style.At(style.Height, style.Width), content.At(content.Height, content.Width))),
            _ => this,
        };
    }

    private TransferInputs WithStyles(Func<PictureSource, PictureSource> change) =>
        this with { Styles = [.. Styles.Select(style => style with { Picture = change(style.Picture) })] };

    /// <summary>The square in the middle.</summary>
    private static PictureSource? Square(PictureSource? picture)
    {
        if (picture is null || picture.Height == picture.Width) return picture;
        int side = Math.Min(picture.Height, picture.Width);
        return picture.Cropped((picture.Height - side) / 2, (picture.Width - side) / 2, side, side);
    }

    private static Picture? Square(Picture? mask) => mask is null ? null : Square((PictureSource)mask)!.At(Math.Min(mask.Height, mask.Width), Math.Min(mask.Height, mask.Width));
}
