using System.Text;
using System.Text.Json.Nodes;
using NativeStyle.Style;

namespace NativeStyle.Jobs;

/// <summary>
/// Writes a line of JSON after each iteration, so that readers can follow the run. If a line cannot be written, the run
/// goes on without the rest of the lines.
/// </summary>
internal sealed class LossTrace : IDisposable
{
    private readonly string _path;
    private readonly FileStream _file;
    private readonly SideFiles _beside;
    private int? _firstMissing;

    private LossTrace(string path, SideFiles beside)
    {
        (_path, _beside) = (path, beside);
        // Without a buffer: a line is in the file, or it is refused at once.
        _file = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.Read, bufferSize: 0);
    }

    /// <param name="beside">Tells a failure, and counts it.</param>
    public static LossTrace? Open(string? path, SideFiles beside) => path is null ? null : new LossTrace(path, beside);

    public void Write(IterationReport report)
    {
        if (_firstMissing is null) _beside.Write("the trace", _path, () => Append(report));
    }

    /// <summary>Closes the file, and says whether lines are missing.</summary>
    public void Dispose()
    {
        _file.Dispose();
        if (_firstMissing is { } iteration)
            _beside.Warn($"{_path} lacks the iterations from {iteration} on");
    }

    private void Append(IterationReport report)
    {
        var line = new JsonObject
        {
            ["iteration"] = report.Iteration,
            ["height"] = report.Height,
            ["width"] = report.Width,
            ["loss"] = report.Loss,
            ["content"] = report.Content,
            ["style"] = report.Style,
            ["tv"] = report.Tv,
            ["seconds"] = Math.Round(report.Seconds, 6),
        };
        if (report.Stability > 0) line["stability"] = report.Stability;
        long end = _file.CanSeek ? _file.Position : 0;
        try
        {
            _file.Write(Encoding.UTF8.GetBytes(line.ToJsonString() + "\n"));
        }
        catch (IOException)
        {
            _firstMissing = report.Iteration;
            CutOff(end);
            throw;
        }
    }

    /// <summary>Takes half a line away.</summary>
    private void CutOff(long end)
    {
        try
        {
            _file.SetLength(end);
        }
        catch (Exception refused) when (refused is IOException or NotSupportedException)
        {
            // It is a pipe or a device.
        }
    }
}
