using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using NativeStyle.Jobs;
using NativeStyle.Studio.Data;

namespace NativeStyle.Studio.Web;

/// <summary>The web server: Kestrel with nothing around it but the gate and the routes.</summary>
internal sealed class Server : IAsyncDisposable
{
    private const int MostConnections = 512;

    private readonly WebApplication _app;

    private Server(WebApplication app, string address) => (_app, Address) = (app, address);

    /// <summary>The address with its token.</summary>
    public string Address { get; }

    /// <summary>Starts to listen.</summary>
    /// <exception cref="UsageException">The host is unknown, or the port is taken.</exception>
    public static async Task<Server> Start(StudioOptions options, Routes routes)
    {
        IPAddress address = Resolve(options.Host);
        string host = address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any) ? Dns.GetHostName()
            : address.AddressFamily == AddressFamily.InterNetworkV6 ? $"[{address}]" : options.Host;
        var gate = new Gate(options.Host, host, options.ReadOnly);
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxConcurrentConnections = MostConnections;
            kestrel.Limits.MaxRequestBodySize = DataFolder.MostUploadBytes;
            kestrel.Listen(address, options.Port, listen => listen.Protocols = HttpProtocols.Http1);
        });
        builder.Services.AddRoutingCore();
        // The program answers signals itself.
        builder.Services.AddSingleton<IHostLifetime, NoLifetime>();
        WebApplication app = builder.Build();
        app.Use(next => context => gate.Pass(context, next));
        app.UseRouting();
        routes.Map(app);
        app.MapFallback(Answers.NotHere);
        try
        {
            await app.StartAsync();
        }
        catch (Exception refused) when (refused is IOException or SocketException)
        {
            await app.DisposeAsync();
            throw new UsageException(
                $"{options.Host} port {options.Port} cannot be used: {UserErrors.OneLine(refused.Message)}; choose " +
                "another --port, or 0 for any that is free");
        }

        gate.Port = new Uri(app.Urls.First()).Port;
        return new Server(app, $"http://{host}:{gate.Port}/?token={gate.Token}");
    }

    public async ValueTask DisposeAsync()
    {
        using var now = new CancellationTokenSource(TimeSpan.FromSeconds(0.2));
        await _app.StopAsync(now.Token);
        await _app.DisposeAsync();
    }

    private static IPAddress Resolve(string host)
    {
        if (IPAddress.TryParse(host.Trim('[', ']'), out IPAddress? address)) return address;
        try
        {
            return Dns.GetHostAddresses(host).FirstOrDefault()
                ?? throw new UsageException($"--host {host} has no address; give one, such as 127.0.0.1");
        }
        catch (SocketException unknown)
        {
            throw new UsageException(
                $"--host {host} is unknown ({unknown.Message}); give an address, such as 127.0.0.1");
        }
    }

    private sealed class NoLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
