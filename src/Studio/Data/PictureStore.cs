using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using NativeStyle.Imaging;
using NativeStyle.Jobs;

namespace NativeStyle.Studio.Data;

/// <summary>
/// The pictures that were sent, byte for byte, and the samples. A picture is asked for by its id, and found only if it
/// is one of those that are known: no text of a request becomes a path.
/// </summary>
internal sealed class PictureStore
{
    private const string MetaExtension = ".json", SampleFolder = "samples/";
    private const int LongestName = 100, ThumbnailSide = 256, ViewSide = 1024;

    private readonly DataFolder _folder;
    private readonly ConcurrentDictionary<string, StudioPicture> _pictures = new(StringComparer.Ordinal);

    public PictureStore(DataFolder folder)
    {
        _folder = folder;
        foreach (string file in Directory.EnumerateFiles(folder.Pictures, "*" + MetaExtension))
        {
            if (Read(file) is { } picture && File.Exists(PathOf(picture))) _pictures[picture.Id] = picture;
        }

        foreach (string resource in typeof(PictureStore).Assembly.GetManifestResourceNames()
            .Where(name => name.StartsWith(SampleFolder, StringComparison.Ordinal)).Order(StringComparer.Ordinal))
            AddSample(resource);
    }

    public IReadOnlyList<StudioPicture> Samples => [.. _pictures.Values.Where(picture => picture.IsSample)
        .OrderBy(picture => picture.Id, StringComparer.Ordinal)];

    public StudioPicture? Find(string? id) => id is null ? null : _pictures.GetValueOrDefault(id);

    public string PathOf(StudioPicture picture) => Path.Combine(_folder.Pictures, picture.Id);

    /// <summary>Keeps a picture's file.</summary>
    /// <param name="name">What the user calls it.</param>
    /// <exception cref="InvalidDataException">It is no picture that can be read, or too large.</exception>
    /// <exception cref="RefusedException">The folder is full.</exception>
    public StudioPicture Add(string name, byte[] bytes)
    {
        name = Plain(name);
        string id = IdOf(name, bytes);
        if (_pictures.TryGetValue(id, out StudioPicture? known)) return known;
        _folder.RequireRoom(bytes.Length);
        return Keep(new StudioPicture(id, name, 0, 0), bytes);
    }

    /// <summary>Removes pictures of the user that no job uses.</summary>
    public void RemoveAllBut(IReadOnlySet<string> used)
    {
        foreach (StudioPicture picture in _pictures.Values.Where(each => !each.IsSample && !used.Contains(each.Id)))
        {
            _pictures.TryRemove(picture.Id, out _);
            foreach (string file in Directory.EnumerateFiles(_folder.Pictures, picture.Id + "*")) File.Delete(file);
        }
    }

    /// <summary>Returns a small copy as JPEG.</summary>
    public byte[] Thumbnail(StudioPicture picture) => Copy(picture, ThumbnailSide);

    /// <summary>Returns a copy as JPEG that fills a window.</summary>
    public byte[] View(StudioPicture picture) => Copy(picture, ViewSide);

    /// <summary>Returns a name without folders and without what no file's name should have.</summary>
    internal static string Plain(string name)
    {
        string last = name[(name.LastIndexOfAny(['/', '\\']) + 1)..];
        string plain = new([.. last.Where(c => !char.IsControl(c) && !char.IsSurrogate(c)).Take(LongestName)]);
        return plain.Trim(' ', '.').Length == 0 ? "picture" : plain.Trim();
    }

    private static string IdOf(string name, byte[] bytes)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes(name + "\n"));
        hash.AppendData(bytes);
        return Convert.ToHexStringLower(hash.GetHashAndReset()[..16]);
    }

    private static StudioPicture? Read(string file)
    {
        try
        {
            return JsonSerializer.Deserialize<StudioPicture>(File.ReadAllBytes(file), StudioJson.Format);
        }
        catch (JsonException)
        {
            // It is damaged. The picture can be sent again.
            return null;
        }
    }

    private void AddSample(string resource)
    {
        string[] parts = resource.Split('/');
        (string role, string name) = (parts[1], parts[2]);
        using Stream stream = typeof(PictureStore).Assembly.GetManifestResourceStream(resource)!;
        byte[] bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        Keep(new StudioPicture($"sample-{Path.GetFileNameWithoutExtension(name)}", name, 0, 0, role), bytes);
    }

    private StudioPicture Keep(StudioPicture picture, byte[] bytes)
    {
        // Three bytes a pixel, or six of sixteen bits.
        PictureSource source = Decode(bytes);
        picture = picture with { Width = source.Width, Height = source.Height };
        string path = PathOf(picture);
        bool isThere = File.Exists(path) && File.ReadAllBytes(path).AsSpan().SequenceEqual(bytes);
        if (!isThere) AtomicFile.Write(path, bytes);
        if (!picture.IsSample)
        {
            AtomicFile.Write(
                path + MetaExtension, JsonSerializer.SerializeToUtf8Bytes(picture, StudioJson.Format));
        }

        _pictures[picture.Id] = picture;
        return picture;
    }

    private static PictureSource Decode(byte[] bytes)
    {
        PictureSource source = PictureFile.Open(bytes, 6 * DataFolder.MostPixels);
        long pixels = (long)source.Width * source.Height;
        if (pixels > DataFolder.MostPixels)
        {
            throw new InvalidDataException(
                $"has {source.Width} x {source.Height} pixels, expected at most {DataFolder.MostPixels:n0}");
        }

        return source;
    }

    private byte[] Copy(StudioPicture picture, int side)
    {
        string path = PathOf(picture), cached = $"{path}.{side}.jpg";
        if (!picture.IsSample && File.Exists(cached)) return File.ReadAllBytes(cached);
        byte[] jpeg = Copies.Jpeg(PictureFile.Open(path), side);
        if (!picture.IsSample) File.WriteAllBytes(cached, jpeg);
        return jpeg;
    }
}
