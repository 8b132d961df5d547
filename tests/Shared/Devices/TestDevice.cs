using NativeStyle.Kernels.Devices;

namespace NativeStyle.Tests;

/// <summary>The devices that tests run on.</summary>
internal static class TestDevice
{
    /// <summary>
    /// Opens the first OpenCL device. Without one, the test is skipped with the reason. It fails instead if
    /// NATIVESTYLE_REQUIRE_OPENCL states that there must be one, as in CI.
    /// </summary>
    public static ComputeDevice OpenCl()
    {
        DeviceListing? usable = DeviceCatalog.OpenCl.FirstOrDefault(device => device.WhyNot is null);
        string? why = usable is not null ? null : DeviceCatalog.WhyNoOpenCl ?? DeviceCatalog.OpenCl[0].WhyNot;
        bool required = Environment.GetEnvironmentVariable("NATIVESTYLE_REQUIRE_OPENCL") is not null;
        Xunit.Assert.True(usable is not null || !required, $"OpenCL is required here: {why}");
        Xunit.Skip.If(usable is null, why);
        return usable!.Open(0);
    }

    /// <summary>Opens a device by name: one of the catalog's, or opencl as above.</summary>
    public static ComputeDevice Open(string name) => name == "opencl" ? OpenCl() : DeviceCatalog.Find(name)!.Open(2);
}
