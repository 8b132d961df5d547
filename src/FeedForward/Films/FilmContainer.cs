namespace NativeStyle.FeedForward.Films;

/// <summary>How a kind of film file is written.</summary>
/// <param name="Format">ffmpeg's name of the format.</param>
/// <param name="Encoder">The options that choose and set the encoder of the frames.</param>
/// <param name="Sounds">The codecs of sound that the format takes as they are; empty if it takes all.</param>
/// <param name="SoundEncoder">The codec for other sounds.</param>
/// <param name="WhileGrowing">The options of a file that can be played even if its end is missing.</param>
/// <param name="AtTheEnd">The options of the complete file.</param>
internal sealed record FilmContainer(
    string Format, IReadOnlyList<string> Encoder, IReadOnlyList<string> Sounds, string SoundEncoder,
    IReadOnlyList<string> WhileGrowing, IReadOnlyList<string> AtTheEnd)
{
    private static readonly string[] s_h264 = ["-c:v", "libx264", "-preset", "medium", "-crf", "18"];

    private static readonly string[] s_vp9 =
        ["-c:v", "libvpx-vp9", "-crf", "24", "-b:v", "0", "-deadline", "good", "-cpu-used", "4", "-row-mt", "1"];

    private static readonly string[] s_fragments =
        ["-movflags", "+frag_keyframe+empty_moov+default_base_moof", "-frag_duration", "1000000"];

    private static readonly string[] s_indexFirst = ["-movflags", "+faststart"];

    private static readonly Dictionary<string, FilmContainer> s_all = new()
    {
        [".mp4"] = new("mp4", s_h264, ["aac", "mp3", "ac3", "eac3", "alac", "opus"], "aac", s_fragments, s_indexFirst),
        [".mov"] = new(
            "mov", s_h264, ["aac", "mp3", "ac3", "eac3", "alac", "pcm_s16le", "pcm_s24le", "pcm_s16be", "pcm_s24be"],
            "aac", s_fragments, s_indexFirst),
        [".mkv"] = new("matroska", s_h264, [], "aac", [], []),
        [".webm"] = new("webm", s_vp9, ["opus", "vorbis"], "libopus", [], []),
    };

    /// <summary>The container that a film's name asks for.</summary>
    public static FilmContainer Of(string path) => s_all[Path.GetExtension(path).ToLowerInvariant()];

    /// <summary>What to do with a sound: copy, or the name of an encoder.</summary>
    public string Sound(string codec) => Sounds.Count == 0 || Sounds.Contains(codec) ? "copy" : SoundEncoder;
}
