using System.Runtime.InteropServices;
using SharpFuzz.Common;

namespace NativeStyle.Fuzzing;

/// <summary>
/// The branches that instrumented code took. As in AFL, a byte counts each pair of branches that followed each other,
/// and counts that are near each other (4 to 7, 8 to 15 ...) are the same.
/// </summary>
internal sealed unsafe class Coverage
{
    private const int Size = 1 << 16;

    private readonly byte* _map;
    private readonly byte[] _seen = new byte[Size];

    /// <summary>Begins to count. Instrumented code must not run before.</summary>
    public Coverage() => Trace.SharedMem = _map = (byte*)NativeMemory.AllocZeroed(Size);

    /// <summary>Pairs of branches that were taken so far.</summary>
    public int Edges { get; private set; }

    /// <summary>Forgets the last input's branches.</summary>
    public void Begin()
    {
        new Span<byte>(_map, Size).Clear();
        Trace.PrevLocation = 0;
    }

    /// <summary>Whether this input took a pair of branches, or took it a number of times, as none did before.</summary>
    public bool IsNew()
    {
        bool isNew = false;
        ReadOnlySpan<ulong> words = new(_map, Size / sizeof(ulong));
        for (int word = 0; word < words.Length; word++)
        {
            if (words[word] == 0) continue;
            for (int i = word * sizeof(ulong); i < (word + 1) * sizeof(ulong); i++)
            {
                byte bucket = Bucket(_map[i]);
                if ((_seen[i] & bucket) == bucket) continue;
                if (_seen[i] == 0) Edges++;
                _seen[i] |= bucket;
                isNew = true;
            }
        }

        return isNew;
    }

    private static byte Bucket(byte count) => count switch
    {
        0 => 0, 1 => 1, 2 => 2, 3 => 4, < 8 => 8, < 16 => 16, < 32 => 32, < 128 => 64, _ => 128,
    };
}
