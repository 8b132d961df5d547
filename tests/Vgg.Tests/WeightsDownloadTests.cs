using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using NativeStyle.Vgg.Weights;

namespace NativeStyle.Vgg.Tests;

/// <summary>Downloads from a server of this test that cuts connections, stalls, lies and damages data.</summary>
public class WeightsDownloadTests
{
    private static readonly byte[] s_file = MakeFile();

    [Fact]
    public async Task AFileArrivesWholeAndWithProgress()
    {
        using var server = new Server((request, stream) => Answer(stream, request.From));
        using var folder = new TemporaryFolder();
        List<DownloadProgress> progress = [];
        await Download(progress: progress.Add).RunAsync(server.Source(), folder.File("w.mat"), CancellationToken.None);
        Assert.Equal(s_file, File.ReadAllBytes(folder.File("w.mat")));
        Assert.False(File.Exists(folder.File("w.mat.part")));
        Assert.Equal(new DownloadProgress(s_file.Length, s_file.Length), progress[^1]);
    }

    /// <summary>Each connection breaks after a while, and the next one requests the rest.</summary>
    [Fact]
    public async Task ACutDownloadGoesOnWhereItWasCut()
    {
        List<long> starts = [];
        using var server = new Server((request, stream) =>
        {
            starts.Add(request.From);
            Answer(stream, request.From, sendAtMost: 70_000);
        });
        using var folder = new TemporaryFolder();
        List<string> troubles = [];
        await Download(trouble: troubles.Add).RunAsync(server.Source(), folder.File("w.mat"), CancellationToken.None);
        Assert.Equal(s_file, File.ReadAllBytes(folder.File("w.mat")));
        Assert.True(starts.Count >= 4 && starts[1] > 0, string.Join(", ", starts));
        Assert.Equal(starts.Order(), starts);
        Assert.Equal(starts.Count - 1, troubles.Count);
    }

    /// <summary>
    /// The download continues from the part that an earlier run left. A server without support for ranges sends
    /// everything.
    /// </summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task AnEarlierRunIsGoneOnWith(bool ranges)
    {
        long firstByte = -1;
        using var server = new Server((request, stream) =>
        {
            firstByte = request.From;
            Answer(stream, ranges ? request.From : 0);
        });
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder.File("w.mat.part"), s_file[..100_000]);
        await Download().RunAsync(server.Source(), folder.File("w.mat"), CancellationToken.None);
        Assert.Equal(100_000, firstByte);
        Assert.Equal(s_file, File.ReadAllBytes(folder.File("w.mat")));
    }

    [Fact]
    public async Task AStallEndsAfterAWhileAndIsTriedAgain()
    {
        int requests = 0;
        using var over = new ManualResetEventSlim();
        using var server = new Server((request, stream) =>
        {
            if (Interlocked.Increment(ref requests) > 1)
            {
                Answer(stream, request.From);
                return;
            }

            Answer(stream, request.From, sendAtMost: 50_000);
            stream.Flush();
            over.Wait();
        });
        using var folder = new TemporaryFolder();
        List<string> troubles = [];
        WeightsDownload download = Download(trouble: troubles.Add, patience: 1);
        await download.RunAsync(server.Source(), folder.File("w.mat"), CancellationToken.None);
        Assert.Equal(s_file, File.ReadAllBytes(folder.File("w.mat")));
        over.Set();
        // On a busy machine, the second answer can be late too.
        Assert.NotEmpty(troubles);
        Assert.All(troubles, trouble => Assert.Contains("said nothing", trouble, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("damaged", "SHA-256")]
    [InlineData("longer", "offers")]
    [InlineData("endless", "sends more")]
    public async Task WrongBytesAreRemovedAndNeverGetTheName(string kind, string words)
    {
        byte[] damaged = [.. s_file];
        damaged[123_456] ^= 1;
        using var server = new Server((request, stream) =>
        {
            if (kind == "damaged") Answer(stream, request.From, damaged);
            else if (kind == "longer") Answer(stream, request.From, [.. s_file, 1, 2, 3]);
            else AnswerWithoutEnd(stream);
        });
        using var folder = new TemporaryFolder();
        var error = await Assert.ThrowsAsync<InvalidDataException>(
            () => Download().RunAsync(server.Source(), folder.File("w.mat"), CancellationToken.None));
        Assert.Contains(words, error.Message, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(folder.Path));
    }

    /// <summary>The server states the whole length and sends only a part, again and again, without progress.</summary>
    [Fact]
    public async Task AServerThatGivesNothingIsGivenUpAndWhatIsThereStays()
    {
        using var server = new Server((request, stream) =>
            Answer(stream, request.From, sendAtMost: request.From == 0 ? 40_000 : 0));
        using var folder = new TemporaryFolder();
        var error = await Assert.ThrowsAsync<IOException>(
            () => Download().RunAsync(server.Source(), folder.File("w.mat"), CancellationToken.None));
        Assert.Contains("without a byte of progress", error.Message, StringComparison.Ordinal);
        Assert.Equal(s_file[..40_000], File.ReadAllBytes(folder.File("w.mat.part")));
        Assert.False(File.Exists(folder.File("w.mat")));
    }

    [Fact]
    public async Task ARefusalIsNotTriedAgain()
    {
        int requests = 0;
        using var server = new Server((_, stream) =>
        {
            Interlocked.Increment(ref requests);
            stream.Write("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"u8);
        });
        using var folder = new TemporaryFolder();
        var error = await Assert.ThrowsAsync<HttpRequestException>(
            () => Download().RunAsync(server.Source(), folder.File("w.mat"), CancellationToken.None));
        Assert.Contains("404", error.Message, StringComparison.Ordinal);
        Assert.Equal(1, requests);
    }

    [Fact]
    public void EveryNetworkHasAFileAndEveryFileACheck()
    {
        Assert.Equal(["vgg16", "vgg19"], WeightsSource.All.Select(source => source.Network).Distinct().Order());
        Assert.All(WeightsSource.All, source =>
            Assert.True(source.Bytes > 0 || source.Sha256.Length == 64 || source.Md5.Length == 32));
    }

    private static WeightsDownload Download(
        Action<DownloadProgress>? progress = null, Action<string>? trouble = null, double patience = 60) => new()
    {
        Patience = TimeSpan.FromSeconds(patience),
        Pause = TimeSpan.FromMilliseconds(2),
        Retries = 3,
        Progress = progress,
        Trouble = trouble,
    };

    private static byte[] MakeFile()
    {
        byte[] bytes = new byte[300_001];
        new Random(8).NextBytes(bytes);
        return bytes;
    }

    private static void Answer(Stream stream, long from, byte[]? file = null, int sendAtMost = int.MaxValue)
    {
        file ??= s_file;
        string range = from > 0
            ? $"206 Partial Content\r\nContent-Range: bytes {from}-{file.Length - 1}/{file.Length}"
            : "200 OK";
        string length = $"Content-Length: {file.Length - from}";
        stream.Write(Encoding.ASCII.GetBytes($"HTTP/1.1 {range}\r\n{length}\r\nConnection: close\r\n\r\n"));
        stream.Write(file, (int)from, (int)Math.Min(file.Length - from, sendAtMost));
    }

    private static void AnswerWithoutEnd(Stream stream)
    {
        stream.Write("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"u8);
        for (int i = 0; i < 100; i++) stream.Write(s_file);
    }

    private readonly record struct Request(long From);

    /// <summary>Serves one request per connection with the test's answer.</summary>
    private sealed class Server : IDisposable
    {
        private readonly TcpListener _listener = new(IPAddress.Loopback, 0);

        public Server(Action<Request, Stream> answer)
        {
            _listener.Start();
            _ = Task.Run(() =>
            {
                while (true)
                {
                    TcpClient client;
                    try
                    {
                        client = _listener.AcceptTcpClient();
                    }
                    catch (Exception stopped)
                        when (stopped is SocketException or ObjectDisposedException or InvalidOperationException)
                    {
                        return;
                    }

                    _ = Task.Run(() => Serve(client, answer));
                }
            });
        }

        public WeightsSource Source() => new(
            "vgg19",
            "test",
            new Uri($"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}/w.mat"),
            s_file.Length,
            Convert.ToHexStringLower(SHA256.HashData(s_file)),
            "");

        public void Dispose() => _listener.Stop();

        private static void Serve(TcpClient client, Action<Request, Stream> answer)
        {
            try
            {
                using NetworkStream stream = client.GetStream();
                var reader = new StreamReader(stream, Encoding.ASCII, false, 1024, leaveOpen: true);
                long from = 0;
                while (reader.ReadLine() is { Length: > 0 } line)
                {
                    if (line.StartsWith("Range: bytes=", StringComparison.OrdinalIgnoreCase))
                        from = long.Parse(line[13..].TrimEnd('-'), CultureInfo.InvariantCulture);
                }

                answer(new Request(from), stream);
            }
            catch (IOException)
            {
                // The client closed the connection.
            }
            finally
            {
                client.Dispose();
            }
        }
    }
}
