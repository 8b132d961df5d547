using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using NativeStyle.Imaging;
using NativeStyle.Jobs;
using NativeStyle.Studio.Data;

namespace NativeStyle.Studio.Web;

/// <summary>Reads what requests bring, within limits, and writes answers.</summary>
internal static partial class Answers
{
    /// <summary>Bytes of JSON in a request.</summary>
    private const long MostJsonBytes = 64 << 10;

    /// <summary>Frames never change, so browsers may keep them.</summary>
    private const string Forever = "private, max-age=31536000, immutable";

    public static Task Json(HttpContext context, object value, int status = 200)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json; charset=utf-8";
        return context.Response.Body.WriteAsync(JsonSerializer.SerializeToUtf8Bytes(value, StudioJson.Format)).AsTask();
    }

    public static Task Jpeg(HttpContext context, byte[] bytes) => Bytes(context, bytes, "image/jpeg");

    public static Task Bytes(HttpContext context, byte[] bytes, string type)
    {
        context.Response.ContentType = type;
        return context.Response.Body.WriteAsync(bytes).AsTask();
    }

    /// <summary>Sends a file that never changes.</summary>
    public static async Task Frame(HttpContext context, string path)
    {
        byte[] bytes;
        try
        {
            bytes = await File.ReadAllBytesAsync(path, context.RequestAborted);
        }
        catch (IOException)
        {
            await NotHere(context);
            return;
        }

        context.Response.Headers.CacheControl = Forever;
        await Jpeg(context, bytes);
    }

    /// <summary>Answers that there is no such thing.</summary>
    public static Task NotHere(HttpContext context) =>
        Refuse(context, 404, "it is not here any more, or never was");

    /// <summary>Answers why something cannot be done: to people as a page, to the page as JSON.</summary>
    /// <param name="field">The setting that is wrong, if it is one.</param>
    public static Task Refuse(HttpContext context, int status, string why, string? field = null)
    {
        context.Response.StatusCode = status;
        bool isForPeople = context.Request.Path == "/";
        if (!isForPeople) return Json(context, new { error = why, field }, status);
        string page = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" " +
            "content=\"width=device-width\"><title>NativeStyle studio</title><h1>NativeStyle studio</h1>" +
            $"<p>{WebUtility.HtmlEncode(why)}.</p></html>";
        return Bytes(context, Encoding.UTF8.GetBytes(page), "text/html; charset=utf-8");
    }

    /// <summary>Runs what answers a request, and puts errors that users can mend into words.</summary>
    public static async Task Guard(HttpContext context, Func<Task> answer)
    {
        try
        {
            await answer();
        }
        catch (RefusedException refused)
        {
            await Refuse(context, 409, refused.Message);
        }
        catch (JsonException wrong)
        {
            string where = wrong.Path is { Length: > 2 } path ? $", at {path[2..]}" : "";
            await Refuse(context, 400, $"the request is not one that this studio understands{where}");
        }
        catch (BadHttpRequestException wrong)
        {
            await Refuse(context, wrong.StatusCode, Describe(context, wrong));
        }
        catch (PictureMemoryException)
        {
            await Refuse(
                context, 413, $"the picture has more than {DataFolder.MostPixels:n0} pixels; make it smaller");
        }
        catch (Exception wrong) when (UserErrors.IsUsers(wrong))
        {
            (string words, string? field) = Words(wrong);
            await Refuse(context, 400, words, field);
        }
        catch (Exception unforeseen) when (unforeseen is not OperationCanceledException && !context.Response.HasStarted)
        {
            Console.Error.WriteLine($"nativestyle: an error that nobody foresaw; please report it: {unforeseen}");
            await Refuse(context, 500, $"an error that nobody foresaw: {UserErrors.OneLine(unforeseen.Message)}");
        }
    }

    /// <summary>Reads JSON of a request.</summary>
    /// <exception cref="JsonException">It is none, or not of this kind.</exception>
    public static async Task<T> ReadJson<T>(HttpContext context)
    {
        if (context.Request.ContentType?.StartsWith("application/json", StringComparison.OrdinalIgnoreCase) != true)
            throw new BadHttpRequestException("expected application/json", StatusCodes.Status415UnsupportedMediaType);
        byte[] bytes = await ReadBytes(context, MostJsonBytes);
        return JsonSerializer.Deserialize<T>(bytes, StudioJson.Format) ?? throw new JsonException("it is empty");
    }

    /// <summary>Reads the body of a request, up to a limit.</summary>
    /// <exception cref="BadHttpRequestException">It is longer.</exception>
    public static async Task<byte[]> ReadBytes(HttpContext context, long most)
    {
        context.Features.GetRequiredFeature<IHttpMaxRequestBodySizeFeature>().MaxRequestBodySize = most;
        if (context.Request.ContentLength > most)
            throw new BadHttpRequestException("too long", StatusCodes.Status413PayloadTooLarge);
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body, context.RequestAborted);
        return body.ToArray();
    }

    private static string Describe(HttpContext context, BadHttpRequestException wrong)
    {
        if (wrong.StatusCode != StatusCodes.Status413PayloadTooLarge) return wrong.Message;
        return context.Request.Path == "/api/pictures"
            ? $"the file is larger than {DataFolder.MostUploadBytes >> 20} MiB; make the picture smaller"
            : "the request is too long";
    }

    /// <summary>Puts an error into words. Options of the command line are the settings of the page.</summary>
    private static (string Words, string? Field) Words(Exception wrong)
    {
        string words = UserErrors.Words(wrong);
        string? field = Leading().Match(words) is { Success: true } match ? match.Groups[1].Value : null;
        return (Option().Replace(words, "$1"), field);
    }

    [GeneratedRegex("^--([a-z0-9-]+) ")]
    private static partial Regex Leading();

    [GeneratedRegex("--([a-z0-9-]+)")]
    private static partial Regex Option();
}
