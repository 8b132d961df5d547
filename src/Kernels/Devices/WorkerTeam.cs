using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;

namespace NativeStyle.Kernels.Devices;

/// <summary>Does one part of a parallel loop.</summary>
/// <param name="part">The part's number.</param>
/// <param name="scratch">Memory that the part may use while it runs.</param>
internal unsafe delegate void PartBody(int part, float* scratch);

/// <summary>
/// A fixed team of threads, including the caller, that works through numbered parts. Chance decides which worker takes
/// a part, so a part's result must depend on its number alone: this makes every operator's bytes independent of the
/// timing.
/// </summary>
internal sealed unsafe class WorkerTeam : IDisposable
{
    /// <summary>
    /// How often a thread checks an event before it sleeps: for some hundred microseconds, so that the team stays awake
    /// from operator to operator. Waking it up would cost as much as a small operator takes.
    /// </summary>
    private const int SpinCount = 300;

    private readonly Thread[] _threads;
    private readonly ManualResetEventSlim[] _start;
    private readonly ManualResetEventSlim _done = new(false, SpinCount);
    private readonly Lock _lock = new();
    private readonly nint[] _scratch;
    private readonly long[] _scratchBytes;
    private PartBody? _body;
    private Exception? _fault;
    private int _next;
    private int _parts;
    private int _running;
    private bool _stop;

    [ThreadStatic]
    private static bool s_insidePart;

    public WorkerTeam(int size)
    {
        Size = size;
        _scratch = new nint[size];
        _scratchBytes = new long[size];
        _start = new ManualResetEventSlim[size];
        _threads = new Thread[size];
        for (int worker = 1; worker < size; worker++)
        {
            int id = worker;
            _start[id] = new ManualResetEventSlim(false, SpinCount);
            _threads[id] = new Thread(() => Work(id)) { IsBackground = true, Name = $"kernel worker {id}" };
            _threads[id].Start();
        }
    }

    /// <summary>Number of threads, including the caller.</summary>
    public int Size { get; }

    /// <summary>Runs <paramref name="body"/>(part, scratch) for every part below <paramref name="parts"/>.</summary>
    /// <param name="scratchFloats">As in <see cref="CpuDevice.Parallel(int, long, PartBody)"/>.</param>
    public void Run(int parts, long scratchFloats, PartBody body)
    {
        if (s_insidePart) throw new InvalidOperationException("a part of a parallel loop may not start another");
        // A size beyond all addresses is refused like one beyond the memory.
        long scratchBytes =
            scratchFloats > long.MaxValue / sizeof(float) ? long.MaxValue : scratchFloats * sizeof(float);
        lock (_lock)
        {
            _body = body;
            _parts = parts;
            _next = 0;
            _fault = null;
            int helpers = Math.Min(Size, parts) - 1;
            for (int worker = 0; worker <= helpers; worker++) Reserve(worker, scratchBytes);
            if (helpers > 0)
            {
                _done.Reset();
                _running = helpers;
                for (int worker = 1; worker <= helpers; worker++) _start[worker].Set();
            }

            TakeParts(0);
            if (helpers > 0) _done.Wait();
            _body = null;
            if (_fault is not null) ExceptionDispatchInfo.Throw(_fault);
        }
    }

    /// <summary>Bytes of all workers' scratch.</summary>
    public long ScratchBytes => _scratchBytes.Sum();

    public void Dispose()
    {
        _stop = true;
        for (int worker = 1; worker < Size; worker++)
        {
            _start[worker].Set();
            _threads[worker].Join();
            _start[worker].Dispose();
        }

        _done.Dispose();
        foreach (nint block in _scratch) NativeMemory.AlignedFree((void*)block);
    }

    private void Reserve(int worker, long bytes)
    {
        if (_scratchBytes[worker] >= bytes) return;
        NativeMemory.AlignedFree((void*)_scratch[worker]);
        // If the system refuses, the worker has no scratch: the next request asks again.
        (_scratch[worker], _scratchBytes[worker]) = (0, 0);
        _scratch[worker] = (nint)NativeMemory.AlignedAlloc((nuint)bytes, 64);
        _scratchBytes[worker] = bytes;
    }

    private void Work(int worker)
    {
        while (true)
        {
            _start[worker].Wait();
            _start[worker].Reset();
            if (_stop) return;
            TakeParts(worker);
            if (Interlocked.Decrement(ref _running) == 0) _done.Set();
        }
    }

    private void TakeParts(int worker)
    {
        s_insidePart = true;
        try
        {
            int part;
            while ((part = Interlocked.Increment(ref _next) - 1) < _parts) _body!(part, (float*)_scratch[worker]);
        }
        catch (Exception fault)
        {
            Interlocked.CompareExchange(ref _fault, fault, null);
            Volatile.Write(ref _next, int.MaxValue / 2);
        }
        finally
        {
            s_insidePart = false;
        }
    }
}
