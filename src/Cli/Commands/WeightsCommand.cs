using System.CommandLine;
using NativeStyle.Vgg.Weights;
using Spectre.Console;

namespace NativeStyle.Cli.Commands;

/// <summary><c>nativestyle weights info FILE</c>: what a weights file is and holds.</summary>
internal static class WeightsCommand
{
    public static Command Create()
    {
        var file = new Argument<string>("FILE") { Description = "A .mat or .npz file with VGG-16 or VGG-19" };
        var info = new Command("info", "Prints the table of a file's layers, its format, mean and checksums.") { file };
        info.SetAction(parsed => Info(parsed.GetValue(file)!));
        return new Command("weights", "Looks into files of VGG weights.") { info };
    }

    private static int Info(string path)
    {
        UserErrors.RequireFile(path, "VGG weights (.mat or .npz)");
        WeightsContents contents = WeightsFile.Describe(path);
        WeightsIdentity identity = WeightsFile.Identify(path);
        var table = new Table().Border(TableBorder.Rounded).AddColumns("layer", "kernel", "bias");
        foreach (WeightsEntry entry in contents.Entries)
            table.AddRow(entry.Layer.EscapeMarkup(), Dimensions(entry.Kernel), Dimensions(entry.Bias));
        AnsiConsole.Write(table);
        string mean = contents.Mean is null
            ? $"not in the file; taken as {string.Join(", ", VggWeights.CaffeMean)} (RGB 0..255, Caffe)"
            : $"{string.Join(", ", contents.Mean)} (RGB 0..255, from the file)";
        Console.WriteLine($"file       {path}, {identity.Bytes:n0} bytes");
        Console.WriteLine($"format     {contents.Format}, kernels (height, width, in, out)");
        Console.WriteLine($"network    {contents.Architecture.Name}");
        Console.WriteLine($"mean       {mean}");
        Console.WriteLine($"md5        {identity.Md5}");
        Console.WriteLine($"sha256     {identity.Sha256}");
        Console.WriteLine($"published  {identity.PublishedAs ?? "no published checksum is known for this file"}");
        return 0;
    }

    private static string Dimensions(IReadOnlyList<int> dimensions) => string.Join(" x ", dimensions);
}
