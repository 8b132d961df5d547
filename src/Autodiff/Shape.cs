namespace NativeStyle.Autodiff;

/// <summary>
/// The dimensions of a tensor: (height, width, channels), (3, 3, in, out), (channels, channels), () ...
/// </summary>
public sealed class Shape : IEquatable<Shape>
{
    private readonly int[] _dimensions;

    /// <param name="dimensions">The length along each axis.</param>
    public Shape(params int[] dimensions)
    {
        foreach (int dimension in dimensions) ArgumentOutOfRangeException.ThrowIfLessThan(dimension, 1);
        _dimensions = dimensions;
    }

    /// <summary>The shape of a single number.</summary>
    public static Shape Scalar { get; } = new();

    /// <summary>The number of axes.</summary>
    public int Rank => _dimensions.Length;

    /// <summary>Number of elements.</summary>
    public long Length => _dimensions.Aggregate(1L, (product, dimension) => product * dimension);

    /// <summary>The length along an axis, counted from 0.</summary>
    public int this[int axis] => _dimensions[axis];

    /// <summary>Height, width and channels of a feature map.</summary>
    /// <exception cref="InvalidOperationException">The shape does not have three dimensions.</exception>
    public void Deconstruct(out int height, out int width, out int channels)
    {
        if (Rank != 3) throw new InvalidOperationException($"{this} is not (height, width, channels)");
        (height, width, channels) = (_dimensions[0], _dimensions[1], _dimensions[2]);
    }

    /// <summary>Whether the dimensions are the same.</summary>
    public bool Equals(Shape? other) => other is not null && _dimensions.AsSpan().SequenceEqual(other._dimensions);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as Shape);

    /// <inheritdoc/>
    public override int GetHashCode() => _dimensions.Aggregate(17, HashCode.Combine);

    /// <inheritdoc/>
    public override string ToString() => $"({string.Join(", ", _dimensions)})";
}
