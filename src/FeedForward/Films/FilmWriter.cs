using System.Globalization;
using NativeStyle.Imaging;

namespace NativeStyle.FeedForward.Films;

/// <summary>
/// Encodes a film frame by frame, and gives it the sound of another film. The frames go to a temporary file that can be
/// played however its writing ends. The film gets its name when it is complete, or when it is all that there will be.
/// </summary>
internal sealed class FilmWriter : IDisposable
{
    /// <summary>
    /// Threads of the encoder. Its output depends on their number, so it is not that of the machine's cores.
    /// </summary>
    private const string Threads = "4";

    private static readonly string[] s_reproducible =
        ["-map_metadata", "-1", "-map_chapters", "-1", "-fflags", "+bitexact", "-flags:v", "+bitexact", "-flags:a",
         "+bitexact"];

    /// <summary>
    /// A full disk is noticed at once. Otherwise the program would go on, and end as if all were well.
    /// </summary>
    private static readonly string[] s_strict = ["-xerror", "-flush_packets", "1"];

    private readonly FilmInfo _film;
    private readonly string _path;
    private readonly TemporaryFile _pictures;
    private readonly TemporaryFile _complete;
    private readonly FilmContainer _container;
    private readonly MediaProgram _program;
    private long _written;
    private bool _keepsFrames;

    /// <param name="film">The film whose rate and sound the new one has.</param>
    /// <param name="path">The new film; an existing file is replaced at the end.</param>
    /// <exception cref="FilmException"><c>ffmpeg</c> is missing.</exception>
    public FilmWriter(FilmInfo film, string path, int height, int width)
    {
        (_film, _path, _container) = (film, path, FilmContainer.Of(path));
        (_pictures, _complete) = (TemporaryFile.For(path), TemporaryFile.For(path));
        _program = MediaProgram.Start("ffmpeg", takesInput: true,
        [
            "-f", "rawvideo", "-pix_fmt", "rgb24", "-video_size", $"{width}x{height}", "-framerate",
            film.Rate.ToString(), "-i", "pipe:0",
            "-vf", "scale=out_color_matrix=bt709:out_range=tv:flags=accurate_rnd+full_chroma_int,format=yuv420p",
            .. _container.Encoder, "-threads", Threads, "-colorspace", "bt709", "-color_primaries", "bt709",
            "-color_trc", "bt709", "-color_range", "tv", .. s_reproducible, .. s_strict, .. _container.WhileGrowing,
            "-f", _container.Format, "-y", MediaProgram.Address(_pictures.Path),
        ]);
    }

    /// <summary>Adds a frame.</summary>
    /// <param name="frame">(height, width, RGB).</param>
    /// <exception cref="FilmException">The film cannot be encoded or written.</exception>
    public void Write(ReadOnlySpan<byte> frame)
    {
        try
        {
            _program.Input.Write(frame);
            _written++;
        }
        catch (IOException)
        {
            // The encoder has ended, and knows why.
            throw new FilmException($"{_path} cannot be written: {_program.End().LastError}");
        }
    }

    /// <summary>Ends the film, and gives it its sound and its name.</summary>
    /// <param name="isWhole">Whether all frames are there. Otherwise the sound ends with the frames.</param>
    /// <param name="failure">What ended the film early, if anything.</param>
    public FilmResult Finish(bool isWhole, Exception? failure)
    {
        try
        {
            _program.Input.Dispose();
        }
        catch (IOException)
        {
            // The encoder has ended before; its exit code tells more.
        }

        (int code, string error) = _program.End();
        long frames = Count(_pictures.Path);
        if (isWhole && (code != 0 || frames != _written))
            (failure, isWhole) = (new FilmException($"{_path} cannot be written: {error}"), false);
        if (frames == 0) return new FilmResult(0, isWhole, HasSound: false, failure);
        bool hasSound = _film.Sounds.Count > 0;
        try
        {
            AddSound(isWhole ? null : frames / _film.Rate.PerSecond);
            long complete = Count(_complete.Path);
            if (isWhole ? complete != frames : complete == 0) throw new FilmException("frames would be lost");
            _complete.Complete();
        }
        catch (Exception refused) when (refused is FilmException or IOException or UnauthorizedAccessException)
        {
            hasSound = false;
            failure ??= new FilmException($"{_path} cannot get its sound: {refused.Message}");
            try
            {
                _pictures.Complete();
            }
            catch (Exception again) when (again is IOException or UnauthorizedAccessException)
            {
                _keepsFrames = true;
                failure = new FilmException(
                    $"{_path} cannot be written: {again.Message}; its frames are in {_pictures.Path}");
                return new FilmResult(0, isWhole, hasSound, failure);
            }
        }

        return new FilmResult(frames, isWhole && failure is null, hasSound, failure);
    }

    public void Dispose()
    {
        _program.Dispose();
        if (!_keepsFrames) _pictures.Dispose();
        _complete.Dispose();
    }

    /// <summary>Combines the frames with the sound, as far as there is any.</summary>
    /// <param name="seconds">Where the sound ends; null for its own end.</param>
    private void AddSound(double? seconds)
    {
        IEnumerable<string> sounds =
            _film.Sounds.SelectMany((codec, i) => new[] { $"-c:a:{i}", _container.Sound(codec) });
        IEnumerable<string> end = seconds is { } length
            ? ["-t", length.ToString("f6", CultureInfo.InvariantCulture)] : [];
        MediaProgram.Run("ffmpeg",
        [
            "-nostdin", .. MediaProgram.Read(_pictures.Path), .. MediaProgram.Read(_film.Path), "-map", "0:v:0", "-map",
            "1:a?", "-c:v", "copy", .. sounds, .. end, .. s_reproducible, .. s_strict, .. _container.AtTheEnd, "-f",
            _container.Format, "-y", MediaProgram.Address(_complete.Path),
        ]);
    }

    /// <summary>Counts the frames that are in a file, without decoding them.</summary>
    private static long Count(string path)
    {
        try
        {
            string text = MediaProgram.Run("ffprobe",
            [
                "-count_packets", "-select_streams", "v:0", "-show_entries", "stream=nb_read_packets", "-of", "csv=p=0",
                .. MediaProgram.Read(path),
            ]);
            return long.TryParse(text.Trim().TrimEnd(','), CultureInfo.InvariantCulture, out long count) ? count : 0;
        }
        catch (FilmException)
        {
            // Nothing in it can be played.
            return 0;
        }
    }
}
