using System.Globalization;
using System.Text.Json;

namespace NativeStyle.FeedForward.Films;

/// <summary>What a film file holds, as <c>ffprobe</c> tells it.</summary>
/// <param name="Path">The file.</param>
/// <param name="Stream">The number of the stream with the pictures.</param>
/// <param name="Height">Rows as shown: after rotation, with square pixels.</param>
/// <param name="Width">Columns as shown.</param>
/// <param name="HasSquarePixels">Whether the stored size, perhaps rotated, is the size as shown.</param>
/// <param name="Rate">The rate of the film to write.</param>
/// <param name="Frames">How many frames that film will have; null if the file does not tell.</param>
/// <param name="Sounds">The codec of each sound track.</param>
/// <param name="StatesColors">Whether the file says how its colours are coded.</param>
public sealed record FilmInfo(
    string Path, int Stream, int Height, int Width, bool HasSquarePixels, FrameRate Rate, long? Frames,
    IReadOnlyList<string> Sounds, bool StatesColors)
{
    private const int MaxSide = 16384;

    /// <summary>The name endings of films that can be written.</summary>
    public static IReadOnlyList<string> WritableExtensions { get; } = [".mp4", ".mov", ".mkv", ".webm"];

    /// <summary>Whether a name to write is a film's.</summary>
    public static bool HasFilmName(string path) =>
        WritableExtensions.Contains(System.IO.Path.GetExtension(path).ToLowerInvariant());

    /// <summary>Asks <c>ffprobe</c> what a file holds.</summary>
    /// <exception cref="FilmException">It is no film, or <c>ffprobe</c> is missing.</exception>
    public static FilmInfo Read(string path)
    {
        string[] questions =
        [
            "-print_format", "json", "-show_entries",
            "format=format_name,duration:stream=index,codec_type,codec_name,width,height,sample_aspect_ratio," +
            "r_frame_rate,avg_frame_rate,nb_frames,duration,color_space:stream_disposition=attached_pic:" +
            "stream_side_data=rotation",
        ];
        string json;
        try
        {
            json = MediaProgram.Run("ffprobe", [.. questions, .. MediaProgram.Read(path)]);
        }
        catch (FilmException wrong) when (wrong.InnerException is null)
        {
            throw new FilmException($"{path} cannot be read as a film: {wrong.Message}");
        }

        return Parse(path, json);
    }

    /// <summary>Reads what <c>ffprobe</c> said of a file.</summary>
    /// <exception cref="FilmException">The file is no film, or the answer is not understood.</exception>
    internal static FilmInfo Parse(string path, string json)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(json);
            return Read(path, document.RootElement);
        }
        catch (Exception wrong) when (wrong is JsonException or InvalidOperationException)
        {
            // An element is not what the program is known to write in its place.
            throw new FilmException(
                $"{path} cannot be read as a film: ffprobe's answer is not understood ({wrong.Message})", wrong);
        }
    }

    /// <summary>The size of the film to write. Both sides are even, as most players ask.</summary>
    /// <param name="longest">The longest side in pixels, or null for the film's own size.</param>
    public (int Height, int Width) SizeFor(int? longest)
    {
        double scale = longest is { } size ? (double)size / Math.Max(Height, Width) : 1;
        return (Even(scale * Height), Even(scale * Width));

        int Even(double side) =>
            Math.Max(2, longest is null ? (int)side / 2 * 2 : 2 * (int)Math.Round(side / 2));
    }

    private static FilmInfo Read(string path, JsonElement root)
    {
        JsonElement[] streams = root.TryGetProperty("streams", out JsonElement list) ? [.. list.EnumerateArray()] : [];
        JsonElement[] pictures =
            [.. streams.Where(stream => Text(stream, "codec_type") == "video" && !IsCover(stream))];
        // A text is a film of a terminal for ffmpeg.
        bool isText = root.TryGetProperty("format", out JsonElement format) && Text(format, "format_name") == "tty";
        if (pictures.Length == 0 || isText)
            throw new FilmException($"{path} has no moving pictures, expected a film or a picture");
        JsonElement film = pictures[0];
        (int height, int width) = (Number(film, "height") ?? 0, Number(film, "width") ?? 0);
        if (height is < 1 or > MaxSide || width is < 1 or > MaxSide)
        {
            throw new FilmException(
                $"{path} states {width} x {height} pixels, expected 1 to {MaxSide} on each side");
        }

        bool square = true;
        double aspect = 1;
        if (Text(film, "sample_aspect_ratio") is { } ratio
            && FrameRate.Parse(ratio.Replace(':', '/')) is { Numerator: > 0, Denominator: > 0 } pixel)
            (aspect, square) = (pixel.PerSecond, pixel.Numerator == pixel.Denominator);
        if (aspect is > 1.0 / 16 and < 16) width = Math.Clamp((int)Math.Round(width * aspect), 1, MaxSide);
        if (IsTurned(film)) (height, width) = (width, height);
        var finest = FrameRate.Parse(Text(film, "r_frame_rate"));
        var average = FrameRate.Parse(Text(film, "avg_frame_rate"));
        var rate = FrameRate.Choose(finest, average);
        double? seconds = Seconds(film) ?? (root.TryGetProperty("format", out format) ? Seconds(format) : null);
        // Films at their own rate keep their frames.
        long? frames = rate == average && Number(film, "nb_frames") is >= 0 and { } counted ? counted
            : seconds is { } length ? (long)Math.Round(length * rate.PerSecond) : null;
        return new FilmInfo(
            path, Math.Max(0, Number(film, "index") ?? 0), height, width, square, rate, frames,
            [.. streams.Where(stream => Text(stream, "codec_type") == "audio")
                .Select(stream => Text(stream, "codec_name") ?? "unknown")],
            Text(film, "color_space") is not (null or "unknown"));
    }

    private static bool IsCover(JsonElement stream) =>
        stream.TryGetProperty("disposition", out JsonElement disposition) && Number(disposition, "attached_pic") == 1;

    private static bool IsTurned(JsonElement stream) =>
        stream.TryGetProperty("side_data_list", out JsonElement sides)
        && sides.EnumerateArray().Any(side => Number(side, "rotation") is { } angle && Math.Abs(angle % 180) == 90);

    private static double? Seconds(JsonElement of) =>
        double.TryParse(Text(of, "duration"), NumberStyles.Float, CultureInfo.InvariantCulture, out double seconds)
        && seconds is > 0 and < 1e7 ? seconds : null;

    private static string? Text(JsonElement of, string name) =>
        of.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String
            ? value.GetString() : null;

    /// <summary>A number, which ffprobe writes with or without quotes.</summary>
    private static int? Number(JsonElement of, string name)
    {
        if (!of.TryGetProperty(name, out JsonElement value)) return null;
        return int.TryParse(
            value.ToString(), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int number)
            ? number : null;
    }
}
