namespace NativeStyle.Vgg.Weights;

/// <summary>A value of a MAT-file. Arrays are in column-major order: the first dimension varies fastest.</summary>
/// <param name="Dimensions">At least two.</param>
public abstract record MatValue(int[] Dimensions)
{
    /// <summary>Number of elements.</summary>
    public long Count => Dimensions.Aggregate(1L, (product, dimension) => product * dimension);
}

/// <summary>Numbers (the real part, where they are complex).</summary>
/// <param name="Values">Null where the reader was told to skip arrays of this kind.</param>
public sealed record MatNumbers(int[] Dimensions, float[]? Values) : MatValue(Dimensions);

/// <summary>A char array; its rows follow each other.</summary>
public sealed record MatText(int[] Dimensions, string Text) : MatValue(Dimensions);

/// <summary>A cell array.</summary>
public sealed record MatCell(int[] Dimensions, IReadOnlyList<MatValue> Cells) : MatValue(Dimensions);

/// <summary>A struct array: of each element its fields by name.</summary>
public sealed record MatStruct(int[] Dimensions, IReadOnlyList<IReadOnlyDictionary<string, MatValue>> Elements)
    : MatValue(Dimensions)
{
    /// <summary>A field of the first element, or null.</summary>
    public MatValue? this[string field] => Elements.Count > 0 ? Elements[0].GetValueOrDefault(field) : null;
}

/// <summary>A sparse matrix, object, function or anything else that no network is stored in; skipped.</summary>
public sealed record MatOther(int[] Dimensions, string Kind) : MatValue(Dimensions);
