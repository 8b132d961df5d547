namespace NativeStyle.Kernels.Devices;

/// <summary>How exactly a device multiplies where it has a choice.</summary>
public enum Precision
{
    /// <summary>In float32 throughout.</summary>
    Float32,

    /// <summary>
    /// Factors of large products rounded to 10 bits of mantissa, sums in float32, by the tensor cores of NVIDIA's GPUs from compute
    /// capability 8.0 on. Other devices compute in float32 all the same.
    /// </summary>
    Tf32,
}
