using System.Text;
using NativeStyle.Jobs;

namespace NativeStyle.Cli;

/// <summary>
/// Standard output or standard error for a run that must go on when nobody can read it any more: the disk of a log is
/// full, or the terminal is closed. What cannot be written is dropped, and the first reason is kept. .NET itself drops
/// what is written to a closed pipe.
/// </summary>
internal sealed class SafeOutput(Stream inner) : Stream
{
    /// <summary>Why something could not be written; null if everything was.</summary>
    public string? Failure { get; private set; }

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>Puts itself between the program and the console.</summary>
    /// <returns>Standard output.</returns>
    public static SafeOutput Install()
    {
        var output = new SafeOutput(Console.OpenStandardOutput());
        Console.SetOut(output.Writer(Console.Out.Encoding));
        Console.SetError(new SafeOutput(Console.OpenStandardError()).Writer(Console.Error.Encoding));
        return output;
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        if (Failure is not null) return;
        try
        {
            inner.Write(buffer);
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException or ArgumentException)
        {
            Failure = UserErrors.OneLine(refused.Message);
        }
    }

    public override void Flush()
    {
        // The console keeps nothing back.
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    private StreamWriter Writer(Encoding encoding) => new(this, encoding) { AutoFlush = true };
}
