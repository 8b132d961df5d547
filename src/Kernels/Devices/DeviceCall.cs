namespace NativeStyle.Kernels.Devices;

/// <summary>What a device asks of its driver, or of the system.</summary>
internal enum DeviceCall
{
    /// <summary>Memory for the pool.</summary>
    Allocation,

    /// <summary>A kernel's compilation or start; on a CPU, an operator that needs scratch memory.</summary>
    Launch,

    /// <summary>A copy to the device.</summary>
    Upload,

    /// <summary>A copy from the device.</summary>
    Download,

    Synchronization,

    /// <summary>The return of the pool's memory.</summary>
    Release,
}
