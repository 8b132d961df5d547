using System.CommandLine;
using NativeStyle.Cli.Arguments;
using NativeStyle.Cli.Help;
using NativeStyle.Imaging;
using NativeStyle.Jobs;
using NativeStyle.Vgg.Weights;
using Spectre.Console;

namespace NativeStyle.Cli.Commands;

/// <summary><c>nativestyle weights info FILE</c>: tells what a weights file contains.</summary>
internal static class WeightsCommand
{
    public static Command Create()
    {
        var file = new Argument<string>("FILE")
        {
            Description = "A .mat, .npz, .npy, .h5, .pth or .safetensors file with VGG-16 or VGG-19, or 'compact'",
            CompletionSources = { CompactNetwork.Name },
        };
        var info = new ProgramCommand("info", "Tell a file's layers, format, conventions, mean and checksums.")
        {
            file,
        };
        info.SetAction(parsed => Info(parsed.GetValue(file)!));

        var source = new Argument<string>("FILE") { Description = "Weights in any format that can be read" };
        Option<string> output = Typed.Output("The file to write", "OUT.safetensors");
        Option<string?> convention = Typed.Convention();
        var convert = new ProgramCommand(
            "convert", "Write a file's convolutions as .safetensors: 80 MB instead of 550.",
            "The new file loads in milliseconds. Its metadata has the conventions and the source.")
        {
            source, output, convention,
        };
        convert.SetAction(
            parsed => Convert(parsed.GetValue(source)!, parsed.GetValue(output)!, parsed.GetValue(convention)));
        return new ProgramCommand("weights", "Download, inspect, convert and compress files of VGG weights.")
        {
            new DownloadCommand(), info, convert, new CompressCommand(),
        };
    }

    private static int Convert(string path, string output, string? conventionName)
    {
        WeightsLocator.Require(path);
        OutputFiles.Check(output, [".safetensors"], path);
        WeightsConvention? convention = conventionName is null ? null : WeightsConventions.Parse(conventionName);
        WeightsContents contents = WeightsFile.Describe(path);
        string[] layers = [.. contents.Architecture.Layers.Select(layer => layer.Name).Where(
            name => contents.Entries.Any(entry => entry.Layer == name))];
        VggWeights weights = WeightsFile.Load(path, layers, convention);
        string sha256 = WeightsFile.Identify(path).Sha256;
        AtomicFile.Write(output, stream => WeightsFile.Save(weights, stream, sha256));
        string reason = convention is null ? contents.ConventionReason : "by --weights-convention";
        Console.WriteLine(
            $"saved {output}, {new FileInfo(output).Length:n0} bytes: {weights.Layers.Count} convolutions of " +
            $"{weights.Architecture.Name}, " +
            $"from {WeightsConventions.NameOf(convention ?? contents.Convention)} ({reason})");
        return 0;
    }

    private static int Info(string path)
    {
        WeightsLocator.Require(path);
        WeightsContents contents = WeightsFile.Describe(path);
        WeightsIdentity identity = WeightsFile.Identify(path);
        var table = new Table().Border(TableBorder.Rounded).AddColumns("layer", "kernel", "bias");
        foreach (WeightsEntry entry in contents.Entries)
            table.AddRow(entry.Layer.EscapeMarkup(), Dimensions(entry.Filter), Dimensions(entry.Bias));
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
        if (path == CompactNetwork.Name) Console.WriteLine($"credit     {CompactNetwork.Credit}");
        Console.WriteLine($"published  {identity.PublishedAs ?? "no published checksum is known for this file"}");
        foreach ((string key, string value) in contents.Metadata) Console.WriteLine($"{key,-10} {value}");
        return 0;
    }

    private static string Dimensions(IReadOnlyList<int> dimensions) => string.Join(" x ", dimensions);
}
