using NativeStyle.Kernels.Devices;

namespace NativeStyle.Kernels.Operators;

/// <summary>The kind of device that a form of an operator is made for.</summary>
internal enum FormKind
{
    /// <summary>The kernel to read first, with one work item an output element; runs on every device.</summary>
    Plain,

    /// <summary>Grouped kernels with shared memory and barriers, for GPUs.</summary>
    Grouped,

    /// <summary>Hand-vectorised C#, for <see cref="CpuDevice"/>.</summary>
    Vectorized,
}

/// <summary>The work of an operator's call.</summary>
/// <param name="Flop">Floating-point operations of its textbook definition.</param>
/// <param name="Bytes">The least bytes to read and write: each input and output once.</param>
/// <param name="Saving">How many times fewer operations its algorithm makes: 4 for Winograd F(4x4, 3x3).</param>
public readonly record struct Work(double Flop, double Bytes, double Saving = 1)
{
    /// <summary>
    /// The work of the given number of elements, each with the given operations and floats read or written.
    /// </summary>
    internal static Work Each(long elements, int flop, int floats) =>
        new((double)elements * flop, sizeof(float) * (double)elements * floats);
}

/// <summary>One way to compute an operator.</summary>
/// <typeparam name="T">The operator's arguments.</typeparam>
/// <param name="Kind">The kind of device that it is for.</param>
/// <param name="Run">Computes the operator.</param>
/// <param name="Fits">Whether it takes the arguments.</param>
/// <param name="Saving">As in <see cref="Work"/>, for a device and arguments.</param>
internal sealed record Form<T>(
    FormKind Kind, Action<ComputeDevice, T> Run, Func<ComputeDevice, T, bool> Fits,
    Func<ComputeDevice, T, double> Saving);

/// <summary>
/// An operator: its name, its work and its forms, the best first. This is the only place where a form is chosen for a
/// device: the first form that is for the device and takes the arguments.
/// </summary>
/// <typeparam name="T">The arguments: views and sizes.</typeparam>
/// <param name="name">The name in profiles, for example Gram.Forward.</param>
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
            fits is null ? null : (device, arguments) => fits((CpuDevice)device, arguments), (_, _) => saving);

    /// <summary>Adds a form of hand-vectorised C# whose saving depends on sizes and on the width of vectors.</summary>
    /// <inheritdoc cref="Plain"/>
    public Operator<T> Vectorized(Action<CpuDevice, T> run, Func<CpuDevice, T, double> saving) => Add(
        FormKind.Vectorized, (device, arguments) => run((CpuDevice)device, arguments), null,
        (device, arguments) => saving((CpuDevice)device, arguments));

    /// <summary>Adds a form of tiled kernels, for GPUs.</summary>
    /// <inheritdoc cref="Plain"/>
    public Operator<T> Grouped(
        Action<ComputeDevice, T> run, Func<ComputeDevice, T, bool>? fits = null, double saving = 1) =>
        Add(FormKind.Grouped, run, fits, (_, _) => saving);

    /// <summary>Adds the plain form, for every device.</summary>
    /// <param name="run">Computes the operator.</param>
    /// <param name="fits">Whether the form takes the arguments; by default it takes all.</param>
    /// <param name="saving">As in <see cref="Work"/>.</param>
    public Operator<T> Plain(
        Action<ComputeDevice, T> run, Func<ComputeDevice, T, bool>? fits = null, double saving = 1) =>
        Add(FormKind.Plain, run, fits, (_, _) => saving);

    /// <summary>Computes the operator.</summary>
    public void Run(ComputeDevice device, T arguments)
    {
        Form<T> form = Choose(device, arguments);
        if (device.Profiler is not { } profiler)
        {
            form.Run(device, arguments);
            return;
        }

        (string shape, Work callWork) = work(arguments);
        callWork = callWork with { Saving = form.Saving(device, arguments) };
        profiler.Time(device, name, shape, callWork, () => form.Run(device, arguments));
    }

    /// <summary>Chooses the form that runs on a device.</summary>
    public Form<T> Choose(ComputeDevice device, T arguments)
    {
        foreach (Form<T> form in _forms)
            if (device.Runs(form.Kind) && form.Fits(device, arguments)) return form;
        throw new DeviceException($"{name} has no form for {device.Name}");
    }

    private Operator<T> Add(
        FormKind kind, Action<ComputeDevice, T> run, Func<ComputeDevice, T, bool>? fits,
        Func<ComputeDevice, T, double> saving)
    {
        _forms.Add(new Form<T>(kind, run, fits ?? ((_, _) => true), saving));
        return this;
    }
}
