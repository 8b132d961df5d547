using System.Globalization;
using System.Threading.Channels;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using NativeStyle.FeedForward;
using NativeStyle.Imaging;
using NativeStyle.Imaging.Png;
using NativeStyle.Jobs;
using NativeStyle.Studio.Data;
using NativeStyle.Studio.Work;

namespace NativeStyle.Studio.Web;

/// <summary>What the studio answers. Docs/studio.md lists the addresses.</summary>
/// <param name="about">What the page asks for first.</param>
internal sealed class Routes(
    About about, DataFolder folder, PictureStore pictures, JobQueue jobs, Looker looker, EventHub events) : IDisposable
{
    /// <summary>Seconds between signs of life. They find pages that went away.</summary>
    private const double Heartbeat = 15;

    private static readonly Dictionary<string, string> s_types = new()
    {
        ["png"] = "image/png", ["jpg"] = "image/jpeg", ["tif"] = "image/tiff",
    };

    private readonly SemaphoreSlim _uploads = new(1);

    public void Map(IEndpointRouteBuilder app)
    {
        Get("/", context => File(context, "index.html"));
        Get("/page/{**name}", context => File(context, Value(context, "name")));
        Get("/api/studio", context => Answers.Json(context, about.Now(folder)));
        Get("/api/events", Listen);
        Post("/api/pictures", AddPicture);
        Get("/api/pictures/{id}/thumbnail", context => ShowPicture(context, pictures.Thumbnail));
        Get("/api/pictures/{id}/view", context => ShowPicture(context, pictures.View));
        Get("/api/models/{name}/thumbnail", ShowModel);
        Get("/api/jobs", context => Answers.Json(
            context, new { jobs = jobs.All.Select(job => JobView.Of(job, pictures, whole: false)) }));
        Post("/api/jobs", async context =>
        {
            StudioJob job = jobs.Create(await Answers.ReadJson<JobRequest>(context));
            await Answers.Json(context, View(job), StatusCodes.Status201Created);
        });
        GetJob("", (context, job) => Answers.Json(context, View(job)));
        app.MapDelete("/api/jobs/{id}", context => Answers.Guard(context, () =>
        {
            if (jobs.Find(Value(context, "id")) is not { } job) return Answers.NotHere(context);
            jobs.Delete(job);
            context.Response.StatusCode = StatusCodes.Status204NoContent;
            return Task.CompletedTask;
        }));
        Act("pause", jobs.Pause);
        Act("continue", jobs.Continue);
        Act("stop", jobs.Stop);
        PostJob("change", async (context, job) =>
        {
            jobs.Change(job, await Answers.ReadJson<ChangeRequest>(context));
            await Answers.Json(context, View(job));
        });
        PostJob("explain", (context, job) =>
        {
            jobs.Explain(job);
            return Answers.Json(context, View(job), StatusCodes.Status202Accepted);
        });
        GetJob("/explain", ShowExplanation);
        GetJob("/frames/{n:int}", (context, job) =>
            job.Frames.Find(int.Parse(Value(context, "n"), CultureInfo.InvariantCulture)) is { } frame
                ? Answers.Frame(context, frame.Path) : Answers.NotHere(context));
        GetJob("/thumbnail", ShowThumbnail);
        GetJob("/result", Download);
        GetJob("/recipe", ShowRecipe);
        GetJob("/features", LookAt);

        void Get(string pattern, RequestDelegate answer) =>
            app.MapGet(pattern, context => Answers.Guard(context, () => answer(context)));

        void Post(string pattern, RequestDelegate answer) =>
            app.MapPost(pattern, context => Answers.Guard(context, () => answer(context)));

        void GetJob(string pattern, Func<HttpContext, StudioJob, Task> answer) =>
            Get($"/api/jobs/{{id}}{pattern}", context => ForJob(context, answer));

        void PostJob(string action, Func<HttpContext, StudioJob, Task> answer) =>
            Post($"/api/jobs/{{id}}/{action}", context => ForJob(context, answer));

        void Act(string action, Action<StudioJob> act) => PostJob(action, (context, job) =>
        {
            act(job);
            return Answers.Json(context, View(job));
        });
    }

    public void Dispose() => _uploads.Dispose();

    private JobView View(StudioJob job) => JobView.Of(job, pictures, whole: true);

    private Task ForJob(HttpContext context, Func<HttpContext, StudioJob, Task> answer) =>
        jobs.Find(Value(context, "id")) is { } job ? answer(context, job) : Answers.NotHere(context);

    private static Task File(HttpContext context, string name) => PageFiles.Find(name) is var (bytes, type)
        ? Answers.Bytes(context, bytes, type) : Answers.NotHere(context);

    private async Task Listen(HttpContext context)
    {
        if (events.Subscribe() is not { } watcher)
        {
            await Answers.Refuse(context, 503, $"{EventHub.MostWatchers} pages watch already; close some");
            return;
        }

        try
        {
            context.Response.ContentType = "text/event-stream";
            await Send(EventHub.Encode("hello", new { run = about.Run }));
            while (true)
            {
                using var quiet = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
                quiet.CancelAfter(TimeSpan.FromSeconds(Heartbeat));
                try
                {
                    await Send(await watcher.Reader.ReadAsync(quiet.Token));
                }
                catch (OperationCanceledException) when (!context.RequestAborted.IsCancellationRequested)
                {
                    await Send(": alive\n\n"u8.ToArray());
                }
            }
        }
        catch (Exception ended) when (ended is OperationCanceledException or ChannelClosedException or IOException)
        {
            // The page was closed, the studio ends, or the page was too slow.
        }
        finally
        {
            events.Unsubscribe(watcher);
        }

        async Task Send(byte[] bytes)
        {
            await context.Response.Body.WriteAsync(bytes, context.RequestAborted);
            await context.Response.Body.FlushAsync(context.RequestAborted);
        }
    }

    private async Task AddPicture(HttpContext context)
    {
        string name = context.Request.Query["name"].ToString();
        // One at a time: each may take the memory of a large picture.
        await _uploads.WaitAsync(context.RequestAborted);
        try
        {
            byte[] bytes = await Answers.ReadBytes(context, DataFolder.MostUploadBytes);
            await Answers.Json(context, pictures.Add(name, bytes), StatusCodes.Status201Created);
        }
        catch (InvalidDataException bad)
        {
            // The message follows a file's name.
            throw new UsageException($"{PictureStore.Plain(name)} {bad.Message}");
        }
        finally
        {
            _uploads.Release();
        }
    }

    private Task ShowPicture(HttpContext context, Func<StudioPicture, byte[]> copy) =>
        pictures.Find(Value(context, "id")) is { } picture
            ? Answers.Jpeg(context, copy(picture)) : Answers.NotHere(context);

    private Task ShowModel(HttpContext context)
    {
        string name = Value(context, "name");
        return Models.Names.Contains(name) ? Answers.Jpeg(context, looker.Drawing(name)) : Answers.NotHere(context);
    }

    private Task ShowThumbnail(HttpContext context, StudioJob job)
    {
        if (System.IO.File.Exists(job.Thumbnail))
            return Answers.Jpeg(context, System.IO.File.ReadAllBytes(job.Thumbnail));
        if (job.Frames.All is [.., var last] && job.Frames.Find(last.N) is { } frame)
            return Answers.Frame(context, frame.Path);
        return pictures.Find(job.Record.Request.Content) is { } content
            ? Answers.Jpeg(context, pictures.Thumbnail(content)) : Answers.NotHere(context);
    }

    private static Task ShowExplanation(HttpContext context, StudioJob job)
    {
        if (job.Record.Explain != ExplainState.Ready) return Answers.NotHere(context);
        context.Response.Headers.ContentSecurityPolicy = Gate.ExplainPolicy;
        return Answers.Bytes(context, System.IO.File.ReadAllBytes(job.ExplainPage), "text/html; charset=utf-8");
    }

    private Task Download(HttpContext context, StudioJob job)
    {
        string format = context.Request.Query["format"].ToString();
        if (!job.Record.HasResult || !s_types.TryGetValue(format, out string? type)) return Answers.NotHere(context);
        string content = Path.GetFileNameWithoutExtension(pictures.Find(job.Record.Request.Content)?.Name ?? "picture");
        var disposition = new Microsoft.Net.Http.Headers.ContentDispositionHeaderValue("attachment");
        disposition.SetHttpFileName($"{content}-{job.Record.Number}.{format}");
        context.Response.Headers.ContentDisposition = disposition.ToString();
        context.Response.ContentType = type;
        return context.Response.SendFileAsync(job.Result(format), context.RequestAborted);
    }

    private static Task ShowRecipe(HttpContext context, StudioJob job)
    {
        if (!job.Record.HasResult) return Answers.NotHere(context);
        IReadOnlyDictionary<string, string> texts = PngText.Read(job.Result("png"));
        string? recipe = texts.GetValueOrDefault("nativestyle") ?? texts.GetValueOrDefault("nativestyle-drawing");
        return recipe is null ? Answers.NotHere(context)
            : Answers.Bytes(context, System.Text.Encoding.UTF8.GetBytes(recipe), "application/json; charset=utf-8");
    }

    private Task LookAt(HttpContext context, StudioJob job)
    {
        string? path = job.Record.HasResult ? job.Result("png")
            : job.Frames.All is [.., var last] ? job.Frames.Find(last.N)?.Path : null;
        if (path is null) return Answers.NotHere(context);
        IQueryCollection query = context.Request.Query;
        bool hasPlace = double.TryParse(query["x"], CultureInfo.InvariantCulture, out double x)
            & double.TryParse(query["y"], CultureInfo.InvariantCulture, out double y)
            && x is >= 0 and <= 1 && y is >= 0 and <= 1;
        if (!hasPlace) throw new UsageException("x and y are shares of the picture, expected 0 to 1");
        return Answers.Json(context, looker.At(PictureFile.Open(path), x, y, query["layer"].ToString()));
    }

    /// <summary>Returns a part of the address; empty for one that takes the rest, where there is no rest.</summary>
    private static string Value(HttpContext context, string name) =>
        context.Request.RouteValues[name] as string ?? "";
}
