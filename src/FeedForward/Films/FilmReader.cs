namespace NativeStyle.FeedForward.Films;

/// <summary>Decodes a film frame by frame, upright and at the size that is asked for.</summary>
internal sealed class FilmReader : IDisposable
{
    /// <summary>Films of at least so many rows that do not state their colours' coding have that of HDTV.</summary>
    private const int HighDefinitionRows = 720;

    private readonly FilmInfo _film;
    private readonly MediaProgram _program;

    /// <param name="height">An even number of rows.</param>
    /// <param name="width">An even number of columns.</param>
    /// <exception cref="FilmException"><c>ffmpeg</c> is missing.</exception>
    public FilmReader(FilmInfo film, int height, int width)
    {
        _film = film;
        // A film of its own size loses a last odd row or column, so that no pixel is resampled.
        bool crops = film.HasSquarePixels && film.Height - height is 0 or 1 && film.Width - width is 0 or 1;
        string crop = crops ? $"crop={width}:{height}:0:0," : "";
        string matrix = !film.StatesColors && film.Height >= HighDefinitionRows ? ":in_color_matrix=bt709" : "";
        string scale = $"scale={width}:{height}:flags=lanczos+accurate_rnd+full_chroma_int+full_chroma_inp{matrix}";
        _program = MediaProgram.Start("ffmpeg", takesInput: false,
        [
            "-nostdin", .. MediaProgram.Read(film.Path), "-map", $"0:{film.Stream}", "-vf", $"{crop}{scale},setsar=1",
            "-r", film.Rate.ToString(), "-pix_fmt", "rgb24", "-f", "rawvideo", "pipe:1",
        ]);
    }

    /// <summary>Reads the next frame.</summary>
    /// <param name="frame">(height, width, RGB), which is overwritten.</param>
    /// <returns>Whether there was one.</returns>
    /// <exception cref="FilmException">The rest of the film cannot be decoded.</exception>
    public bool Read(Span<byte> frame)
    {
        if (_program.Output.ReadAtLeast(frame, frame.Length, throwOnEndOfStream: false) == frame.Length) return true;
        (int code, string error) = _program.End();
        return code == 0 ? false : throw new FilmException($"{_film.Path} cannot be decoded further: {error}");
    }

    public void Dispose() => _program.Dispose();
}
