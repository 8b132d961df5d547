using System.Diagnostics;
using NativeStyle.Kernels.Operators;

namespace NativeStyle.Kernels.Devices;

/// <summary>The total of one kind of call.</summary>
public sealed record ProfileEntry(string Operator, string Shape, int Calls, double Seconds, Work Work);

/// <summary>
/// Times the operators of a device while it is set as <see cref="ComputeDevice.Profiler"/>. It waits for each call to
/// finish, so an asynchronous device runs slower with it. An operator's time includes the operators that it calls.
/// </summary>
public sealed class Profiler
{
    private readonly Dictionary<(string, string), ProfileEntry> _entries = [];
    private int _depth;

    /// <summary>The kinds of calls, in the order of their first calls; the work is that of all calls.</summary>
    public IReadOnlyCollection<ProfileEntry> Entries => _entries.Values;

    /// <summary>Runs an operator and records its time, unless another operator called it.</summary>
    internal void Time(ComputeDevice device, string name, string shape, Work work, Action run)
    {
        if (_depth > 0)
        {
            run();
            return;
        }

        device.Synchronize();
        long start = Stopwatch.GetTimestamp();
        _depth++;
        try
        {
            run();
        }
        finally
        {
            _depth--;
        }

        device.Synchronize();
        Add(name, shape, work, Stopwatch.GetElapsedTime(start).TotalSeconds);
    }

    private void Add(string name, string shape, Work work, double seconds)
    {
        ProfileEntry before = _entries.GetValueOrDefault((name, shape)) ?? new ProfileEntry(name, shape, 0, 0, default);
        _entries[(name, shape)] = before with
        {
            Calls = before.Calls + 1,
            Seconds = before.Seconds + seconds,
            Work = new Work(before.Work.Flop + work.Flop, before.Work.Bytes + work.Bytes, work.Saving),
        };
    }
}
