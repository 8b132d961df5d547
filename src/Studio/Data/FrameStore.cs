using System.Globalization;
using NativeStyle.Imaging;

namespace NativeStyle.Studio.Data;

/// <summary>A picture on the way of a run.</summary>
/// <param name="N">Its number. It never becomes another picture's.</param>
/// <param name="Iteration">The iterations that were made; 0 for a preview.</param>
/// <param name="Width">Columns of the picture at its scale.</param>
internal sealed record Frame(int N, int Iteration, int Width, int Height);

/// <summary>
/// The pictures on the way of a run, small ones and not too many, as files whose names say what they are. They can be
/// made again, so nobody waits for the disk.
/// </summary>
internal sealed class FrameStore
{
    /// <summary>So many are kept, evenly spread.</summary>
    private const int Most = 120;

    private const int Side = 1024;

    private readonly string _folder;
    private readonly Lock _lock = new();
    private readonly List<Frame> _frames = [];
    private int _next;

    public FrameStore(string folder)
    {
        _folder = folder;
        if (!Directory.Exists(folder)) return;
        foreach (string file in Directory.EnumerateFiles(folder, "*.jpg"))
        {
            int[] numbers = [.. Path.GetFileNameWithoutExtension(file).Split('-')
                .Select(part => int.TryParse(part, CultureInfo.InvariantCulture, out int number) ? number : -1)];
            if (numbers is [>= 0, >= 0, > 0, > 0]) _frames.Add(new(numbers[0], numbers[1], numbers[2], numbers[3]));
        }

        _frames.Sort((a, b) => a.N.CompareTo(b.N));
        _next = _frames.Count > 0 ? _frames[^1].N + 1 : 0;
    }

    public IReadOnlyList<Frame> All
    {
        get { lock (_lock) return [.. _frames]; }
    }

    /// <summary>Keeps a picture, and returns its number.</summary>
    public int Add(int iteration, Picture picture)
    {
        byte[] jpeg = Copies.Jpeg(picture, Side);
        lock (_lock)
        {
            Directory.CreateDirectory(_folder);
            var frame = new Frame(_next++, iteration, picture.Width, picture.Height);
            File.WriteAllBytes(PathOf(frame), jpeg);
            _frames.Add(frame);
            if (_frames.Count > Most) Thin();
            return frame.N;
        }
    }

    /// <summary>Forgets what comes after an iteration: the run goes on from there on another way.</summary>
    public void ForgetAfter(int iteration)
    {
        lock (_lock) Remove(frame => frame.Iteration > iteration);
    }

    /// <summary>Finds a frame's file; null if there is none any more.</summary>
    public (Frame Frame, string Path)? Find(int n)
    {
        lock (_lock)
            return _frames.Find(frame => frame.N == n) is { } found ? (found, PathOf(found)) : null;
    }

    /// <summary>Leaves out every second frame, but neither the first nor the last.</summary>
    private void Thin()
    {
        HashSet<Frame> gone = [.. _frames.Where((_, i) => i % 2 == 1 && i < _frames.Count - 1)];
        Remove(gone.Contains);
    }

    private void Remove(Predicate<Frame> which)
    {
        foreach (Frame frame in _frames.FindAll(which)) File.Delete(PathOf(frame));
        _frames.RemoveAll(which);
    }

    private string PathOf(Frame frame) => Path.Combine(_folder, string.Create(
        CultureInfo.InvariantCulture, $"{frame.N:00000}-{frame.Iteration}-{frame.Width}-{frame.Height}.jpg"));
}
