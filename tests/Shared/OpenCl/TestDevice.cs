namespace NativeStyle.Tests;

/// <summary>The OpenCL device that tests run on.</summary>
internal static class TestDevice
{
    /// <summary>
    /// An device on the first device. Without one the test is skipped with the reason, or fails where
    /// NATIVESTYLE_REQUIRE_OPENCL says that there must be one, as in CI.
    /// </summary>
    /// <param name="cacheFolder">Where built programs are kept; null for the user's.</param>
    public static OpenClAccelerator Open(string? cacheFolder = null)
    {
        if (OpenClDevice.All.Count > 0) return new OpenClAccelerator(OpenClDevice.All[0], cacheFolder: cacheFolder);
        Xunit.Assert.True(Environment.GetEnvironmentVariable("NATIVESTYLE_REQUIRE_OPENCL") is null, $"OpenCL is required here: {OpenClDevice.WhyNone}");
        Xunit.Skip.If(true, OpenClDevice.WhyNone);
        throw new InvalidOperationException();
    }
}
