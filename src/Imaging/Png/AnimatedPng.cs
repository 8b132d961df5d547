using System.Buffers.Binary;

namespace NativeStyle.Imaging.Png;

/// <summary>
/// Writes an animated PNG (W3C, Portable Network Graphics third edition, 11.3.6). Every browser plays it, and a program
/// without support for animation shows its first frame. Frames are compressed as they come, and the file is written at
/// the end.
/// </summary>
/// <param name="height">The rows of every frame.</param>
/// <param name="width">The columns of every frame.</param>
/// <param name="milliseconds">How long a frame is shown.</param>
internal sealed class AnimatedPng(int height, int width, int milliseconds)
{
    /// <summary>How long the last frame stays before the animation begins again.</summary>
    private const int LastMilliseconds = 2000;

    private readonly List<byte[]> _frames = [];

    public int FrameCount => _frames.Count;

    /// <summary>Adds a frame. A picture of another size is resized.</summary>
    public void Add(Picture picture)
    {
        using var frame = new MemoryStream();
        PngEncoder.Compress(frame, Resampler.Resize(picture, height, width), 8);
        _frames.Add(frame.ToArray());
    }

    /// <summary>Writes all frames, if there are any.</summary>
    public void Write(string path)
    {
        if (_frames.Count > 0) AtomicFile.Write(path, Write);
    }

    private void Write(Stream file)
    {
        file.Write(PngEncoder.Signature);
        PngEncoder.WriteChunk(file, "IHDR", PngEncoder.Header(height, width, 8));
        byte[] animation = new byte[8];
        BinaryPrimitives.WriteInt32BigEndian(animation, _frames.Count);
        PngEncoder.WriteChunk(file, "acTL", animation);
        int sequence = 0;
        for (int i = 0; i < _frames.Count; i++)
        {
            byte[] control = new byte[26];
            BinaryPrimitives.WriteInt32BigEndian(control, sequence++);
            BinaryPrimitives.WriteInt32BigEndian(control.AsSpan(4), width);
            BinaryPrimitives.WriteInt32BigEndian(control.AsSpan(8), height);
            int delay = i == _frames.Count - 1 ? LastMilliseconds : milliseconds;
            BinaryPrimitives.WriteUInt16BigEndian(control.AsSpan(20), (ushort)delay);
            BinaryPrimitives.WriteUInt16BigEndian(control.AsSpan(22), 1000);
            PngEncoder.WriteChunk(file, "fcTL", control);
            if (i == 0)
            {
                PngEncoder.WriteChunk(file, "IDAT", _frames[0]);
                continue;
            }

            byte[] data = new byte[4 + _frames[i].Length];
            BinaryPrimitives.WriteInt32BigEndian(data, sequence++);
            _frames[i].CopyTo(data, 4);
            PngEncoder.WriteChunk(file, "fdAT", data);
        }

        PngEncoder.WriteChunk(file, "IEND", []);
    }
}
