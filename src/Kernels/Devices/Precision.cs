namespace NativeStyle.Kernels.Devices;

/// <summary>How exactly a device multiplies where it has a choice.</summary>
public enum Precision
{
    /// <summary>Multiplies in float32 throughout.</summary>
    Float32,

    /// <summary>
    /// Rounds the factors of large products to 10 bits of mantissa and sums in float32, by the tensor cores of NVIDIA's
    /// GPUs from compute capability 8.0 on. Other devices still compute in float32.
    /// </summary>
    Tf32,
}
