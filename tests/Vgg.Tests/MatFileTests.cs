using System.Globalization;
using NativeStyle.Vgg.Weights;

namespace NativeStyle.Vgg.Tests;

public class MatFileTests
{
    /// <summary>
    /// Compares files that MATLAB 5 to 8 wrote on several platforms with what scipy reads (make_mat_dump.py).
    /// </summary>
    [SkippableFact]
    public void ReadsMatlabsFilesAsScipyReadsThem()
    {
        string folder = TestData.Path("mat");
        string[] lines = File.ReadAllLines(Path.Combine(AppContext.BaseDirectory, "Fixtures", "mat_dump.txt"));
        Assert.True(lines.Length >= 60);
        foreach (string[] parts in lines.Select(line => line.Split('\t', 2)))
            Assert.Equal((parts[0], parts[1]), (parts[0], Dump(Path.Combine(folder, parts[0]))));
    }

    [SkippableTheory]
    [InlineData("testhdf5_7.4_GLNX86.mat", "7.3")]
    [InlineData("testvec_4_GLNX86.mat", "too short")]
    [InlineData("test_mat4_le_floats.mat", "too short")]
    public void OtherVersionsAreRefusedWithTheReason(string name, string reason)
    {
        string file = TestData.Path("mat", name);
        var error = Assert.Throws<InvalidDataException>(() => Dump(file));
        Assert.StartsWith(file, error.Message, StringComparison.Ordinal);
        Assert.Contains(reason, error.Message, StringComparison.Ordinal);
    }

    private static string Dump(string file)
    {
        var variables = new SortedDictionary<string, List<MatValue>>(StringComparer.Ordinal);
        MatFile.Read(file, _ => true, (name, value) =>
        {
            if (!variables.TryGetValue(name, out List<MatValue>? values)) variables[name] = values = [];
            values.Add(value);
            return true;
        });
        // The reader passes the cells of a top-level cell array one by one, without its dimensions.
        return string.Join("; ", variables.Select(variable => $"{variable.Key}: " + (IsCell(file, variable.Key)
            ? $"cell {CellDimensions(file, variable.Value.Count)} {{{string.Join(", ", variable.Value.Select(Words))}}}"
            : Words(variable.Value.Single()))));
    }

    private static bool IsCell(string file, string variable)
    {
        bool cells = Path.GetFileName(file).Contains("cell", StringComparison.Ordinal);
        return variable == "strings" || (cells && variable is not ("floats" or "s"));
    }

    /// <summary>All of these files have rows, except for the column of strings in the endian ones.</summary>
    private static string CellDimensions(string file, int count) =>
        Path.GetFileName(file).EndsWith("endian.mat", StringComparison.Ordinal) ? $"{count}x1" : $"1x{count}";

    private static string Words(MatValue value)
    {
        string dimensions = string.Join("x", value.Dimensions);
        return value switch
        {
            MatNumbers numbers => $"numbers {dimensions} {{{string.Join(" ", numbers.Values!.Select(Number))}}}",
            MatText text => $"text {dimensions} '{text.Text.Replace("\n", "\\n", StringComparison.Ordinal)}'",
            MatCell cell => $"cell {dimensions} {{{string.Join(", ", cell.Cells.Select(Words))}}}",
            MatStruct array => $"struct {dimensions} {{{string.Join(" ; ", array.Elements.Select(Fields))}}}",
            _ => "other",
        };
    }

    private static string Fields(IReadOnlyDictionary<string, MatValue> element) =>
        string.Join(", ", element.Select(field => $"{field.Key} = {Words(field.Value)}"));

    private static string Number(float value) => value.ToString("G6", CultureInfo.InvariantCulture).ToLowerInvariant();
}
