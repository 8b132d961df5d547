using NativeStyle.Kernels;

namespace NativeStyle.Autodiff;

/// <summary>Adam over one tensor: its moments and its step count.</summary>
public sealed class AdamOptimizer : IDisposable
{
    private readonly Tensor _parameter;
    private readonly MemoryBuffer<float> _m;
    private readonly MemoryBuffer<float> _v;

    /// <summary>Starts with zero moments.</summary>
    public AdamOptimizer(Tensor parameter, AdamSettings settings)
    {
        (_parameter, Settings) = (parameter, settings);
        Accelerator accelerator = parameter.Accelerator;
        _m = accelerator.Allocate<float>(parameter.Shape.Length);
        _v = accelerator.Allocate<float>(parameter.Shape.Length);
        VectorOps.Fill(accelerator, _m.View, 0f);
        VectorOps.Fill(accelerator, _v.View, 0f);
    }

    public AdamSettings Settings { get; }

    /// <summary>Steps made.</summary>
    public int StepCount { get; private set; }

    /// <summary>Moves the parameter against its gradient.</summary>
    public void Step() => Adam.Step(
        _parameter.Accelerator, _parameter.Data, _parameter.Gradient, _m.View, _v.View, Settings, ++StepCount);

    /// <summary>Takes over the moments of an earlier run, as resized pictures, and its step count.</summary>
    public void Restore(ReadOnlySpan<float> m, ReadOnlySpan<float> v, int stepCount)
    {
        _m.CopyFromCPU(m);
        _v.CopyFromCPU(v);
        StepCount = stepCount;
    }

    /// <summary>Host copies of the first and second moment.</summary>
    public (float[] M, float[] V) Moments() => (_m.GetAsArray(), _v.GetAsArray());

    public void Dispose()
    {
        _m.Dispose();
        _v.Dispose();
    }
}
