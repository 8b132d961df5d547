using NativeStyle.Kernels.Devices;

namespace NativeStyle.Tests;

/// <summary>The devices that tests run on.</summary>
internal static class TestDevice
{
    /// <summary>
    /// The first OpenCL device. Without one the test is skipped with the reason, or fails where NATIVESTYLE_REQUIRE_OPENCL says that
    /// there must be one, as in CI.
    /// </summary>
    public static ComputeDevice OpenCl()
    {
        DeviceListing? usable = DeviceCatalog.OpenCl.FirstOrDefault(device => device.WhyNot is null);
        string? why = usable is not null ? null : DeviceCatalog.WhyNoOpenCl ?? DeviceCatalog.OpenCl[0].WhyNot;
        Xunit.Assert.True(usable is not null || Environment.GetEnvironmentVariable("NATIVESTYLE_REQUIRE_OPENCL") is null, $"OpenCL is required here: {why}");
        Xunit.Skip.If(usable is null, why);
        return usable!.Open(0);
    }

    /// <summary>A device by name: one of the catalog's, or opencl as above.</summary>
    public static ComputeDevice Open(string name) => name == "opencl" ? OpenCl() : DeviceCatalog.Find(name)!.Open(2);
}
