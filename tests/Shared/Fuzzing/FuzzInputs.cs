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
        // Short inputs are read soon, so the shorter one of two is damaged.
        (byte[] whole, byte[] second, byte[] other) = (Any(), Any(), Corpus[_random.Next(Corpus.Count)]);
        if (second.Length < whole.Length) whole = second;
        byte[]? shaped = _random.Next(3) > 0 ? _target.Shape.Damaged(whole, other, _mutator) : null;
        return shaped ?? _mutator.Damaged(whole, other);
    }

    /// <summary>Returns any input; what was found last is damaged more often than the seeds.</summary>
    private byte[] Any()
    {
        int recent = Math.Min(Corpus.Count, 64);
        return Corpus[_random.Next(3) == 0 ? Corpus.Count - 1 - _random.Next(recent) : _random.Next(Corpus.Count)];
    }
}
