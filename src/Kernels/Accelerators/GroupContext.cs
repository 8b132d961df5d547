using System.Runtime.InteropServices;

namespace NativeStyle.Kernels;

/// <summary>What the work items of one group share: where they are in the grid, memory, and the barrier.</summary>
internal sealed unsafe class GroupContext(KernelConfig config) : IDisposable
{
    private readonly List<(nint Address, nuint Bytes)> _shared = [];
    private readonly object _lock = new();
    private readonly int _size = checked((int)config.GroupDim.Size);
    private int _waiting;
    private int _ended;
    private int _generation;

    public KernelConfig Config => config;

    public Index3D Index { get; private set; }

    /// <summary>The first exception of a work item; set, it ends all the others at their next barrier.</summary>
    public Exception? Fault { get; private set; }

    public void MoveTo(long group)
    {
        Index = Index3D.FromLinear(config.GridDim, group);
        _waiting = _ended = 0;
        // Nothing of the last group may be seen by the next: all bits set is NaN in floats, -1 in integers.
        foreach ((nint address, nuint bytes) in _shared) NativeMemory.Fill((void*)address, bytes, 0xFF);
    }

    public void* Shared(int ordinal, nuint bytes)
    {
        lock (_lock)
        {
            if (ordinal == _shared.Count)
            {
                void* memory = NativeMemory.AlignedAlloc(bytes, 64);
                NativeMemory.Fill(memory, bytes, 0xFF);
                _shared.Add(((nint)memory, bytes));
            }

            return (void*)_shared[ordinal].Address;
        }
    }

    public void Barrier()
    {
        lock (_lock)
        {
            ThrowIfFaulted();
            int generation = _generation;
            _waiting++;
            if (_waiting + _ended == _size)
            {
                Release();
                ThrowIfFaulted();
                return;
            }

            while (generation == _generation) Monitor.Wait(_lock);
            ThrowIfFaulted();
        }
    }

    /// <summary>Called by each work item at its end, with its exception if it had one.</summary>
    public void End(Exception? fault)
    {
        lock (_lock)
        {
            _ended++;
            if (fault is not null && fault is not GroupEndedException) Fault ??= fault;
            if (_waiting > 0 && (_waiting + _ended == _size || Fault is not null)) Release();
        }
    }

    public void Dispose()
    {
        foreach ((nint address, _) in _shared) NativeMemory.AlignedFree((void*)address);
        _shared.Clear();
    }

    private void Release()
    {
        if (_ended > 0)
        {
            Fault ??= new InvalidOperationException(
                $"divergent barrier: {_waiting} of the group's {_size} work items wait at Group.Barrier(), " +
                $"{_ended} ended without coming there; a barrier must be reached by all or by none");
        }

        _waiting = 0;
        _generation++;
        Monitor.PulseAll(_lock);
    }

    private void ThrowIfFaulted()
    {
        if (Fault is not null) throw new GroupEndedException();
    }

    /// <summary>Unwinds a work item whose group has already failed elsewhere.</summary>
    private sealed class GroupEndedException : Exception;
}
