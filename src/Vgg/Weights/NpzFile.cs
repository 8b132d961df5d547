using System.IO.Compression;

namespace NativeStyle.Vgg.Weights;

/// <summary>
/// Reads the arrays of an .npz archive, which holds an .npy file for each, directly from the archive.
/// </summary>
internal static class NpzFile
{
    /// <exception cref="InvalidDataException">An array is damaged. The message does not name the file.</exception>
    public static IReadOnlyList<NamedArray> Read(string path)
    {
        using ZipArchive archive = ZipFile.OpenRead(path);
        var arrays = new List<NamedArray>();
        foreach (ZipArchiveEntry entry in archive.Entries)
        {
            if (!entry.FullName.EndsWith(".npy", StringComparison.OrdinalIgnoreCase)) continue;
            string name = entry.FullName;
            using Stream stream = ZipContents.Open(entry);
            NpyHeader header;
            try
            {
                header = NpyHeader.Read(stream);
            }
            catch (InvalidDataException bad)
            {
                throw new InvalidDataException($"has {name}, which {bad.Message}", bad);
            }

            arrays.Add(new NamedArray(name[..^4], header.Shape, () => Values(path, name)));
        }

        return arrays;
    }

    private static float[] Values(string path, string name)
    {
        using ZipArchive archive = ZipFile.OpenRead(path);
        ZipArchiveEntry entry = archive.GetEntry(name)!;
        using Stream stream = ZipContents.Open(entry);
        NpyHeader header = NpyHeader.Read(stream);
        long count = NamedArray.Count(header.Shape);
        if (count > NamedArray.MaxElements || count * NumberReader.SizeOf(header.Type) > entry.Length)
        {
            throw new InvalidDataException(
                $"has {name}, which states the shape ({string.Join(", ", header.Shape)}) "
                + $"that its {entry.Length:n0} bytes do not hold");
        }

        float[] values = new float[count];
        NumberReader.Read(stream, count, header.Type, header.BigEndian, (i, value) => values[i] = (float)value);
        return header.FortranOrder ? NamedArray.FromFortran(values, header.Shape) : values;
    }
}
