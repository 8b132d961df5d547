using NativeStyle.Imaging;
using NativeStyle.Kernels.Devices;

namespace NativeStyle.FeedForward.Films;

/// <summary>How the drawing of a film ended.</summary>
/// <param name="Frames">How many frames the new film has; if none, there is no new film.</param>
/// <param name="IsWhole">Whether these are all.</param>
/// <param name="HasSound">Whether it has sound.</param>
/// <param name="Failure">What ended it early, if it was not cancelled.</param>
public sealed record FilmResult(long Frames, bool IsWhole, bool HasSound, Exception? Failure = null);

/// <summary>Draws films frame by frame. Of the film, only one frame and its drawing are in memory.</summary>
public static class Film
{
    /// <summary>
    /// Milliseconds in which Ctrl-C reaches this program after it has reached a program that it started.
    /// </summary>
    private const int CancellationDelay = 500;

    /// <summary>Draws each frame of a film, and gives the new film the sound of the old.</summary>
    /// <param name="film">The film.</param>
    /// <param name="output">The new film, in the format that its extension names. It is replaced at the end.</param>
    /// <param name="height">Rows of the new film, an even number.</param>
    /// <param name="width">Columns of the new film, an even number.</param>
    /// <param name="draw">Draws a frame.</param>
    /// <param name="progress">Receives the number of frames so far after each frame.</param>
    /// <param name="cancellation">Ends the work after a frame. The frames so far become the film.</param>
    /// <exception cref="FilmException"><c>ffmpeg</c> is missing.</exception>
    public static FilmResult Draw(
        FilmInfo film, string output, int height, int width, Func<Picture, Picture> draw, Action<long> progress,
        CancellationToken cancellation)
    {
        using var reader = new FilmReader(film, height, width);
        using var writer = new FilmWriter(film, output, height, width);
        int length = height * width * 3;
        (byte[] frame, byte[] last, byte[] drawn) = (new byte[length], new byte[length], new byte[length]);
        long frames = 0;
        Exception? failure = null;
        try
        {
            while (!cancellation.IsCancellationRequested && reader.Read(frame))
            {
                // Films with irregular times, and drawings, repeat frames.
                if (frames == 0 || !frame.AsSpan().SequenceEqual(last))
                    ToBytes(draw(ToPicture(frame, height, width)), drawn);
                (frame, last) = (last, frame);
                writer.Write(drawn);
                progress(++frames);
            }
        }
        catch (Exception wrong) when (wrong is FilmException or DeviceException or OutOfMemoryException or IOException)
        {
            // Ctrl-C in a terminal also ends the other programs, perhaps before it is known here.
            bool cancelled = wrong is FilmException && cancellation.WaitHandle.WaitOne(CancellationDelay);
            if (!cancelled) failure = wrong;
        }

        bool isWhole = failure is null && !cancellation.IsCancellationRequested;
        if (isWhole && frames == 0) failure = new FilmException($"{film.Path} has no frame that can be decoded");
        return writer.Finish(isWhole, failure);
    }

    private static Picture ToPicture(byte[] frame, int height, int width)
    {
        var picture = new Picture(height, width);
        for (int i = 0; i < frame.Length; i++) picture.Pixels[i] = frame[i] / 255f;
        return picture;
    }

    private static void ToBytes(Picture picture, byte[] frame)
    {
        for (int i = 0; i < frame.Length; i++)
            frame[i] = (byte)((255 * Math.Clamp(picture.Pixels[i], 0f, 1f)) + 0.5f);
    }
}
