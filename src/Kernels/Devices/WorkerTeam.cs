using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;

namespace NativeStyle.Kernels.Devices;

/// <summary>
/// A fixed team of threads, the caller among them, that works through numbered parts. Which worker takes a part is
/// left to chance, so a part's result must depend on its number alone: that is what makes every operator's bytes
/// independent of the timing.
/// </summary>
internal sealed unsafe class WorkerTeam : IDisposable
{
    /// <summary>
    /// Looks at an event before a thread goes to sleep: some hundred microseconds, so that the team stays awake from
    /// operator to operator, where waking it up would cost as much as a small operator takes.
    /// </summary>
    private const int SpinCount = 300;

    private readonly Thread[] _threads;
    private readonly ManualResetEventSlim[] _start;
    private readonly ManualResetEventSlim _done = new(false, SpinCount);
    private readonly Lock _lock = new();
    private readonly nint[] _scratch;
    private readonly long[] _scratchBytes;
    private Action<int, int>? _body;
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

    /// <summary>Threads, the caller included.</summary>
    public int Size { get; }

    /// <summary>Runs <paramref name="body"/>(part, worker) for every part below <paramref name="parts"/>.</summary>
    public void Run(int parts, Action<int, int> body)
    {
        if (s_insidePart) throw new InvalidOperationException("a part of a parallel loop may not start another");
        lock (_lock)
        {
            _body = body;
            _parts = parts;
            _next = 0;
            _fault = null;
            int helpers = Math.Min(Size, parts) - 1;
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

    /// <summary>Memory of a worker for the time of one part, on a cache line, undefined at first.</summary>
    public float* Scratch(int worker, long floats)
    {
        long bytes = floats * sizeof(float);
        if (_scratchBytes[worker] < bytes)
        {
            NativeMemory.AlignedFree((void*)_scratch[worker]);
            _scratch[worker] = 0;
            _scratch[worker] = (nint)NativeMemory.AlignedAlloc((nuint)bytes, 64);
            _scratchBytes[worker] = bytes;
        }

        return (float*)_scratch[worker];
    }

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
            while ((part = Interlocked.Increment(ref _next) - 1) < _parts) _body!(part, worker);
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
