using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace NativeStyle.Vgg.Weights;

/// <summary>
/// The bytes of an HDF5 file for a library that trusts its input. Each structure is checked before the library sees it,
/// according to "HDF5 File Format Specification", version 3. Structures that a file of weights needs are let through:
/// symbol tables and compact groups, hard links, and floating-point data in one piece, in the header or in chunks.
/// Everything else is refused.
/// </summary>
internal sealed class Hdf5Guard : Stream
{
    private const int MaxReads = 1_000_000, MaxHeap = 1 << 16, MaxBlock = 1 << 20, MaxBlocks = 256, Page = 4096;
    private const long MaxBytes = 256L << 20;

    private readonly SafeFileHandle _file;
    private readonly byte[] _page = new byte[Page];
    private readonly HashSet<long> _hidden = [], _continuations = [];
    private readonly HashSet<(long Start, int Length)> _heaps = [];
    private readonly Dictionary<long, Hdf5Dataset?> _headers = [];
    private readonly List<(long Start, long End)> _checked = [];
    private readonly HashSet<long> _nodes = [];
    private long _pageStart = -1, _position, _bytes;
    private int _pageLength, _reads;
    private bool _sought;

    /// <exception cref="InvalidDataException">The superblock is damaged, or of a form that is not used.</exception>
    public Hdf5Guard(string path)
    {
        _file = File.OpenHandle(path);
        Length = RandomAccess.GetLength(_file);
        try
        {
            CheckSuperblock();
        }
        catch
        {
            _file.Dispose();
            throw;
        }
    }

    /// <summary>The dataset whose header was read last.</summary>
    public Hdf5Dataset? Dataset { get; private set; }

    /// <summary>Set while the numbers of that dataset are read.</summary>
    public bool ReadsNumbers { get; set; }

    /// <summary>The number of pieces of the dataset's numbers that were read.</summary>
    public int Pieces { get; private set; }

    public override bool CanRead => true;

    public override bool CanSeek => true;

    public override bool CanWrite => false;

    public override long Length { get; }

    public override long Position
    {
        get => _position;
        set => Seek(value, SeekOrigin.Begin);
    }

    public override long Seek(long offset, SeekOrigin origin)
    {
        long to = origin switch
        {
            SeekOrigin.Begin => offset,
            SeekOrigin.Current => _position + offset,
            _ => Length + offset,
        };
        if (to < 0 || to > Length)
            throw new InvalidDataException($"is damaged or truncated: it refers to byte {to:n0} of {Length:n0}");
        // A step forward by a few bytes skips padding within the structure being read.
        bool padding = origin == SeekOrigin.Current && offset is >= 0 and < 8;
        _sought |= !padding;
        return _position = to;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override int Read(Span<byte> buffer)
    {
        // The library recurses through nodes that refer to each other, and reads at each step.
        RuntimeHelpers.EnsureSufficientExecutionStack();
        if (!ReadsNumbers) _bytes += buffer.Length;
        if (++_reads > MaxReads || _bytes > MaxBytes)
            throw new InvalidDataException("is damaged: its structures refer to each other without an end");
        if (_sought) Admit(buffer.Length);
        _sought = false;
        int read = ReadAt(_position, buffer);
        if (buffer.Length <= 4 && _hidden.Contains(_position)) buffer.Clear();
        _position += read;
        return read;
    }

    public override void Flush()
    {
    }

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing) _file.Dispose();
        base.Dispose(disposing);
    }

    /// <summary>
    /// Admits a read at the place that the library has just moved to. The length of this first read shows what the
    /// library takes the place for: a version (object header), a message (continued header), a signature, or a block of
    /// bytes.
    /// </summary>
    private void Admit(int length)
    {
        if (length == 1)
        {
            if (!_headers.TryGetValue(_position, out Hdf5Dataset? dataset))
                _headers[_position] = dataset = CheckHeader(_position);
            Dataset = dataset;
        }
        else if (length is 2 or 4 && _continuations.Contains(_position))
        {
            // The continuation was checked together with its header.
        }
        else if (length == 4)
        {
            CheckNode();
        }
        else if (ReadsNumbers)
        {
            Pieces++;
        }
        else if (!_heaps.Contains((_position, length)))
        {
            throw new InvalidDataException($"has nothing that is known at byte {_position:n0}");
        }
    }

    private void CheckSuperblock()
    {
        byte[] b = Bytes(0, 48);
        (int sizes, int address) = b[8] switch
        {
            0 => (13, 24),
            1 => (13, 28),
            2 or 3 => (9, 12),
            _ => (0, 0),
        };
        if (address == 0) throw new InvalidDataException($"has an HDF5 superblock of version {b[8]}, expected 0 to 3");
        if (b[sizes] != 8 || b[sizes + 1] != 8 || BinaryPrimitives.ReadUInt64LittleEndian(b.AsSpan(address)) != 0)
        {
            throw new InvalidDataException(
                "has an HDF5 superblock with other addresses than of eight bytes from the file's beginning");
        }
    }

    private void CheckNode()
    {
        byte[] node = Bytes(_position, 8);
        if (node.AsSpan().StartsWith("HEAP"u8))
        {
            byte[] heap = Bytes(_position, 32);
            ulong size = BinaryPrimitives.ReadUInt64LittleEndian(heap.AsSpan(8));
            ulong at = BinaryPrimitives.ReadUInt64LittleEndian(heap.AsSpan(24));
            if (size is < 8 or > MaxHeap || at > (ulong)Length || size > (ulong)Length - at)
            {
                throw new InvalidDataException(
                    $"states a heap of {size:n0} bytes at byte {at:n0}, the file has {Length:n0}");
            }

            _heaps.Add(((long)at, (int)size));
        }
        else if (node.AsSpan().StartsWith("SNOD"u8))
        {
            if (!_nodes.Add(_position)) return;
            // Each link has forty bytes. Its kind follows two addresses: 0, 1 for a copy of the group's addresses, 2
            // for a soft link. The copy is hidden from the library, because the group itself may have changed since.
            const int Entry = 40, Kind = 16;
            int links = BinaryPrimitives.ReadUInt16LittleEndian(node.AsSpan(6));
            byte[] entries = Bytes(_position + 8, links * Entry);
            MarkChecked(_position, 8 + entries.Length);
            for (int i = 0; i < links; i++)
            {
                if (BinaryPrimitives.ReadUInt32LittleEndian(entries.AsSpan((i * Entry) + Kind)) > 1)
                    throw Hdf5Header.OtherLinks();
                _hidden.Add(_position + 8 + (i * Entry) + Kind);
            }
        }
        else if (!node.AsSpan().StartsWith("TREE"u8))
        {
            string signature = Encoding.ASCII.GetString(node, 0, 4);
            throw new InvalidDataException(
                $"has '{signature}' at byte {_position:n0}, where a group or a chunk is expected");
        }
        else if (node[4] != (ReadsNumbers ? 1 : 0))
        {
            throw new InvalidDataException($"has a B-tree of another type at byte {_position:n0}");
        }
        else if (ReadsNumbers)
        {
            CheckChunks(BinaryPrimitives.ReadUInt16LittleEndian(node.AsSpan(6)));
        }
    }

    /// <summary>
    /// Checks a node of a dataset's B-tree. Each address follows the stored size and the filters that were left out.
    /// </summary>
    private void CheckChunks(int entries)
    {
        const int Header = 24, Address = 8;
        int key = 8 + (8 * (Dataset!.Shape.Length + 1));
        byte[] keys = Bytes(_position + Header, (entries * (key + Address)) + key);
        for (int i = 0; i < entries; i++)
        {
            ReadOnlySpan<byte> at = keys.AsSpan(i * (key + Address));
            uint size = BinaryPrimitives.ReadUInt32LittleEndian(at);
            // Deflate makes incompressible data a thousandth longer.
            if (size > Dataset.ChunkBytes + (Dataset.ChunkBytes / 64) + 64)
                throw new InvalidDataException($"states {size:n0} bytes for a chunk of {Dataset.ChunkBytes:n0}");
            if (BinaryPrimitives.ReadUInt32LittleEndian(at[4..]) != 0)
                throw new InvalidDataException("has chunks without their filters, which are not read");
        }
    }

    /// <summary>Checks an object header with all its continuations. Returns its dataset, or null for a group.</summary>
    private Hdf5Dataset? CheckHeader(long at)
    {
        byte[] b = Bytes(at, 16);
        bool old = b[0] == 1;
        if (!old && !(b.AsSpan().StartsWith("OHDR"u8) && b[4] == 2))
            throw new InvalidDataException($"has no object header at byte {at:n0}");
        var blocks = new Queue<(long Start, long Length)>();
        int prefix = old ? 8 : (b[5] & 4) != 0 ? 6 : 4;
        if (old)
        {
            blocks.Enqueue((at + 16, BinaryPrimitives.ReadUInt32LittleEndian(b.AsSpan(8))));
        }
        else
        {
            int from = 6 + ((b[5] & 32) != 0 ? 16 : 0) + ((b[5] & 16) != 0 ? 4 : 0);
            int width = 1 << (b[5] & 3);
            byte[] size = new byte[8];
            Bytes(at + from, width).CopyTo(size, 0);
            blocks.Enqueue((at + from + width, BinaryPrimitives.ReadInt64LittleEndian(size)));
        }

        var header = new Hdf5Header();
        for (int count = 1; blocks.TryDequeue(out (long Start, long Length) block); count++)
        {
            if (count > MaxBlocks || block.Length is < 0 or > MaxBlock)
            {
                throw new InvalidDataException(
                    $"states an object header of {block.Length:n0} bytes at byte {block.Start:n0}");
            }

            byte[] messages = Bytes(block.Start, (int)block.Length);
            MarkChecked(count == 1 ? at : block.Start, block.Start + block.Length - (count == 1 ? at : block.Start));
            int place = 0;
            for (int end = old ? 0 : prefix; messages.Length - place > end;)
            {
                if (messages.Length - place < prefix) throw new InvalidDataException("has a damaged object header");
                ReadOnlySpan<byte> message = messages.AsSpan(place);
                int type = old ? BinaryPrimitives.ReadUInt16LittleEndian(message) : message[0];
                int size = BinaryPrimitives.ReadUInt16LittleEndian(message[(old ? 2 : 1)..]);
                byte flags = message[old ? 4 : 3];
                if (size > message.Length - prefix) throw new InvalidDataException("has a damaged object header");
                ReadOnlySpan<byte> body = message.Slice(prefix, size);
                if (type == Hdf5Header.Continuation) blocks.Enqueue(Continued(body, old));
                // Attributes and the like are not needed. Show them to the library as empty space.
                else if (!header.Take(type, flags, body)) _hidden.Add(block.Start + place);
                place += prefix + size;
            }
        }

        return header.Dataset(Length);
    }

    /// <summary>Prevents that hiding parts of one structure changes another one that was already checked.</summary>
    private void MarkChecked(long start, long length)
    {
        if (_checked.Any(other => start < other.End && other.Start < start + length))
            throw new InvalidDataException($"is damaged: the structure at byte {start:n0} overlaps another one");
        _checked.Add((start, start + length));
    }

    private (long Start, long Length) Continued(ReadOnlySpan<byte> body, bool old)
    {
        if (body.Length < 16) throw new InvalidDataException("has a damaged object header");
        long start = BinaryPrimitives.ReadInt64LittleEndian(body);
        long length = BinaryPrimitives.ReadInt64LittleEndian(body[8..]);
        _continuations.Add(start);
        if (old) return (start, length);
        // The messages follow a signature and are followed by a checksum.
        if (!Bytes(start, 4).AsSpan().SequenceEqual("OCHK"u8))
            throw new InvalidDataException($"has no continued object header at byte {start:n0}");
        return (start + 4, length - 8);
    }

    /// <summary>
    /// Reads <paramref name="count"/> bytes. The count is compared with the file's length before memory is allocated.
    /// </summary>
    private byte[] Bytes(long at, int count)
    {
        if (at < 0 || at > Length - count)
        {
            throw new InvalidDataException(
                $"is damaged or truncated: {count:n0} bytes are expected at byte {at:n0} of {Length:n0}");
        }

        byte[] bytes = new byte[count];
        for (int done = 0; done < count;)
        {
            int read = ReadAt(at + done, bytes.AsSpan(done));
            if (read == 0) throw new EndOfStreamException();
            done += read;
        }

        return bytes;
    }

    /// <summary>Reads through a buffer of the last page, because structures are read in small pieces.</summary>
    private int ReadAt(long at, Span<byte> buffer)
    {
        if (buffer.Length >= Page) return RandomAccess.Read(_file, buffer, at);
        if (at < _pageStart || at >= _pageStart + _pageLength || _pageStart < 0)
        {
            _pageStart = at;
            _pageLength = RandomAccess.Read(_file, _page, at);
        }

        int from = (int)(at - _pageStart), count = Math.Min(buffer.Length, _pageLength - from);
        _page.AsSpan(from, count).CopyTo(buffer);
        return count;
    }
}
