using System.Text;
using System.Text.Json;
using System.Threading.Channels;
using NativeStyle.Studio.Data;

namespace NativeStyle.Studio.Web;

/// <summary>
/// Sends events to all pages that listen, as server-sent events (WHATWG HTML, 9.2). An event is encoded once, however
/// many listen.
/// </summary>
internal sealed class EventHub
{
    /// <summary>Pages that may listen at once.</summary>
    public const int MostWatchers = 256;

    /// <summary>Events that wait for a slow page. One that falls further behind is cut off, and comes again.</summary>
    private const int MostWaiting = 200;

    private readonly Lock _lock = new();
    private readonly HashSet<Channel<byte[]>> _watchers = [];

    /// <summary>How many listen.</summary>
    public int Watchers
    {
        get { lock (_lock) return _watchers.Count; }
    }

    /// <summary>Encodes an event.</summary>
    public static byte[] Encode(string name, object data) =>
        Encoding.UTF8.GetBytes($"event: {name}\ndata: {JsonSerializer.Serialize(data, StudioJson.Format)}\n\n");

    public void Send(string name, object data)
    {
        lock (_lock)
        {
            if (_watchers.Count == 0) return;
            byte[] bytes = Encode(name, data);
            foreach (Channel<byte[]> watcher in _watchers)
                if (!watcher.Writer.TryWrite(bytes)) watcher.Writer.TryComplete();
        }
    }

    /// <summary>Begins to listen; null if too many do.</summary>
    public Channel<byte[]>? Subscribe()
    {
        lock (_lock)
        {
            if (_watchers.Count >= MostWatchers) return null;
            Channel<byte[]> watcher = Channel.CreateBounded<byte[]>(MostWaiting);
            _watchers.Add(watcher);
            return watcher;
        }
    }

    public void Unsubscribe(Channel<byte[]> watcher)
    {
        lock (_lock) _watchers.Remove(watcher);
    }

    /// <summary>Ends all connections.</summary>
    public void Close()
    {
        lock (_lock)
            foreach (Channel<byte[]> watcher in _watchers) watcher.Writer.TryComplete();
    }
}
