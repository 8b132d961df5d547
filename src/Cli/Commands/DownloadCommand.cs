using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using NativeStyle.Cli.Arguments;
using NativeStyle.Cli.Help;
using NativeStyle.Jobs;
using NativeStyle.Style.Options;
using NativeStyle.Vgg.Weights;

namespace NativeStyle.Cli.Commands;

/// <summary>
/// <c>nativestyle weights download NETWORK</c>: downloads published weights to a folder where transfer finds them.
/// </summary>
internal sealed class DownloadCommand : ProgramCommand
{
    private static readonly string[] s_networks = [.. WeightsSource.All.Select(source => source.Network).Distinct()];

    private readonly Argument<string> _network = new("NETWORK")
    {
        Description = string.Join(" or ", s_networks), CompletionSources = { s_networks },
    };

    private readonly Option<string?> _from = new("--from")
    {
        Description = "Which published file: " +
            string.Join("; ", s_networks.Select(name => $"{name}: {string.Join(", ", NamesFor(name))}")),
        HelpName = "NAME", CompletionSources = { _ => s_networks.SelectMany(NamesFor).Distinct() },
    };

    private readonly Option<string?> _url = new("--url")
    {
        Description = "Another address of the same file; if --from names the file, its checksum must match",
        HelpName = "URL",
    };

    private readonly Option<string?> _output = new("--output", "-o")
    {
        Description = $"Where to put it (default: {string.Join(", or if there is none, ", WeightsLocator.Folders)})",
        HelpName = "FILE",
    };

    public DownloadCommand()
        : base(
            "download",
            "Download published weights, 80 MB (550 for files with fully connected layers).",
            """
            Puts them where 'transfer' finds them. The next download continues one that was interrupted. The file gets
            its name only when its size and checksum are right. Proxies: HTTPS_PROXY and so on.
            """)
    {
        Add(_network);
        Add(OptionGroup.Common, _from, _url, _output);
        SetAction(Run);
    }

    private int Run(ParseResult parsed)
    {
        WeightsSource source = Find(parsed.GetValue(_network)!, parsed.GetValue(_from), parsed.GetValue(_url));
        // The first signal keeps the downloaded part and says so.
        using Cancellation cancellation = new Cancellation().Keep();
        return DownloadAsync(source, parsed.GetValue(_output), cancellation.Token).GetAwaiter().GetResult();
    }

    private static WeightsSource Find(string network, string? from, string? url)
    {
        WeightsSource[] sources =
            [.. WeightsSource.All.Where(each => each.Network.Equals(network, StringComparison.OrdinalIgnoreCase))];
        if (sources.Length == 0)
            throw new UsageException($"there is no network '{network}'; there are {string.Join(", ", s_networks)}");

        WeightsSource source = sources.FirstOrDefault(
            each => from is null || each.Name.Equals(from, StringComparison.OrdinalIgnoreCase))
            ?? throw new UsageException(
                $"--from {from} is unknown for {network}; there are {string.Join(", ", NamesFor(sources[0].Network))}");
        if (url is null) return source;
        if (!Uri.TryCreate(url, UriKind.Absolute, out Uri? address) || address.Scheme is not ("http" or "https"))
            throw new UsageException($"--url {url} is no http or https address");
        // Without --from, any file will do if it can be read.
        return from is null ? new WeightsSource(network, "url", address, 0, "", "") : source with { Address = address };
    }

    private static IEnumerable<string> NamesFor(string network) =>
        WeightsSource.All.Where(source => source.Network == network).Select(source => source.Name);

    private static async Task<int> DownloadAsync(WeightsSource source, string? output, CancellationToken cancellation)
    {
        string target = output ?? Path.Combine(
            WeightsLocator.Folders.FirstOrDefault(Directory.Exists)
                ?? Directory.CreateDirectory(WeightsLocator.Folders[^1]).FullName,
            Path.GetFileName(source.Address.LocalPath));
        OutputFiles.RequireWritable(target);
        if (File.Exists(target))
            throw new UsageException($"{target} is there already; remove it first, or choose another --output");
        Console.WriteLine($"{source.Address} to {target}");
        var clock = Stopwatch.StartNew();
        long next = 0;
        var download = new WeightsDownload
        {
            Trouble = what => Console.WriteLine(what),
            Progress = progress =>
            {
                // A log gets a line every few seconds. A terminal gets one line that changes.
                bool terminal = !Console.IsOutputRedirected;
                if (!terminal && clock.ElapsedMilliseconds < next) return;
                next = clock.ElapsedMilliseconds + 5000;
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
            Console.WriteLine(
                $"\nended; the downloaded part stays in {target}.part, and the next download continues it");
            return Cancellation.ExitCode;
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
            // Only a file from an address without a published checksum can get here.
            File.Delete(target);
            throw new InvalidDataException($"{other.Message}; it was removed", other);
        }

        Console.WriteLine(
            $"\nsaved {target}: {contents.Format}, {contents.Architecture.Name}, {contents.Entries.Count} layers; " +
            "'weights convert' makes a smaller file from it");
        return 0;
    }
}
