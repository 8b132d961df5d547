using System.Text;
using ILGPU;
using ILGPU.Backends.OpenCL;
using ILGPU.Runtime;
using ILGPU.Runtime.OpenCL;
using NativeStyle.Kernels.Operators.Vectors;
using NativeStyle.Kernels.Translation;

namespace NativeStyle.Kernels.Tests;

public class KernelTextTests
{
    [Fact]
    public void NamesThatDifferStayDifferent()
    {
        const string Text = """
            struct type_91; struct type_91_kernel; typedef global float* type_7;
            .target sm_80
            kernel void Kernel_Step_2(global float* view_91, type_7 var91)
            { L_915: x.field_7 = Half_7(_x_y_91, shared_var_12, shared_var_len_12, convert_float4(0x7)); goto L_91; }
            """;
        const string Expected = """
            struct type_0; struct type_0_kernel; typedef global float* type_1;
            .target sm_80
            kernel void Kernel_Step_2(global float* view_91, type_1 var91)
            { L_2: x.field_7 = Half_1(_x_y_0, shared_var_3, shared_var_len_3, convert_float4(0x7)); goto L_0; }
            """;
        Assert.Equal(Expected, KernelText.Renumber(Text));
        Assert.Equal(Expected, KernelText.Renumber(Expected));
    }

    /// <summary>What the driver was given, as the driver tells it.</summary>
    [SkippableFact]
    [Trait("Device", "OpenCl")]
    public void TheDriverGetsThatText()
    {
        TestDevice.OpenCl().Dispose();
        using Context context = Context.Create(builder => builder.OpenCL());
        using Accelerator accelerator = context.Devices.First().CreateAccelerator(context);
        Action<Index1D, ArrayView<float>, float> kernel = VectorOps.FillKernel;
        var compiled = (CLCompiledKernel)KernelText.Compile(accelerator, kernel.Method, 64);
        var loaded = accelerator
            .LoadImplicitlyGroupedKernel<Action<AcceleratorStream, Index1D, ArrayView<float>, float>>(kernel.Method, 64);
        Assert.Equal(KernelText.Renumber(compiled.Source), compiled.Source);
        Assert.Equal(compiled.Source, SourceOf((CLKernel)loaded.Target!));
    }

    private static unsafe string SourceOf(CLKernel kernel)
    {
        byte[] text = new byte[1 << 16];
        fixed (byte* first = text)
        {
            CLException.ThrowIfFailed(CLAPI.CurrentAPI.GetProgramInfo(
                kernel.ProgramPtr, CLProgramInfo.CL_PROGRAM_SOURCE, text.Length, first, out nint bytes));
            return Encoding.UTF8.GetString(text, 0, (int)bytes).TrimEnd('\0');
        }
    }
}
