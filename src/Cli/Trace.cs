using System.Text.Json.Nodes;
using NativeStyle.Style;

namespace NativeStyle.Cli;

/// <summary>Writes a line of JSON after each iteration, so that readers can follow the run.</summary>
internal sealed class Trace : IDisposable
{
    private readonly StreamWriter _writer;

    private Trace(string path) => _writer = new StreamWriter(path) { AutoFlush = true };

    public static Trace? Open(string? path) => path is null ? null : new Trace(path);

    public void Write(IterationReport report)
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
        _writer.WriteLine(line.ToJsonString());
    }

    public void Dispose() => _writer.Dispose();
}
