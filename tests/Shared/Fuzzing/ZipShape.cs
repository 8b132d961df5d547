using System.IO.Compression;

namespace NativeStyle.Tests;

/// <summary>Zip archives (.npz and .pth): entries with lengths and CRCs, stored or compressed.</summary>
internal sealed class ZipShape : FileShape
{
    private static readonly DateTimeOffset s_time = new(2000, 1, 1, 0, 0, 0, TimeSpan.Zero);

    protected override byte[]? Damage(byte[] file, byte[] other, Mutator mutator)
    {
        List<(string Name, byte[] Bytes)> entries = Entries(file);
        Random random = mutator.Random;
        int at = random.Next(entries.Count);
        (string name, byte[] bytes) = entries[at];
        switch (random.Next(8))
        {
            case 0:
                entries.RemoveAt(at);
                break;
            case 1:
                entries.Insert(at, mutator.Pick(Entries(other)));
                break;
            case 2:
                entries[at] = (mutator.Pick(entries).Name, bytes);
                break;
            default:
                entries[at] = (name, mutator.Damaged(bytes, mutator.Pick(entries).Bytes, random.Next(2) == 0));
                break;
        }

        using var damaged = new MemoryStream();
        using (var archive = new ZipArchive(damaged, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach ((string each, byte[] content) in entries)
            {
                ZipArchiveEntry entry = archive.CreateEntry(
                    each, random.Next(2) == 0 ? CompressionLevel.NoCompression : CompressionLevel.Fastest);
                entry.LastWriteTime = s_time;
                using Stream stream = entry.Open();
                stream.Write(content);
            }
        }

        return damaged.ToArray();
    }

    private static List<(string Name, byte[] Bytes)> Entries(byte[] file)
    {
        using var archive = new ZipArchive(new MemoryStream(file), ZipArchiveMode.Read);
        var entries = new List<(string, byte[])>();
        foreach (ZipArchiveEntry entry in archive.Entries)
        {
            using Stream stream = entry.Open();
            using var bytes = new MemoryStream();
            stream.CopyTo(bytes);
            entries.Add((entry.FullName, bytes.ToArray()));
        }

        return entries;
    }
}
