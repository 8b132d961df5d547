using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;

namespace NativeStyle.Vgg.Weights;

/// <summary>A published file of weights.</summary>
/// <param name="Network">vgg19 or vgg16.</param>
/// <param name="Name">The value of <c>--from</c> that selects it.</param>
/// <param name="Address">The address where it is published.</param>
/// <param name="Bytes">Its size, or 0 if that is unknown.</param>
/// <param name="Sha256">Its SHA-256, or empty if that is unknown.</param>
/// <param name="Md5">Its MD5, or empty if that is unknown.</param>
public sealed record WeightsSource(string Network, string Name, Uri Address, long Bytes, string Sha256, string Md5)
{
    private const string Keras = "https://github.com/fchollet/deep-learning-models/releases/download/v0.1/";
    private const string MatConvNet = "https://www.vlfeat.org/matconvnet/models/";
    private const string Torchvision = "https://download.pytorch.org/models/";

    /// <summary>The published files. The first of a network is the recommended one.</summary>
    public static IReadOnlyList<WeightsSource> All { get; } =
    [
        new("vgg19", "keras", new(Keras + "vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5"), 80_134_624,
            "", "253f8cb515780f3b799900260a226db6"),
        new("vgg19", "matconvnet", new(MatConvNet + "imagenet-vgg-verydeep-19.mat"), 534_904_783,
            "abdb57167f82a2a1fbab1e1c16ad9373411883f262a1a37ee5db2e6fb0044695", "106118b7cf60435e6d8e04f6a6dc3657"),
        new("vgg19", "matconvnet-beta16", new(MatConvNet + "beta16/imagenet-vgg-verydeep-19.mat"), 0,
            "", "8ee3263992981a1d26e73b3ca028a123"),
        // torchvision's file names end with the first eight digits of the SHA-256.
        new("vgg19", "torchvision", new(Torchvision + "vgg19-dcbb9e9d.pth"), 574_673_361,
            "dcbb9e9dad569fff7a846263a77324fc34978fea2bfb039c012d710e1776ae44", ""),
        new("vgg16", "keras", new(Keras + "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5"), 58_889_256,
            "", "6d6bbae143d832006294945121d1f1fc"),
        new("vgg16", "frossard", new("https://www.cs.toronto.edu/~frossard/vgg16/vgg16_weights.npz"), 553_436_134,
            "", ""),
        new("vgg16", "torchvision", new(Torchvision + "vgg16-397923af.pth"), 0,
            "397923af8e79cdbb6a7127f12361acd7a2f83e06b05044ddf496e83de57a5bf0", ""),
    ];
}

/// <summary>The progress of a download.</summary>
/// <param name="Bytes">The bytes received so far.</param>
/// <param name="Total">The bytes in all, or 0 if the server does not state them.</param>
public readonly record struct DownloadProgress(long Bytes, long Total);

/// <summary>
/// Downloads a file reliably. The received part is kept next to the target as .part, and the download continues from
/// it. It is tried again after a cut or a stall. The file gets its name only when its size and checksum are right.
/// Proxies are read from the environment (HTTPS_PROXY and so on).
/// </summary>
public sealed class WeightsDownload
{
    /// <summary>How long to wait for a silent server.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>How often to try again without a byte of progress.</summary>
    public int Retries { get; init; } = 5;

    /// <summary>How long to wait before the first retry. The pause doubles each time.</summary>
    public TimeSpan Pause { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Called about ten times a second.</summary>
    public Action<DownloadProgress>? Progress { get; init; }

    /// <summary>Called before each retry with a description of what went wrong.</summary>
    public Action<string>? Trouble { get; init; }

    /// <summary>Downloads <paramref name="source"/> as <paramref name="target"/>.</summary>
    /// <exception cref="InvalidDataException">
    /// The bytes are not those of the published file. They are removed.
    /// </exception>
    /// <exception cref="IOException">
    /// The server cannot be reached, or keeps cutting the connection. The received part is kept for the next try.
    /// </exception>
    public async Task RunAsync(WeightsSource source, string target, CancellationToken cancellation)
    {
        string part = target + ".part";
        using var client = new HttpClient { Timeout = Timeout.InfiniteTimeSpan };
        int failures = 0;
        while (true)
        {
            long before = Length(part);
            try
            {
                if (await FetchAsync(client, source, part, cancellation)) break;
                throw new IOException("the connection was cut");
            }
            catch (InvalidDataException)
            {
                File.Delete(part);
                throw;
            }
            catch (Exception trouble) when (IsTemporary(trouble, cancellation))
            {
                string what = trouble is OperationCanceledException
                    ? $"the server said nothing for {Patience.TotalSeconds:f0} seconds"
                    : trouble.Message;
                failures = Length(part) > before ? 0 : failures + 1;
                if (failures > Retries)
                {
                    throw new IOException(
                        $"{source.Address} failed {failures} times without a byte of progress: {what}; "
                        + $"{Length(part):n0} bytes are kept in {part} for the next try",
                        trouble);
                }

                Trouble?.Invoke($"{what}; trying again from byte {Length(part):n0}");
                await Task.Delay(Pause * Math.Pow(2, failures), cancellation);
            }
        }

        try
        {
            Check(source, part);
        }
        catch (InvalidDataException)
        {
            File.Delete(part);
            throw;
        }

        File.Move(part, target, overwrite: true);
    }

    /// <summary>Whether it is worth trying again after an exception.</summary>
    private static bool IsTemporary(Exception trouble, CancellationToken cancellation) =>
        !cancellation.IsCancellationRequested
        && trouble is IOException or HttpRequestException { StatusCode: null } or OperationCanceledException
            or HttpRequestException { StatusCode: >= HttpStatusCode.InternalServerError };

    /// <summary>Makes one request, and returns whether the file is complete.</summary>
    private async Task<bool> FetchAsync(
        HttpClient client, WeightsSource source, string part, CancellationToken cancellation)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        patience.CancelAfter(Patience);
        using var request = new HttpRequestMessage(HttpMethod.Get, source.Address);
        long received = Length(part);
        if (received > 0) request.Headers.Range = new RangeHeaderValue(received, null);
        using HttpResponseMessage response =
            await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, patience.Token);
        HttpContentHeaders headers = response.Content.Headers;
        if (received > 0 && response.StatusCode == HttpStatusCode.RequestedRangeNotSatisfiable)
        {
            // Nothing follows the received part: either it is the whole file, or a part of another file.
            if (headers.ContentRange?.Length == received) return true;
            File.Delete(part);
            return false;
        }

        if (!response.IsSuccessStatusCode)
        {
            throw new HttpRequestException(
                $"{source.Address} answered {(int)response.StatusCode} {response.ReasonPhrase}",
                null,
                response.StatusCode);
        }

        bool continues = response.StatusCode == HttpStatusCode.PartialContent;
        if (continues && headers.ContentRange?.From != received)
            throw new IOException("the server sent another part than it was asked for");
        if (!continues) received = 0;
        long total = continues ? headers.ContentRange?.Length ?? 0 : headers.ContentLength ?? 0;
        if (source.Bytes > 0 && total > 0 && total != source.Bytes)
        {
            throw new InvalidDataException(
                $"{source.Address} offers {total:n0} bytes, the published file has {source.Bytes:n0}: "
                    + "it is another file");
        }

        using FileStream file = new(part, continues ? FileMode.Append : FileMode.Create, FileAccess.Write);
        await using Stream body = await response.Content.ReadAsStreamAsync(patience.Token);
        byte[] chunk = new byte[1 << 17];
        long shown = 0;
        while (true)
        {
            patience.CancelAfter(Patience);
            int read = await body.ReadAsync(chunk, patience.Token);
            if (read == 0) break;
            await file.WriteAsync(chunk.AsMemory(0, read), patience.Token);
            received += read;
            if (Stopwatch.GetElapsedTime(shown).TotalMilliseconds >= 100)
            {
                shown = Stopwatch.GetTimestamp();
                Progress?.Invoke(new DownloadProgress(received, Math.Max(total, source.Bytes)));
            }

            // A server that never stops sending must not fill the disk.
            long most = source.Bytes > 0 ? source.Bytes : total > 0 ? total : 4L << 30;
            if (received > most)
            {
                throw new InvalidDataException(
                    $"{source.Address} sends more than the {most:n0} bytes that it should; the rest was not read");
            }
        }

        Progress?.Invoke(new DownloadProgress(received, Math.Max(total, source.Bytes)));
        long expected = source.Bytes > 0 ? source.Bytes : total;
        return expected == 0 || received == expected;
    }

    private static void Check(WeightsSource source, string part)
    {
        WeightsIdentity actual = WeightsFile.Identify(part);
        string? wrong = null;
        if (source.Bytes > 0 && actual.Bytes != source.Bytes)
            wrong = $"has {actual.Bytes:n0} bytes, expected {source.Bytes:n0}";
        else if (source.Sha256.Length > 0 && actual.Sha256 != source.Sha256)
            wrong = $"has the SHA-256 {actual.Sha256}, expected {source.Sha256}";
        else if (source.Md5.Length > 0 && actual.Md5 != source.Md5)
            wrong = $"has the MD5 {actual.Md5}, expected {source.Md5}";
        if (wrong is not null)
        {
            throw new InvalidDataException(
                $"what {source.Address} sent {wrong}: it was damaged on the way or is another file, "
                + "and was removed; try again");
        }
    }

    private static long Length(string file) => File.Exists(file) ? new FileInfo(file).Length : 0;
}
