namespace NativeStyle.Kernels;

/// <summary>One work item of an explicitly grouped kernel, on the thread that runs it.</summary>
internal sealed class WorkItem(GroupContext group, Index3D index)
{
    [ThreadStatic]
    private static WorkItem? s_current;

    private int _sharedAllocations;

    public static WorkItem Current
    {
        get => s_current ?? throw new InvalidOperationException(
            "Group, Grid and SharedMemory are only there inside an explicitly grouped kernel (LaunchGrouped)");
        set => s_current = value;
    }

    public GroupContext Group => group;

    public Index3D Index => index;

    public static void Leave() => s_current = null;

    public void BeginGroup() => _sharedAllocations = 0;

    /// <summary>The n-th allocation of every work item of a group is the same memory.</summary>
    public unsafe ArrayView<T> AllocateShared<T>(int length) where T : unmanaged =>
        new((T*)group.Shared(_sharedAllocations++, (nuint)length * (nuint)sizeof(T)), length);
}
