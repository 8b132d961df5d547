using NativeStyle.Kernels.Devices;

namespace NativeStyle.Kernels.Operators;

/// <summary>What a form of an operator is made for.</summary>
internal enum FormKind
{
    /// <summary>The kernel to read first, one work item an output element: runs on every device.</summary>
    Plain,

    /// <summary>Kernels of groups with shared memory and barriers: for GPUs.</summary>
    Tiled,

    /// <summary>Hand-vectorised C#, for <see cref="CpuDevice"/>.</summary>
    Vectorized,
}

/// <summary>What an operator did for its time.</summary>
/// <param name="Flop">Floating-point operations of its textbook definition.</param>
/// <param name="Bytes">What has to be read and written at least: each input and output once.</param>
/// <param name="Saving">How many times fewer operations its algorithm makes: 4 for Winograd F(4x4, 3x3).</param>
public readonly record struct Work(double Flop, double Bytes, double Saving = 1)
{
    /// <summary>Of so many elements, each of so many operations and floats read or written.</summary>
    internal static Work Each(long elements, int flop, int floats) => new((double)elements * flop, sizeof(float) * (double)elements * floats);
}

/// <summary>One way to compute an operator.</summary>
/// <typeparam name="T">The operator's arguments.</typeparam>
/// <param name="Kind">The devices it is for.</param>
/// <param name="Run">Computes it.</param>
/// <param name="Fits">Which arguments it takes.</param>
/// <param name="Saving">As in <see cref="Work"/>.</param>
internal sealed record Form<T>(
    FormKind Kind, Action<ComputeDevice, T> Run, Func<ComputeDevice, T, bool> Fits, double Saving);

/// <summary>
/// An operator: its name, its work and its forms, the best first. Here, and nowhere else, a device meets the form that runs
/// on it: the first that is for the device and takes the arguments.
/// </summary>
/// <typeparam name="T">The arguments: views and sizes.</typeparam>
/// <param name="name">As profiles call it: Gram.Forward.</param>
/// <param name="work">The sizes of a call, for people, and its work.</param>
internal sealed class Operator<T>(string name, Func<T, (string Shape, Work Work)> work)
{
    private readonly List<Form<T>> _forms = [];

    /// <summary>Adds a form of hand-vectorised C#, for <see cref="CpuDevice"/>.</summary>
    /// <inheritdoc cref="Plain"/>
    public Operator<T> Vectorized(
        Action<CpuDevice, T> run, Func<CpuDevice, T, bool>? fits = null, double saving = 1) =>
        Add(
            FormKind.Vectorized, (device, arguments) => run((CpuDevice)device, arguments),
            fits is null ? null : (device, arguments) => fits((CpuDevice)device, arguments), saving);

    /// <summary>Adds a form of tiled kernels, for GPUs.</summary>
    /// <inheritdoc cref="Plain"/>
    public Operator<T> Tiled(
        Action<ComputeDevice, T> run, Func<ComputeDevice, T, bool>? fits = null, double saving = 1) =>
        Add(FormKind.Tiled, run, fits, saving);

    /// <summary>Adds the plain form, for every device.</summary>
    /// <param name="run">Computes it.</param>
    /// <param name="fits">Which arguments it takes; all, if nothing is said.</param>
    /// <param name="saving">As in <see cref="Work"/>.</param>
    public Operator<T> Plain(
        Action<ComputeDevice, T> run, Func<ComputeDevice, T, bool>? fits = null, double saving = 1) =>
        Add(FormKind.Plain, run, fits, saving);

    /// <summary>Computes it.</summary>
    public void Run(ComputeDevice device, T arguments)
    {
        Form<T> form = Choose(device, arguments);
        if (device.Profiler is not { } profiler)
        {
            form.Run(device, arguments);
            return;
        }

        (string shape, Work done) = work(arguments);
        profiler.Time(device, name, shape, done with { Saving = form.Saving }, () => form.Run(device, arguments));
    }

    /// <summary>The form that runs on a device.</summary>
    public Form<T> Choose(ComputeDevice device, T arguments)
    {
        foreach (Form<T> form in _forms)
            if (device.Runs(form.Kind) && form.Fits(device, arguments)) return form;
        throw new DeviceException($"{name} has no form for {device.Name}");
    }

    private Operator<T> Add(
        FormKind kind, Action<ComputeDevice, T> run, Func<ComputeDevice, T, bool>? fits, double saving)
    {
        _forms.Add(new Form<T>(kind, run, fits ?? ((_, _) => true), saving));
        return this;
    }
}
