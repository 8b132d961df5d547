using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text.Json;
using NativeStyle.Autodiff;
using NativeStyle.Imaging;
using NativeStyle.Style.Options;

namespace NativeStyle.Style;

/// <summary>
/// A transfer under way, in a file. The transfer continues from it to the same bytes. The file holds the eight bytes
/// NSTYLE02, the length of a JSON header (4 bytes, little-endian), the header, the arrays that the header counts
/// (float32, little-endian), and the SHA-256 of everything before it.
/// </summary>
/// <param name="Job">The job that is computed.</param>
/// <param name="Directory">The folder that the job's relative names start from.</param>
/// <param name="Digests">SHA-256 of each picture by name, and of the weights under the empty name.</param>
/// <param name="Device">The device that computed it, as <c>--device</c> takes it.</param>
/// <param name="Every">Iterations between checkpoints.</param>
/// <param name="Memory">
/// Bytes that the run may take if it does not go whole; null if it does, and has to go on so wherever it is resumed.
/// The same limit and number of threads give the same tiles, and these give the same bytes.
/// </param>
/// <param name="Threads">The threads of the CPU for which its tiles were planned; null if it goes whole.</param>
/// <param name="State">How far the transfer came.</param>
internal sealed record Checkpoint(
    TransferJob Job, string Directory, IReadOnlyDictionary<string, string> Digests, string Device, int Every,
    long? Memory, int? Threads, RunState State)
{
    private const int HashBytes = 32;
    private const int MaxHeaderBytes = 1 << 28;
    private const int MaxThreads = 1024;
    private static readonly byte[] s_magic = "NSTYLE02"u8.ToArray();

    /// <summary>Writes to a temporary file and then renames it, so that a file of this name is always whole.</summary>
    public void Write(string path)
    {
        // Each array is read from the device, written and forgotten before the next one is read.
        List<Func<float[]>> arrays = [() => State.Pixels, () => State.Average];
        int length = 3 * State.Height * State.Width, goodLength = 0;
        if (State.Fallback is var (good, goodHeight, goodWidth))
        {
            arrays.Add(() => good);
            goodLength = good.Length;
        }
        else
        {
            (goodHeight, goodWidth) = (0, 0);
        }

        int vectors = State.Optimizer?.Vectors.Count ?? 0;
        arrays.AddRange(Enumerable.Range(0, vectors).Select(i => (Func<float[]>)(() => State.Optimizer!.Vectors[i])));
        int[] lengths =
            [length, length, .. goodLength > 0 ? new[] { goodLength } : [], .. Enumerable.Repeat(length, vectors)];
        byte[] header = JsonSerializer.SerializeToUtf8Bytes(
            new Header(
                Job, Directory, Digests, Device, Every, Memory, State.Scale, State.IterationAtScale, State.Iteration,
                State.Height, State.Width, State.Losses, State.Reports, goodHeight, goodWidth,
                State.Optimizer?.StepCount, State.Optimizer?.Scalars, lengths, Threads),
            OptionsJson.Format);
        AtomicFile.Write(path, file =>
        {
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            Put(s_magic);
            byte[] headerLength = new byte[4];
            BinaryPrimitives.WriteInt32LittleEndian(headerLength, header.Length);
            Put(headerLength);
            Put(header);
            foreach (Func<float[]> array in arrays) Put(MemoryMarshal.AsBytes(array().AsSpan()));
            file.Write(hash.GetHashAndReset());

            void Put(ReadOnlySpan<byte> bytes)
            {
                hash.AppendData(bytes);
                file.Write(bytes);
            }
        });
    }

    /// <summary>Reads a checkpoint.</summary>
    /// <exception cref="InvalidDataException">
    /// The file is no checkpoint, or a damaged one. The message names the file.
    /// </exception>
    public static Checkpoint Read(string path)
    {
        using FileStream file = File.OpenRead(path);
        try
        {
            return Read(file);
        }
        catch (Exception failure)
            when (failure is InvalidDataException or JsonException or TransferException or EndOfStreamException
                or OverflowException)
        {
            throw new InvalidDataException($"{path} {failure.Message}", failure);
        }
    }

    /// <summary>Returns the checkpoint of the same run, from which it goes on as another job.</summary>
    /// <param name="job">
    /// The other job: with other options, weights of styles or iterations, but with the same pictures and sizes.
    /// </param>
    /// <param name="from">
    /// An earlier picture of the run to go on from, and the iterations after which it was reached; null for the
    /// present one.
    /// </param>
    public Checkpoint Redirected(TransferJob job, (int Iteration, Picture Picture)? from = null)
    {
        if (!job.Plan.Select(step => (step.Height, step.Width)).SequenceEqual(
            Job.Plan.Select(step => (step.Height, step.Width))))
            throw new ArgumentException("a run that goes on keeps its sizes", nameof(job));
        RunState state = from is var (iteration, picture)
            ? State.BackTo(Job.Plan, iteration, picture, job.Options.PixelRange)
            : State.Redirected(Job.Options, job.Options);
        // The weights' checksum is that of the layers that were loaded, and another job may load others.
        bool loadsTheSame = job.Options.Layers.SequenceEqual(Job.Options.Layers);
        var digests = Digests.Where(each => each.Key.Length > 0 || loadsTheSame).ToDictionary();
        return this with { Job = job, State = state, Digests = digests };
    }

    private static Checkpoint Read(FileStream file)
    {
        byte[] begin = new byte[s_magic.Length + 4];
        bool hasMagic = file.Length >= begin.Length + HashBytes
            && file.ReadAtLeast(begin, begin.Length) >= begin.Length
            && begin.AsSpan(0, 6).SequenceEqual(s_magic.AsSpan(0, 6));
        if (!hasMagic) throw new InvalidDataException("is no checkpoint of this program");
        if (!begin.AsSpan(0, 8).SequenceEqual(s_magic))
        {
            throw new InvalidDataException(
                "is a checkpoint of another version of this program, which alone can continue it");
        }

        CheckHash(file);
        int headerLength = BinaryPrimitives.ReadInt32LittleEndian(begin.AsSpan(s_magic.Length));
        if (headerLength is < 2 or > MaxHeaderBytes || headerLength > file.Length - begin.Length - HashBytes)
        {
            throw new InvalidDataException(
                $"is damaged: a header of {headerLength} bytes in a file of {file.Length}");
        }

        file.Position = begin.Length;
        byte[] json = new byte[headerLength];
        file.ReadExactly(json);
        Header header = JsonSerializer.Deserialize<Header>(json, OptionsJson.Format)
            ?? throw new InvalidDataException("has an empty header");
        header.Job.Check();
        Validate(header, file.Length - file.Position - HashBytes);
        // The arrays are read when a run asks for them: at its beginning, before it replaces this file.
        List<Func<float[]>> arrays = [];
        long start = file.Position;
        foreach (int length in header.Lengths)
        {
            long at = start;
            arrays.Add(() => ReadArray(file.Name, at, length));
            start += length * (long)sizeof(float);
        }

        int first = 2;
        var state = new RunState(header.Height, header.Width, arrays[0], arrays[1])
        {
            Scale = header.Scale,
            IterationAtScale = header.IterationAtScale,
            Iteration = header.Iteration,
            Losses = header.Known,
        };
        state.Reports.AddRange(header.Reports);
        if (header.GoodHeight > 0) state.Fallback = (arrays[first++](), header.GoodHeight, header.GoodWidth);
        if (header.OptimizerSteps is int steps)
        {
            state.Optimizer =
                new OptimizerState(steps, new LazyVectors(arrays[first..]), header.OptimizerScalars ?? []);
        }

        return new Checkpoint(
            header.Job, header.Directory, header.Digests, header.Device, Math.Max(1, header.Every),
            header.Memory is { } memory ? Math.Max(1, memory) : null,
            header.Threads is { } threads ? Math.Clamp(threads, 1, MaxThreads) : null, state);
    }

    private static float[] ReadArray(string path, long at, int length)
    {
        float[] array = new float[length];
        using FileStream file = File.OpenRead(path);
        file.Position = at;
        file.ReadExactly(MemoryMarshal.AsBytes(array.AsSpan()));
        return array;
    }

    private static void CheckHash(FileStream file)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        file.Position = 0;
        byte[] buffer = new byte[1 << 20];
        long left = file.Length - HashBytes;
        while (left > 0)
        {
            int read = file.Read(buffer, 0, (int)Math.Min(buffer.Length, left));
            if (read == 0) throw new EndOfStreamException("is truncated");
            hash.AppendData(buffer, 0, read);
            left -= read;
        }

        byte[] stored = new byte[HashBytes];
        file.ReadExactly(stored);
        if (!hash.GetHashAndReset().AsSpan().SequenceEqual(stored))
            throw new InvalidDataException("is damaged or truncated: its checksum does not fit its contents");
    }

    private static void Validate(Header header, long bytes)
    {
        if (header.Scale < 0 || header.Scale >= header.Job.Plan.Count)
            throw new InvalidDataException($"is damaged: scale {header.Scale} of {header.Job.Plan.Count}");
        ScaleStep step = header.Job.Plan[header.Scale];
        long pixels = checked(3L * header.Height * header.Width);
        long good = checked(3L * header.GoodHeight * header.GoodWidth);
        bool fitsPlan = (header.Height, header.Width) == (step.Height, step.Width)
            && header.IterationAtScale >= 0 && header.IterationAtScale <= step.Iterations
            && header.Iteration >= header.IterationAtScale && header.OptimizerSteps is null or >= 0
            && header is { GoodHeight: > 0, GoodWidth: > 0 } or { GoodHeight: 0, GoodWidth: 0 };
        if (!fitsPlan) throw new InvalidDataException("is damaged: its state does not fit its plan");
        long[] expected = [pixels, pixels, .. good > 0 ? new[] { good } : []];
        IEnumerable<long> firstLengths = header.Lengths.Take(expected.Length).Select(length => (long)length);
        bool fits = header.Lengths.Length >= expected.Length
            && firstLengths.SequenceEqual(expected)
            && header.Lengths.Skip(expected.Length).All(length => length == pixels)
            && header.Lengths.Sum(length => (long)length) * sizeof(float) == bytes;
        if (!fits) throw new InvalidDataException("is damaged: its arrays do not fit its header");
        int vectors = header.Lengths.Length - expected.Length, scalars = header.OptimizerScalars?.Count ?? 0;
        bool fitsMethod = header.OptimizerSteps is null
            ? vectors == 0
            : header.Job.Options.Method.Accepts(vectors, scalars);
        if (!fitsMethod) throw new InvalidDataException("is damaged: its optimiser's state does not fit its options");
    }

    private sealed record Header(
        TransferJob Job, string Directory, IReadOnlyDictionary<string, string> Digests, string Device, int Every,
        long? Memory, int Scale, int IterationAtScale, int Iteration, int Height, int Width, LossValues? Known,
        IReadOnlyList<IterationReport> Reports, int GoodHeight, int GoodWidth, int? OptimizerSteps,
        IReadOnlyList<double>? OptimizerScalars, int[] Lengths, int? Threads = null);
}
