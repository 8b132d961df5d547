using System.Security.Cryptography;
using System.Text;
using NativeStyle.Imaging;
using NativeStyle.Vgg.Weights;

namespace NativeStyle.FeedForward.Training;

/// <summary>
/// Draws square pieces of the pictures of a folder. A piece depends on the seed and on its number alone, so that a
/// resumed training sees the same pieces.
/// </summary>
/// <param name="files">Picture files.</param>
/// <param name="side">A piece's rows and columns, in pixels.</param>
/// <param name="seed">The same seed draws the same pieces.</param>
/// <param name="cacheBytes">Bytes of decoded pictures to keep.</param>
internal sealed class TrainingPictures(IReadOnlyList<string> files, int side, int seed, long cacheBytes)
{
    private readonly Dictionary<int, PictureSource> _cache = [];
    private readonly Queue<int> _cached = [];
    private readonly HashSet<int> _unreadable = [];
    private long _held;

    /// <summary>Receives a message for each picture that cannot be read, once.</summary>
    public Action<string>? Notice { get; init; }

    public int Count => files.Count;

    /// <summary>Bytes that the pictures kept in memory take at most.</summary>
    public long CacheBytes => Math.Min(cacheBytes, files.Count * 64L << 20);

    /// <summary>Draws a piece, (side, side, RGB), 0..255.</summary>
    /// <param name="number">The piece's number; any.</param>
    /// <exception cref="InvalidDataException">No picture can be read.</exception>
    public float[] Draw(long number)
    {
        var random = new NormalGenerator(Mix(seed, number));
        PictureSource picture = Readable((int)(random.Uniform() * files.Count));
        // Draw the size of the piece between the largest that there is and the pixels that it will have: networks see
        // pictures at any size.
        int largest = Math.Min(picture.Height, picture.Width), least = Math.Min(side, largest);
        int size = (int)Math.Round(largest * Math.Pow((double)least / largest, random.Uniform()));
        int top = Whole(picture.Height - size + 1), left = Whole(picture.Width - size + 1);
        Picture piece = picture.Cropped(top, left, size, size).At(side, side);
        bool mirrored = random.Uniform() < 0.5;
        // Half of the pieces change in contrast and brightness: few pictures then do for many lights.
        bool changed = random.Uniform() < 0.5;
        double contrast = changed ? Between(0.6, 1.3) : 1, brightness = changed ? Between(-0.15, 0.15) : 0;
        float[] crop = new float[3 * side * side];
        for (int i = 0; i < crop.Length; i++)
        {
            (int row, int column, int channel) = (i / 3 / side, i / 3 % side, i % 3);
            float value = piece[row, mirrored ? side - 1 - column : column, channel];
            crop[i] = 255f * (float)Math.Clamp(0.5 + (contrast * (value - 0.5)) + brightness, 0, 1);
        }

        return crop;

        int Whole(int below) => (int)(random.Uniform() * below);

        double Between(double low, double high) => low + (random.Uniform() * (high - low));
    }

    /// <summary>A checksum of the pictures' names and sizes, in their order.</summary>
    public static string Digest(IReadOnlyList<string> files)
    {
        string list = string.Join('\n', files.Select(file => $"{Path.GetFileName(file)} {new FileInfo(file).Length}"));
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(list)));
    }

    /// <summary>Mixes a seed and a number to a seed of its own.</summary>
    internal static ulong Mix(int seed, long number) =>
        (((ulong)(uint)seed << 32) * 0x9E3779B97F4A7C15) ^ ((ulong)number * 0xD1B54A32D192ED03);

    /// <summary>Reads a picture, or the next one that can be read.</summary>
    private PictureSource Readable(int index)
    {
        for (int tried = 0; tried < files.Count; tried++, index = (index + 1) % files.Count)
        {
            if (_cache.TryGetValue(index, out PictureSource? known)) return known;
            if (_unreadable.Contains(index)) continue;
            try
            {
                PictureSource picture = PictureFile.Open(files[index]);
                Keep(index, picture);
                return picture;
            }
            catch (Exception unreadable)
                when (unreadable is InvalidDataException or IOException or UnauthorizedAccessException)
            {
                _unreadable.Add(index);
                Notice?.Invoke($"passed over: {unreadable.Message}");
            }
        }

        throw new InvalidDataException($"none of the {files.Count} pictures can be read");
    }

    private void Keep(int index, PictureSource picture)
    {
        if (picture.HeldBytes > cacheBytes) return;
        _cache[index] = picture;
        _cached.Enqueue(index);
        _held += picture.HeldBytes;
        while (_held > cacheBytes)
        {
            int oldest = _cached.Dequeue();
            _held -= _cache[oldest].HeldBytes;
            _cache.Remove(oldest);
        }
    }
}
