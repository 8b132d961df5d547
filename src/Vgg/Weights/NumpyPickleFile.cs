namespace NativeStyle.Vgg.Weights;

/// <summary>
/// Reads vgg19.npy and vgg16.npy of tensorflow-vgg. Such a file is one object array with a pickled dictionary, layer
/// name to [kernel, bias], written by Python 2. Arrays are read from the file on demand.
/// </summary>
internal static class NumpyPickleFile
{
    /// <summary>Returns the arrays, named like conv1_1_W and conv1_1_b.</summary>
    /// <exception cref="InvalidDataException">
    /// The file is not such a file. The message does not name the file.
    /// </exception>
    public static IReadOnlyList<NamedArray> Read(string path)
    {
        using FileStream file = File.OpenRead(path);
        if (!NpyHeader.SkipObjectHeader(file))
        {
            throw new InvalidDataException(
                "is one array of numbers, expected the dictionary of arrays of tensorflow-vgg (vgg19.npy)");
        }

        object? value = new PickleReader(file).Read();
        // The pickle is the object array itself, whose only element is the dictionary.
        if (value is PickledArray { Data: List<object?> items }) value = items.Count == 1 ? items[0] : items;
        if (value is not Dictionary<string, object?> layers)
            throw new InvalidDataException("holds no dictionary of layers");
        var arrays = new List<NamedArray>();
        foreach ((string layer, object? content) in layers)
        {
            object?[]? pair = content as object?[] ?? (content as List<object?>)?.ToArray();
            if (pair is not [PickledArray kernel, PickledArray bias])
                throw new InvalidDataException($"has no kernel and bias for {layer}");
            arrays.Add(Named(path, layer + "_W", kernel));
            arrays.Add(Named(path, layer + "_b", bias));
        }

        return arrays;
    }

    private static NamedArray Named(string path, string name, PickledArray array) => new(name, array.Shape, () =>
    {
        NumberType type = array.Type?.Code switch
        {
            "f2" => NumberType.Float16,
            "f4" => NumberType.Float32,
            "f8" => NumberType.Float64,
            _ => throw new InvalidDataException(
                $"has {name} of type '{array.Type?.Code}', expected floating-point numbers"),
        };
        long count = NamedArray.Count(array.Shape);
        long bytes = array.Data switch
        {
            byte[] inline => inline.Length,
            FileSlice slice => slice.Length,
            _ => -1,
        };
        if (count > NamedArray.MaxElements || bytes != count * NumberReader.SizeOf(type))
        {
            throw new InvalidDataException(
                $"states the shape ({string.Join(", ", array.Shape)}) for {name}, "
                + $"which its {bytes:n0} bytes do not hold");
        }

        float[] values = new float[count];
        using Stream stream = array.Data is byte[] data ? new MemoryStream(data) : File.OpenRead(path);
        if (array.Data is FileSlice from) stream.Seek(from.Offset, SeekOrigin.Begin);
        NumberReader.Read(stream, count, type, array.Type.BigEndian, (i, value) => values[i] = (float)value);
        return array.FortranOrder ? NamedArray.FromFortran(values, array.Shape) : values;
    });
}
