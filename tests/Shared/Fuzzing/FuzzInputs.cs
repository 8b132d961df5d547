using System.Text;

namespace NativeStyle.Tests;

/// <summary>Makes damaged inputs from whole ones.</summary>
internal sealed class FuzzInputs
{
    private readonly FuzzTarget _target;
    private readonly Random _random;
    private readonly Mutator _mutator;

    public FuzzInputs(FuzzTarget target, int seed)
    {
        _target = target;
        _random = new Random(seed);
        _mutator = new Mutator(_random, [.. target.Words.Select(Encoding.Latin1.GetBytes)]);
        Corpus = [.. target.Seeds()];
    }

    /// <summary>The inputs from which others are made.</summary>
    public List<byte[]> Corpus { get; }

    /// <summary>
    /// Returns the next input. Two of three keep the format's structure where there is one: their damage is in what the
    /// structure holds, and their checksums are right.
    /// </summary>
    public byte[] Next()
    {
        // What was found last is damaged more often than the seeds.
        int recent = Math.Min(Corpus.Count, 64);
        int parent = _random.Next(3) == 0 ? Corpus.Count - 1 - _random.Next(recent) : _random.Next(Corpus.Count);
        (byte[] whole, byte[] other) = (Corpus[parent], Corpus[_random.Next(Corpus.Count)]);
        byte[]? shaped = _random.Next(3) > 0 ? _target.Shape.Damaged(whole, other, _mutator) : null;
        return shaped ?? _mutator.Damaged(whole, other);
    }
}
