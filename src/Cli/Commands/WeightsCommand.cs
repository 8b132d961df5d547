using System.CommandLine;
using NativeStyle.Imaging;
using NativeStyle.Vgg.Weights;
using Spectre.Console;

namespace NativeStyle.Cli.Commands;

/// <summary><c>nativestyle weights info FILE</c>: what a weights file is and holds.</summary>
internal static class WeightsCommand
{
    private const string Kinds = "VGG weights (.mat, .npz, .npy, .pth or .safetensors)";

    public static Command Create()
    {
        var file = new Argument<string>("FILE") { Description = "A .mat, .npz, .npy, .pth or .safetensors file with VGG-16 or VGG-19" };
        var info = new Command("info", "Prints the table of a file's layers, its format, conventions, mean and checksums.") { file };
        info.SetAction(parsed => Info(parsed.GetValue(file)!));

        var source = new Argument<string>("FILE") { Description = "Weights in any format that can be read" };
        var output = new Option<string>("--output", "-o") { Description = "The file to write", Required = true, HelpName = "OUT.safetensors" };
        var convention = new Option<string?>("--weights-convention") { Description = "What the first layer was trained on, if the file does not tell: rgb-255, bgr-255 or rgb-unit", HelpName = "NAME" };
        var convert = new Command(
            "convert",
            "Writes a file's convolutions as .safetensors: 80 MB instead of 550, loaded in milliseconds, with the conventions and\n" +
            "the source in its metadata.")
        {
            source, output, convention,
        };
        convert.SetAction(parsed => Convert(parsed.GetValue(source)!, parsed.GetValue(output)!, parsed.GetValue(convention)));
        return new Command("weights", "Looks into files of VGG weights, and converts them.") { info, convert };
    }

    private static int Convert(string path, string output, string? conventionName)
    {
        UserErrors.RequireFile(path, Kinds);
        if (!output.EndsWith(".safetensors", StringComparison.OrdinalIgnoreCase))
            throw new UsageException($"{output} has another extension than .safetensors, the format that is written");
        UserErrors.RequireWritable(output);
        if (Path.GetFullPath(path) == Path.GetFullPath(output)) throw new UsageException($"{output} is the input and would be overwritten; choose another name");
        WeightsConvention? convention = conventionName is null ? null : WeightsConventions.Parse(conventionName)
            ?? throw new UsageException($"--weights-convention {conventionName} is unknown, expected rgb-255, bgr-255 or rgb-unit");
        WeightsContents contents = WeightsFile.Describe(path);
        string[] layers = [.. contents.Architecture.Layers.Select(layer => layer.Name).Where(name => contents.Entries.Any(entry => entry.Layer == name))];
        VggWeights weights = WeightsFile.Load(path, layers, convention);
        string sha256 = WeightsFile.Identify(path).Sha256;
        AtomicFile.Write(output, stream => WeightsFile.Save(weights, stream, sha256));
        Console.WriteLine(
            $"saved {output}, {new FileInfo(output).Length:n0} bytes: {weights.Layers.Count} convolutions of {weights.Architecture.Name}, " +
            $"from {WeightsConventions.NameOf(convention ?? contents.Convention)} ({(convention is null ? contents.ConventionReason : "as told")})");
        return 0;
    }

    private static int Info(string path)
    {
        UserErrors.RequireFile(path, Kinds);
        WeightsContents contents = WeightsFile.Describe(path);
        WeightsIdentity identity = WeightsFile.Identify(path);
        var table = new Table().Border(TableBorder.Rounded).AddColumns("layer", "kernel", "bias");
        foreach (WeightsEntry entry in contents.Entries)
            table.AddRow(entry.Layer.EscapeMarkup(), Dimensions(entry.Kernel), Dimensions(entry.Bias));
        AnsiConsole.Write(table);
        string mean = contents.Convention == WeightsConvention.RgbUnit ? "torchvision's mean and deviation"
            : contents.Mean is null
            ? $"not in the file; taken as {string.Join(", ", VggWeights.CaffeMean)} (RGB 0..255, Caffe)"
            : $"{string.Join(", ", contents.Mean)} (RGB 0..255, from the file)";
        Console.WriteLine($"file       {path}, {identity.Bytes:n0} bytes");
        Console.WriteLine($"format     {contents.Format}, kernels {contents.KernelOrder}");
        Console.WriteLine($"network    {contents.Architecture.Name}");
        Console.WriteLine($"input      {WeightsConventions.NameOf(contents.Convention)}: {contents.ConventionReason}");
        Console.WriteLine($"mean       {mean}");
        Console.WriteLine($"md5        {identity.Md5}");
        Console.WriteLine($"sha256     {identity.Sha256}");
        Console.WriteLine($"published  {identity.PublishedAs ?? "no published checksum is known for this file"}");
        return 0;
    }

    private static string Dimensions(IReadOnlyList<int> dimensions) => string.Join(" x ", dimensions);
}
