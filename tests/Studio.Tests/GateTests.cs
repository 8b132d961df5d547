using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace NativeStyle.Studio.Tests;

/// <summary>
/// Tests that strangers and other sites' pages get nothing, and what a studio takes from those who may ask.
/// </summary>
public sealed class GateTests(StudioFixture fixture) : IClassFixture<StudioFixture>
{
    private const string SmallJob =
        """{"kind":"transfer","content":"sample-town","styles":[{"picture":"sample-waves"}]}""";

    private RunningStudio Studio => fixture.Studio;

    [Theory]
    [InlineData("/?token=wrong")]
    [InlineData("/?token=")]
    [InlineData("/")]
    [InlineData("/page/studio.css")]
    [InlineData("/api/studio")]
    [InlineData("/api/events")]
    [InlineData("/nowhere")]
    public async Task AStrangerGetsNothing(string path)
    {
        using var stranger = new HttpClient { BaseAddress = new Uri(Studio.Origin) };
        using HttpResponseMessage answer = await stranger.GetAsync(path);
        Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
        Assert.Contains("address", await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.False(answer.Headers.Contains("Set-Cookie"));
    }

    [Fact]
    public async Task TheTokenBecomesACookieThatNoScriptReadsAndLeavesTheAddress()
    {
        using var handler = new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false };
        using var visitor = new HttpClient(handler);
        using HttpResponseMessage answer = await visitor.GetAsync(Studio.Address);
        Assert.Equal((HttpStatusCode.SeeOther, "/"), (answer.StatusCode, answer.Headers.Location?.ToString()));
        string cookie = answer.Headers.GetValues("Set-Cookie").Single();
        Assert.Contains("httponly", cookie, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("samesite=strict", cookie, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("domain", cookie, StringComparison.OrdinalIgnoreCase);
    }

    /// <summary>A name of another site may lead to this machine (DNS rebinding), with any port.</summary>
    [Theory]
    [InlineData("evil.example:{port}", false)]
    [InlineData("evil.example", false)]
    [InlineData("127.0.0.1:1", false)]
    [InlineData("127.0.0.1.evil.example:{port}", false)]
    [InlineData("192.168.0.1:{port}", false)]
    [InlineData("localhost:{port}", true)]
    [InlineData("127.0.0.1:{port}", true)]
    public async Task OnlyItsOwnHostIsAnswered(string host, bool isOwn)
    {
        string port = Studio.Address.Port.ToString(CultureInfo.InvariantCulture);
        HttpStatusCode status = await Status(
            HttpMethod.Get, "/api/jobs", ("Host", host.Replace("{port}", port, StringComparison.Ordinal)));
        Assert.Equal(isOwn ? HttpStatusCode.OK : HttpStatusCode.MisdirectedRequest, status);
    }

    [Theory]
    [InlineData("POST", "http://evil.example", null)]
    [InlineData("POST", "null", null)]
    [InlineData("POST", "https://127.0.0.1", null)]
    [InlineData("POST", null, null)]
    [InlineData("DELETE", null, null)]
    [InlineData("GET", "http://evil.example", null)]
    [InlineData("GET", null, "cross-site")]
    [InlineData("GET", null, "same-site")]
    [InlineData("POST", "own", "cross-site")]
    public async Task OtherSitesPagesAreRefused(string method, string? origin, string? site)
    {
        List<(string, string)> headers = [];
        if (origin is not null) headers.Add(("Origin", origin == "own" ? Studio.Origin : origin));
        if (site is not null) headers.Add(("Sec-Fetch-Site", site));
        Assert.Equal(
            HttpStatusCode.Forbidden, await Status(new HttpMethod(method), "/api/jobs/0123456789abcdef", [.. headers]));
    }

    [Fact]
    public async Task EveryAnswerHasAStrictPolicy()
    {
        foreach (string path in new[] { "/", "/page/js/app.js", "/api/jobs", "/nowhere" })
        {
            using HttpResponseMessage answer = await Studio.Visitor.GetAsync(path);
            string policy = answer.Headers.GetValues("Content-Security-Policy").Single();
            Assert.Contains("default-src 'none'", policy, StringComparison.Ordinal);
            Assert.DoesNotContain("unsafe", policy, StringComparison.Ordinal);
            Assert.Equal("nosniff", answer.Headers.GetValues("X-Content-Type-Options").Single());
            Assert.False(answer.Headers.Contains("Access-Control-Allow-Origin"));
        }
    }

    /// <summary>No text of a request becomes a path.</summary>
    [Theory]
    [InlineData("/api/pictures/..%2f..%2f..%2fetc%2fpasswd/thumbnail")]
    [InlineData("/api/pictures/%2fetc%2fpasswd/view")]
    [InlineData("/api/pictures/..%5c..%5cstudio.lock/view")]
    [InlineData("/api/pictures/studio.lock/view")]
    [InlineData("/api/pictures/../studio.lock/view")]
    [InlineData("/api/jobs/..%2f..%2fpictures/frames/0")]
    [InlineData("/api/jobs/{job}/frames/..%2fjob.json")]
    [InlineData("/api/jobs/{job}/frames/-1")]
    [InlineData("/api/jobs/{job}/frames/99999999999999999999")]
    [InlineData("/api/jobs/{job}/result?format=../job.json")]
    [InlineData("/api/jobs/{job}/result?format=ckpt")]
    [InlineData("/api/models/..%2f..%2fstudio/thumbnail")]
    [InlineData("/page/../../../../etc/passwd")]
    [InlineData("/page/..%2f..%2fstudio.lock")]
    [InlineData("/page/%2fetc%2fpasswd")]
    [InlineData("/page//etc/passwd")]
    [InlineData("/page/")]
    public async Task PathsLeadNowhere(string path)
    {
        string job = await fixture.Drawing();
        string answer = await Raw($"GET {path.Replace("{job}", job, StringComparison.Ordinal)} HTTP/1.1\r\n", "");
        Assert.StartsWith("HTTP/1.1 404 ", answer, StringComparison.Ordinal);
        Assert.DoesNotContain("root:", answer, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("../../../x.png", "x.png")]
    [InlineData("..\\..\\x.png", "x.png")]
    [InlineData("a\r\nSet-Cookie: b=c\u0000\u001b[2J.png", "aSet-Cookie: b=c[2J.png")]
    [InlineData("<img src=x onerror=alert(1)>.png", "<img src=x onerror=alert(1)>.png")]
    [InlineData("..", "picture")]
    [InlineData("", "picture")]
    public async Task HostileNamesBecomePlainOnes(string name, string plain)
    {
        using var content = new ByteArrayContent(await File.ReadAllBytesAsync(fixture.Content));
        using HttpResponseMessage answer =
            await Studio.Visitor.PostAsync($"/api/pictures?name={Uri.EscapeDataString(name)}", content);
        JsonElement picture = JsonDocument.Parse(await answer.Content.ReadAsStringAsync()).RootElement;
        Assert.Equal((HttpStatusCode.Created, plain), (answer.StatusCode, picture.GetProperty("name").GetString()));
        // Files are called by their ids.
        string id = picture.GetProperty("id").GetString()!;
        Assert.Matches("^[0-9a-f]{32}$", id);
        Assert.True(File.Exists(Path.Combine(Studio.Data, "pictures", id)));
        Assert.Equal(["content.png", "data", "style.jpg"], fixture.Names);
    }

    [Theory]
    [InlineData("text.png", "this is no picture", "text.png")]
    [InlineData("empty.png", "", "empty.png is empty")]
    [InlineData("page.html", "<!doctype html><script>alert(1)</script>", "page.html")]
    public async Task AFileThatIsNoPictureIsRefusedInWords(string name, string text, string words)
    {
        using var content = new StringContent(text);
        using HttpResponseMessage answer = await Studio.Visitor.PostAsync($"/api/pictures?name={name}", content);
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        string error = await Error(answer);
        Assert.StartsWith(words, error, StringComparison.Ordinal);
        Assert.Contains("expected a JPEG, PNG", error, StringComparison.Ordinal);
    }

    /// <summary>A few bytes that promise a picture of 60000 x 60000 pixels.</summary>
    [Fact]
    public async Task APictureOfTooManyPixelsIsRefusedBeforeItIsRead()
    {
        byte[] png = await File.ReadAllBytesAsync(fixture.Content);
        // Width and height of the header, and its checksum, which readers check.
        System.Buffers.Binary.BinaryPrimitives.WriteInt32BigEndian(png.AsSpan(16), 60000);
        System.Buffers.Binary.BinaryPrimitives.WriteInt32BigEndian(png.AsSpan(20), 60000);
        System.Buffers.Binary.BinaryPrimitives.WriteUInt32BigEndian(png.AsSpan(29), Crc(png.AsSpan(12, 17)));
        long before = Peak();
        using var content = new ByteArrayContent(png);
        using HttpResponseMessage answer = await Studio.Visitor.PostAsync("/api/pictures?name=bomb.png", content);
        Assert.InRange((int)answer.StatusCode, 400, 413);
        Assert.Contains("60000 x 60000 pixels", await Error(answer), StringComparison.Ordinal);
        Assert.InRange(Peak() - before, 0, 100 << 20);
    }

    [Fact]
    public async Task AnUploadOf200MegabytesIsRefusedInWordsWithoutReadingIt()
    {
        long before = Peak();
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/pictures?name=huge.png")
        {
            Content = new ByteArrayContent(new byte[200 << 20]),
        };
        request.Headers.ExpectContinue = true;
        using HttpResponseMessage answer = await Studio.Visitor.SendAsync(request);
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, answer.StatusCode);
        Assert.Contains("larger than 64 MiB", await Error(answer), StringComparison.Ordinal);
        Assert.InRange(Peak() - before, 0, 100 << 20);
    }

    /// <summary>A length that is not told is found out on the way.</summary>
    [Fact]
    public async Task AnUploadWithoutALengthEndsAtTheLimit()
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/pictures?name=huge.png")
        {
            Content = new StreamContent(new Zeros(200L << 20)),
        };
        request.Headers.TransferEncodingChunked = true;
        long before = Peak();
        try
        {
            using HttpResponseMessage answer = await Studio.Visitor.SendAsync(request);
            Assert.Equal(HttpStatusCode.RequestEntityTooLarge, answer.StatusCode);
        }
        catch (HttpRequestException)
        {
            // The server hung up while the rest was still coming.
        }

        Assert.InRange(Peak() - before, 0, 200 << 20);
        Assert.Equal(200, (await Studio.Get("/api/jobs")).Status);
    }

    [Theory]
    [InlineData("", 400, null, "not one that this studio understands")]
    [InlineData("[]", 400, null, "not one that this studio understands")]
    [InlineData("null", 400, null, "not one that this studio understands")]
    [InlineData("{\"kind\":\"transfer\"", 400, null, "not one that this studio understands")]
    [InlineData("{\"kind\":\"transfer\",\"content\":\"sample-town\",\"extra\":1}", 400, null, "extra")]
    [InlineData("{\"kind\":\"paint\",\"content\":\"sample-town\"}", 400, null, "kind")]
    [InlineData("{\"kind\":1,\"content\":\"sample-town\"}", 400, null, "kind")]
    [InlineData("{\"kind\":\"transfer\",\"content\":\"sample-town\"}", 400, null, "style")]
    [InlineData(
        "{\"kind\":\"transfer\",\"content\":\"../x\",\"styles\":[{\"picture\":\"sample-waves\"}]}", 400, null,
        "not here")]
    [InlineData("{\"kind\":\"transfer\",\"content\":\"sample-town\",\"styles\":[null]}", 400, null, "")]
    [InlineData("{\"kind\":\"stylize\",\"content\":\"sample-town\",\"model\":\"../x\"}", 400, "model", "unknown")]
    [InlineData(
        "{\"kind\":\"stylize\",\"content\":\"sample-town\",\"model\":\"mosaic\",\"settings\":{\"strength\":\"2\"}}",
        400, "strength", "")]
    [InlineData("SETTINGS{\"size\":\"-5\"}", 400, "size", "")]
    [InlineData("SETTINGS{\"style-weight\":\"much\"}", 400, "style-weight", "much")]
    [InlineData("SETTINGS{\"iterations\":\"0\"}", 400, "iterations", "")]
    [InlineData("SETTINGS{\"output\":\"/etc/passwd\"}", 400, "output", "no setting")]
    [InlineData("SETTINGS{\"init\":\"/etc/passwd\"}", 400, "init", "")]
    [InlineData("SETTINGS{\"size\":null}", 400, "size", "no value")]
    public async Task WrongRequestsAreRefusedInWords(string json, int status, string? field, string words)
    {
        const string mark = "SETTINGS";
        if (json.StartsWith(mark, StringComparison.Ordinal))
            json = $"{SmallJob[..^1]},\"settings\":{json[mark.Length..]}}}";
        (int answered, JsonElement answer) = await Studio.Post("/api/jobs", json);
        Assert.True(answered == status, $"{answered} {answer}");
        Assert.Equal(field, answer.GetProperty("field").GetString());
        string error = answer.GetProperty("error").GetString()!;
        Assert.Contains(words, error, StringComparison.Ordinal);
        Assert.DoesNotContain("NativeStyle", error, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error);
    }

    [Fact]
    public async Task RequestsOfOtherKindsOrTooLongAreRefused()
    {
        Assert.Equal(413, (await Studio.Post("/api/jobs", $"{SmallJob}{new string(' ', 70_000)}")).Status);
        using var text = new StringContent(SmallJob, Encoding.UTF8, "text/plain");
        using HttpResponseMessage answer = await Studio.Visitor.PostAsync("/api/jobs", text);
        Assert.Equal(HttpStatusCode.UnsupportedMediaType, answer.StatusCode);
        Assert.Equal(404, (await Studio.Post("/api/jobs/0123456789abcdef/pause")).Status);
        Assert.Equal(409, (await Studio.Post($"/api/jobs/{await fixture.Drawing()}/pause")).Status);
        Assert.Equal(409, (await Studio.Post($"/api/jobs/{await fixture.Drawing()}/continue")).Status);
        Assert.Equal(409, (await Studio.Post($"/api/jobs/{await fixture.Drawing()}/change")).Status);
        Assert.Equal(409, (await Studio.Post($"/api/jobs/{await fixture.Drawing()}/explain")).Status);
    }

    private async Task<HttpStatusCode> Status(
        HttpMethod method, string path, params (string Name, string Value)[] headers)
    {
        // Neither a cookie jar nor an Origin, but the cookie itself.
        using var client = new HttpClient(new SocketsHttpHandler { UseCookies = false });
        using var request = new HttpRequestMessage(method, Studio.Origin + path);
        request.Headers.Add("Cookie", Cookie);
        foreach ((string name, string value) in headers) request.Headers.TryAddWithoutValidation(name, value);
        if (method != HttpMethod.Get) request.Content = new StringContent("{}", Encoding.UTF8, "application/json");
        using HttpResponseMessage answer = await client.SendAsync(request);
        return answer.StatusCode;
    }

    /// <summary>Sends a request as it is, since clients tidy paths.</summary>
    private async Task<string> Raw(string firstLine, string headers)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, Studio.Address.Port);
        NetworkStream stream = client.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes(
            $"{firstLine}Host: 127.0.0.1:{Studio.Address.Port}\r\nCookie: {Cookie}\r\n" +
            $"Connection: close\r\n{headers}\r\n"));
        using var reader = new StreamReader(stream, Encoding.Latin1);
        return await reader.ReadToEndAsync();
    }

    private string Cookie => $"nativestyle-{Studio.Address.Port}={Studio.Address.Query["?token=".Length..]}";

    private long Peak()
    {
        Studio.Process.Refresh();
        return Studio.Process.PeakWorkingSet64;
    }

    private static async Task<string> Error(HttpResponseMessage answer) =>
        JsonDocument.Parse(await answer.Content.ReadAsStringAsync()).RootElement.GetProperty("error").GetString()!;

    /// <summary>The checksum of PNG (ISO 3309), bit by bit.</summary>
    private static uint Crc(ReadOnlySpan<byte> bytes)
    {
        uint crc = uint.MaxValue;
        foreach (byte value in bytes)
        {
            crc ^= value;
            for (int bit = 0; bit < 8; bit++) crc = (crc >> 1) ^ ((crc & 1) * 0xEDB88320);
        }

        return ~crc;
    }

    /// <summary>So many zeros.</summary>
    private sealed class Zeros(long length) : Stream
    {
        private long _left = length;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override int Read(byte[] buffer, int offset, int count)
        {
            int some = (int)Math.Min(_left, count);
            _left -= some;
            buffer.AsSpan(offset, some).Clear();
            return some;
        }

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
