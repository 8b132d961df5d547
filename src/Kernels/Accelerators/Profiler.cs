using System.Diagnostics;

namespace NativeStyle.Kernels;

/// <summary>What an operator did for its time.</summary>
/// <param name="Flop">Floating-point operations of its textbook definition.</param>
/// <param name="Bytes">What has to be read and written at least: each input and output once.</param>
/// <param name="Saving">How many times fewer operations its algorithm makes: 4 for Winograd F(4x4, 3x3).</param>
public readonly record struct Work(double Flop, double Bytes, double Saving = 1);

/// <summary>One kind of call, summed up.</summary>
public sealed record ProfileEntry(string Operator, string Shape, int Calls, double Seconds, Work Work);

/// <summary>
/// Times the operators of an accelerator while it is set as <see cref="Accelerator.Profiler"/>: by the device's own clock
/// where it has one. Each call is waited for, so an asynchronous device runs slower than without.
/// </summary>
public sealed class Profiler
{
    private readonly Dictionary<(string, string), ProfileEntry> _entries = [];

    /// <summary>What ran, in the order of first calls; work is that of all calls.</summary>
    public IReadOnlyCollection<ProfileEntry> Entries => _entries.Values;

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

    /// <summary>The time from its making to its end; does nothing where there is no profiler.</summary>
    internal readonly ref struct Scope(Accelerator accelerator, string name, string shape, Work work)
    {
        private readonly long _start = Begin(accelerator);

        public void Dispose()
        {
            if (accelerator?.Profiler is not { } profiler) return;
            accelerator.Synchronize();
            double? onDevice = accelerator.TakeDeviceSeconds();
            profiler.Add(name, shape, work, onDevice ?? Stopwatch.GetElapsedTime(_start).TotalSeconds);
        }

        private static long Begin(Accelerator accelerator)
        {
            accelerator.Synchronize();
            accelerator.TakeDeviceSeconds();
            return Stopwatch.GetTimestamp();
        }
    }
}
