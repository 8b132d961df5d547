using System.Net;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;

namespace NativeStyle.Studio.Web;

/// <summary>
/// Lets in only the person who started the studio. The address that it prints has a random token, which the first visit
/// turns into a cookie that no script reads and no other site sends. Other sites reach this machine through the
/// browser in two ways, and both are closed: by a name of theirs that leads here (DNS rebinding), because the Host must
/// be this server's, and by requests from their pages, because the Origin must be too.
/// </summary>
/// <param name="host">What the studio listens on.</param>
/// <param name="name">The host of the address that it prints.</param>
/// <param name="readOnly">Whether it only shows what is there.</param>
internal sealed class Gate(string host, string name, bool readOnly)
{
    private const string TokenName = "token";

    /// <summary>Everything that the page loads is its own; nothing else is allowed.</summary>
    private const string PagePolicy =
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; " +
        "font-src 'self'; media-src 'self' blob:; worker-src 'self'; frame-src 'self'; base-uri 'none'; " +
        "form-action 'none'; frame-ancestors 'none'";

    /// <summary>The page that explains has scripts and styles of its own in it, and gets no rights here.</summary>
    public const string ExplainPolicy =
        "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; " +
        "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    private readonly byte[] _token =
        Encoding.ASCII.GetBytes(WebEncoders.Base64UrlEncode(RandomNumberGenerator.GetBytes(32)));

    /// <summary>The port, once it is known.</summary>
    public int Port { get; set; }

    public string Token => Encoding.ASCII.GetString(_token);

    /// <summary>Cookies do not know of ports, so each studio of a machine has a name of its own for its own.</summary>
    private string CookieName => $"nativestyle-{Port}";

    public async Task Pass(HttpContext context, RequestDelegate next)
    {
        (HttpRequest request, HttpResponse response) = (context.Request, context.Response);
        IHeaderDictionary headers = response.Headers;
        headers.ContentSecurityPolicy = PagePolicy;
        headers.XContentTypeOptions = "nosniff";
        headers.XFrameOptions = "DENY";
        headers["Referrer-Policy"] = "no-referrer";
        headers["Cross-Origin-Opener-Policy"] = "same-origin";
        headers["Cross-Origin-Resource-Policy"] = "same-origin";
        headers["Permissions-Policy"] = "camera=(self), microphone=(), geolocation=()";
        headers.CacheControl = "no-store";
        if (!IsOwnHost(request.Host))
        {
            await Answers.Refuse(
                context, 421, $"this studio does not answer to {request.Host}; open the address that it printed");
            return;
        }

        if (request.Path == "/" && HttpMethods.IsGet(request.Method) && request.Query.ContainsKey(TokenName))
        {
            if (!IsToken(request.Query[TokenName]))
            {
                await Stranger(context);
                return;
            }

            response.Cookies.Append(CookieName, Token, new CookieOptions
            {
                HttpOnly = true, SameSite = SameSiteMode.Strict, Path = "/", IsEssential = true,
            });
            // The token leaves the address, and so the history.
            response.StatusCode = StatusCodes.Status303SeeOther;
            headers.Location = "/";
            return;
        }

        if (!IsToken(request.Cookies[CookieName]))
        {
            await Stranger(context);
            return;
        }

        bool onlyReads = HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method);
        string site = request.Headers["Sec-Fetch-Site"].ToString();
        bool isForeign = (site is "cross-site" or "same-site" && request.Path != "/")
            || (request.Headers.Origin.Count > 0 && request.Headers.Origin != $"http://{request.Host}");
        if (isForeign || (!onlyReads && request.Headers.Origin.Count == 0))
        {
            await Answers.Refuse(context, 403, "another site's page asked for this; only the studio's own may");
            return;
        }

        if (!onlyReads && readOnly)
        {
            await Answers.Refuse(context, 403, "this studio only shows what is there");
            return;
        }

        await next(context);
    }

    private static Task Stranger(HttpContext context) => Answers.Refuse(
        context, 401, "open the address that the studio printed when it started; it has a token for you");

    private bool IsToken(string? text) =>
        text is not null && CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(text), _token);

    /// <summary>
    /// Checks the host that the browser asked for. A name that leads here is not ours, unless the user named it; an
    /// address always is.
    /// </summary>
    private bool IsOwnHost(HostString asked)
    {
        if ((asked.Port ?? 80) != Port) return false;
        if (new[] { "localhost", host, name }.Contains(asked.Host, StringComparer.OrdinalIgnoreCase)) return true;
        return IPAddress.TryParse(asked.Host.Trim('[', ']'), out IPAddress? address)
            && (IPAddress.IsLoopback(address) || !IsLoopback(host));
    }

    /// <summary>Checks whether a host can only be reached from this machine.</summary>
    private static bool IsLoopback(string host) =>
        host.Equals("localhost", StringComparison.OrdinalIgnoreCase)
            || (IPAddress.TryParse(host.Trim('[', ']'), out IPAddress? address) && IPAddress.IsLoopback(address));
}
