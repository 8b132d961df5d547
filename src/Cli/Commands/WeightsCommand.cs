using System.CommandLine;
using System.Globalization;
using NativeStyle.Cli.Arguments;
using NativeStyle.Cli.Help;
using NativeStyle.Imaging;
using NativeStyle.Vgg.Weights;
using Spectre.Console;

namespace NativeStyle.Cli.Commands;

/// <summary><c>nativestyle weights info FILE</c>: what a weights file is and holds.</summary>
internal static class WeightsCommand
{
    public static Command Create()
    {
        var file = new Argument<string>("FILE")
        {
            Description = "A .mat, .npz, .npy, .h5, .pth or .safetensors file with VGG-16 or VGG-19, or 'compact'",
        };
        var info = new ProgramCommand("info", "Tell of a file's layers, its format, conventions, mean and checksums.")
        {
            file,
        };
        info.SetAction(parsed => Info(parsed.GetValue(file)!));

        var source = new Argument<string>("FILE") { Description = "Weights in any format that can be read" };
        Option<string> output = Typed.Output("The file to write", "OUT.safetensors");
        Option<string?> convention = Typed.Convention();
        var convert = new ProgramCommand(
            "convert", "Write a file's convolutions as .safetensors: 80 MB instead of 550.",
            "It is loaded in milliseconds, and has the conventions and the source in its metadata.")
        {
            source, output, convention,
        };
        convert.SetAction(
            parsed => Convert(parsed.GetValue(source)!, parsed.GetValue(output)!, parsed.GetValue(convention)));
        return new ProgramCommand("weights", "Download, look into, convert and compress files of VGG weights.")
        {
            DownloadCommand(), info, convert, new CompressCommand(),
        };
    }

    private static ProgramCommand DownloadCommand()
    {
        string[] networks = [.. WeightsSource.All.Select(source => source.Network).Distinct()];
        var network = new Argument<string>("NETWORK") { Description = string.Join(" or ", networks) };
        IEnumerable<string> published = networks.Select(name => $"{name}: {string.Join(", ", NamesFor(name))}");
        var from = new Option<string?>("--from")
        {
            Description = "Which published file: " + string.Join("; ", published), HelpName = "NAME",
        };
        var url = new Option<string?>("--url")
        {
            Description =
                "Another address of the same file; its checksum stays the published one, where --from names it",
            HelpName = "URL",
        };
        var output = new Option<string?>("--output", "-o")
        {
            Description = $"Where to put it (default: {string.Join(", or if there is none ", WeightsLocator.Folders)})",
            HelpName = "FILE",
        };
        var download = new ProgramCommand(
            "download", "Download published weights, 80 MB (550 for files with fully connected layers).",
            """
            They go to where 'transfer' finds them. A download that was cut or ended is gone on with the next time; the
            file gets its name only when its size and checksum are right. Proxies: HTTPS_PROXY and so on.
            """)
        {
            network, from, url, output,
        };
        download.SetAction(parsed =>
        {
            using var cancellation = new CancellationTokenSource();
            Console.CancelKeyPress += (_, pressed) =>
            {
                // The first Ctrl-C keeps what is there and says so; a second one ends the program.
                pressed.Cancel = !cancellation.IsCancellationRequested;
                cancellation.Cancel();
            };
            return DownloadAsync(
                parsed.GetValue(network)!, parsed.GetValue(from), parsed.GetValue(url), parsed.GetValue(output),
                cancellation.Token).GetAwaiter().GetResult();
        });
        return download;
    }

    private static IEnumerable<string> NamesFor(string network) =>
        WeightsSource.All.Where(source => source.Network == network).Select(source => source.Name);

    private static async Task<int> DownloadAsync(
        string network, string? from, string? url, string? output, CancellationToken cancellation)
    {
        WeightsSource[] known =
            [.. WeightsSource.All.Where(each => each.Network.Equals(network, StringComparison.OrdinalIgnoreCase))];
        if (known.Length == 0)
        {
            IEnumerable<string> networks = WeightsSource.All.Select(each => each.Network).Distinct();
            throw new UsageException($"there is no network '{network}'; there are {string.Join(", ", networks)}");
        }

        WeightsSource source = known.FirstOrDefault(
            each => from is null || each.Name.Equals(from, StringComparison.OrdinalIgnoreCase))
            ?? throw new UsageException(
                $"--from {from} is unknown for {network}; there are {string.Join(", ", NamesFor(known[0].Network))}");
        if (url is not null)
        {
            if (!Uri.TryCreate(url, UriKind.Absolute, out Uri? address) || address.Scheme is not ("http" or "https"))
                throw new UsageException($"--url {url} is no http or https address");
            // Without --from it may be any file: only that it can be read is checked.
            source = from is null ? new WeightsSource(network, "url", address, 0, "", "")
                : source with { Address = address };
        }

        string target = output ?? Path.Combine(
            WeightsLocator.Folders.FirstOrDefault(Directory.Exists)
                ?? Directory.CreateDirectory(WeightsLocator.Folders[^1]).FullName,
            Path.GetFileName(source.Address.LocalPath));
        OutputFiles.RequireWritable(target);
        if (File.Exists(target))
            throw new UsageException($"{target} is there already; remove it first, or choose another --output");
        Console.WriteLine($"{source.Address} to {target}");
        var started = System.Diagnostics.Stopwatch.StartNew();
        long next = 0;
        var download = new WeightsDownload
        {
            Trouble = what => Console.WriteLine(what),
            Progress = progress =>
            {
                // A line now and then in a log, one that changes on a terminal.
                bool terminal = !Console.IsOutputRedirected;
                if (!terminal && started.ElapsedMilliseconds < next) return;
                next = started.ElapsedMilliseconds + 5000;
                string share = progress.Total > 0 ? string.Create(CultureInfo.InvariantCulture,
                    $" of {progress.Total >> 20} MiB, {100.0 * progress.Bytes / progress.Total:f0} %") : "";
                Console.Write($"{(terminal ? "\r" : "")}{progress.Bytes >> 20} MiB{share}{(terminal ? "   " : "\n")}");
            },
        };
        try
        {
            await download.RunAsync(source, target, cancellation);
        }
        catch (OperationCanceledException)
        {
            Console.WriteLine($"\nended; what is there stays in {target}.part and is gone on with the next time");
            return 130;
        }
        catch (HttpRequestException refused)
        {
            throw new IOException(
                $"{refused.Message}; try another --from, or --url with another address of the file", refused);
        }
        catch (InvalidDataException other)
        {
            throw new InvalidDataException($"{other.Message}; try another --from or --url", other);
        }

        WeightsContents contents;
        try
        {
            contents = WeightsFile.Describe(target);
        }
        catch (InvalidDataException other)
        {
            // Only an address without a known checksum comes here.
            File.Delete(target);
            throw new InvalidDataException($"{other.Message}; it was removed", other);
        }

        Console.WriteLine(
            $"\nsaved {target}: {contents.Format}, {contents.Architecture.Name}, {contents.Entries.Count} layers; " +
            "'weights convert' makes a small file of it");
        return 0;
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
        string reason = convention is null ? contents.ConventionReason : "as told";
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
        if (path == CompactNetwork.Name) Console.WriteLine($"credit     {CompactNetwork.Credit}");
        Console.WriteLine($"published  {identity.PublishedAs ?? "no published checksum is known for this file"}");
        foreach ((string key, string value) in contents.Metadata) Console.WriteLine($"{key,-10} {value}");
        return 0;
    }

    private static string Dimensions(IReadOnlyList<int> dimensions) => string.Join(" x ", dimensions);
}
