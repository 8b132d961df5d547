using NativeStyle.Imaging;
using NativeStyle.Style.Options;

namespace NativeStyle.Style;

/// <summary>A style picture, and how much and where it counts.</summary>
/// <param name="Picture">The picture, at any size.</param>
/// <param name="Weight">The weight relative to the other styles, if styles are blended.</param>
/// <param name="Region">
/// The region of the result in which it counts: white counts, black does not; null for everywhere.
/// </param>
/// <param name="Part">
/// The region of the style picture whose style is taken, white and black as above; null for all of it.
/// </param>
public sealed record StyleInput(PictureSource Picture, double Weight = 1, Picture? Region = null, Picture? Part = null);

/// <summary>The pictures of a transfer, at any size.</summary>
/// <param name="Content">Null if no content is used, as for textures.</param>
/// <param name="Styles">Empty if no style is used, as for reconstructions.</param>
/// <param name="Init">The picture to start from, for <see cref="InitKind.Picture"/>.</param>
public sealed record TransferInputs(
    PictureSource? Content, IReadOnlyList<StyleInput> Styles, PictureSource? Init = null)
{
    /// <summary>Bytes of memory that the pictures keep while they are used.</summary>
    public long HeldBytes => Styles
        .SelectMany(style => new[] { style.Picture, style.Region, style.Part })
        .Concat([Content, Init])
        .OfType<PictureSource>()
        .Distinct()
        .Sum(picture => picture.HeldBytes);

    /// <summary>The region of the pictures that the options use.</summary>
    public TransferInputs Cropped(PictureCrop crop)
    {
        return crop == PictureCrop.None ? this : new(
            Square(Content), [.. Styles.Select(SquareStyle)], Square(Init));

        static StyleInput SquareStyle(StyleInput style) => style with
        {
            Picture = Square(style.Picture)!,
            Region = Square(style.Region),
            Part = Square(style.Part),
        };
    }

    /// <summary>The pictures with colours exchanged, if that happens before the transfer.</summary>
    internal TransferInputs Colored(ColorMode colors)
    {
        if (Content is not { } content || Styles.Count == 0) return this;
        return colors switch
        {
            ColorMode.MatchContent => this with { Content = ColorTransfer.MatchStatistics(content, Styles[0].Picture) },
            ColorMode.Covariance => WithStyles(style => ColorTransfer.MatchStatistics(style, content)),
            ColorMode.Histogram => WithStyles(style => ColorTransfer.MatchHistogram(
                style.At(style.Height, style.Width), content.At(content.Height, content.Width))),
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

    private static Picture? Square(Picture? mask)
    {
        if (mask is null) return null;
        int side = Math.Min(mask.Height, mask.Width);
        return Square((PictureSource)mask)!.At(side, side);
    }
}
