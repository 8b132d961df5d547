using NativeStyle.Jobs;
using NativeStyle.Kernels.Devices;
using NativeStyle.Studio.Data;
using NativeStyle.Studio.Web;
using NativeStyle.Studio.Work;

namespace NativeStyle.Studio;

/// <summary>The studio as a whole.</summary>
internal static class StudioProgram
{
    /// <summary>Runs a studio until it is cancelled. What runs then goes on when the studio starts again.</summary>
    /// <param name="device">Computes the jobs. The studio does not dispose it.</param>
    /// <param name="ready">Receives the address with its token, when the studio answers.</param>
    /// <exception cref="UsageException">The folder, the host or the port cannot be used.</exception>
    public static void Run(
        StudioOptions options, ComputeDevice device, Action<string> ready, CancellationToken cancellation) =>
        RunAsync(options, device, ready, cancellation).GetAwaiter().GetResult();

    private static async Task RunAsync(
        StudioOptions options, ComputeDevice device, Action<string> ready, CancellationToken cancellation)
    {
        using var folder = new DataFolder(options.Folder);
        var pictures = new PictureStore(folder);
        var events = new EventHub();
        var preparation = new Preparation(options, folder, pictures);
        using var looker = new Looker(preparation, folder, pictures);
        using var jobs = new JobQueue(folder, pictures, preparation, device, events);
        var about = new About(options, preparation, device, pictures, looker);
        using var routes = new Routes(about, folder, pictures, jobs, looker, events);
        await using Server server = await Server.Start(options, routes);
        jobs.Start();
        ready(server.Address);
        var ended = new TaskCompletionSource();
        await using (cancellation.Register(ended.SetResult)) await ended.Task;
        events.Close();
    }
}
