using NativeStyle.Studio.Data;
using NativeStyle.Studio.Work;

namespace NativeStyle.Studio.Web;

/// <summary>A style as the page sees it.</summary>
internal sealed record StyleView(
    StudioPicture? Picture, double Weight, StudioPicture? Mask, StudioPicture? StyleMask);

/// <summary>A result as the page sees it.</summary>
/// <param name="Bytes">Those of the PNG.</param>
internal sealed record ResultView(int Width, int Height, long Bytes, IReadOnlyList<string> Formats);

/// <summary>A change as the page sees it.</summary>
/// <param name="Iteration">The iterations that were made before.</param>
internal sealed record ChangeView(int Iteration, string Words);

/// <summary>A job as the page sees it. Docs/studio.md describes the fields.</summary>
internal sealed record JobView(
    string Id, int Number, JobKind Kind, string Title, JobState State, string? Error, IReadOnlyList<string> Notices,
    StudioPicture? Content, IReadOnlyList<StyleView> Styles, string? Model, string? Preset,
    IReadOnlyDictionary<string, string> Settings, IReadOnlyDictionary<string, string> Values, int Width, int Height,
    int Iteration, int Total, double? SecondsLeft, IReadOnlyList<Frame> Frames,
    IReadOnlyList<double[]> Losses, IReadOnlyList<ChangeView> Changes, string? Command, ResultView? Result,
    ExplainState Explain)
{
    /// <summary>The formats of results, by their extensions.</summary>
    public static IReadOnlyList<string> Formats { get; } = ["png", "jpg", "tif"];

    /// <param name="whole">Whether to tell the losses and frames, which lists do not need.</param>
    public static JobView Of(StudioJob job, PictureStore pictures, bool whole)
    {
        JobRecord record = job.Record;
        JobRequest request = record.Request;
        StudioPicture? content = pictures.Find(request.Content);
        StyleView[] styles = [.. (request.Styles ?? []).Select(style => new StyleView(
            pictures.Find(style.Picture), style.Weight, pictures.Find(style.Mask), pictures.Find(style.StyleMask)))];
        string manner = request.Model ?? string.Join(", ", styles.Select(style => NameOf(style.Picture)));
        return new JobView(
            record.Id, record.Number, request.Kind, $"{NameOf(content)} in the style of {manner}", record.State,
            record.Error, record.Notices, content, styles, request.Model, request.Preset,
            request.Settings ?? new Dictionary<string, string>(), record.Values, record.Width, record.Height,
            record.Iteration, record.Total, record.State == JobState.Running ? job.SecondsLeft : null,
            whole ? job.Frames.All : [],
            whole ? [.. record.Losses.Select(row => new[] { row.Iteration, row.Loss, row.Content, row.Style, row.Tv })]
                : [],
            [.. record.Changes.Select(change => new ChangeView(change.Iteration, change.What))], record.Command,
            record.HasResult ? new ResultView(record.Width, record.Height, BytesOf(job.Result("png")), Formats) : null,
            record.Explain);
    }

    /// <summary>The bytes of a file; 0 if it is just being removed.</summary>
    private static long BytesOf(string path) => new FileInfo(path) is { Exists: true } file ? file.Length : 0;

    private static string NameOf(StudioPicture? picture) =>
        picture is null ? "?" : Path.GetFileNameWithoutExtension(picture.Name);
}
