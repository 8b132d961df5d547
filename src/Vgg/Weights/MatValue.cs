namespace NativeStyle.Vgg.Weights;

/// <summary>A value of a MAT-file. Arrays are in column-major order: the first dimension varies fastest.</summary>
/// <param name="Dimensions">The dimensions, at least two.</param>
internal abstract record MatValue(int[] Dimensions)
{
    /// <summary>The number of elements.</summary>
    public long Count => Dimensions.Aggregate(1L, (product, dimension) => product * dimension);
}

/// <summary>Numbers. Only the real part of complex numbers is kept.</summary>
/// <param name="Values">The values, or null if the reader was told to skip this array.</param>
internal sealed record MatNumbers(int[] Dimensions, float[]? Values) : MatValue(Dimensions);

/// <summary>A char array, with its rows one after the other.</summary>
internal sealed record MatText(int[] Dimensions, string Text) : MatValue(Dimensions);

/// <summary>A cell array.</summary>
internal sealed record MatCell(int[] Dimensions, IReadOnlyList<MatValue> Cells) : MatValue(Dimensions);

/// <summary>A struct array, which has fields by name for each element.</summary>
internal sealed record MatStruct(int[] Dimensions, IReadOnlyList<IReadOnlyDictionary<string, MatValue>> Elements)
    : MatValue(Dimensions)
{
    /// <summary>A field of the first element, or null.</summary>
    public MatValue? this[string field] => Elements.Count > 0 ? Elements[0].GetValueOrDefault(field) : null;
}

/// <summary>A skipped value of a kind that no network is stored in: a sparse matrix, object or function.</summary>
internal sealed record MatOther(int[] Dimensions, string Kind) : MatValue(Dimensions);
