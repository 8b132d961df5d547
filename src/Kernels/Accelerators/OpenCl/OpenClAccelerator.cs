using System.Reflection;
using System.Text;

namespace NativeStyle.Kernels.OpenCl;

/// <summary>
/// Runs the translated kernels on an OpenCL 1.2 device, one in-order queue. Views carry addresses of a range that this
/// class hands out; a launch finds the driver's buffer and the offset in it that an address stands for.
/// </summary>
public sealed unsafe class OpenClAccelerator : Accelerator
{
    private const ulong ProfilingQueue = 2;
    private const int ItemsPerGroup = 128;

    private readonly OpenClDevice _device;
    private readonly nint _context;
    private readonly nint _queue;
    private readonly OpenClPrograms _programs;
    private readonly Dictionary<MethodInfo, (TranslatedKernel Translation, nint Program, nint Kernel)> _kernels = [];
    private readonly SortedList<nint, (nint Buffer, long Bytes)> _slabs = [];
    private readonly List<nint> _events = [];
    private nint _nextAddress = unchecked((nint)(1L << 40));

    /// <param name="device">Of <see cref="OpenClDevice.All"/>.</param>
    /// <param name="name">What it shall be called.</param>
    /// <param name="cacheFolder">Where built programs are kept; null for the user's cache folder.</param>
    public OpenClAccelerator(OpenClDevice device, string name = "opencl", string? cacheFolder = null)
        : base(pagesComeLate: false)
    {
        (_device, Name) = (device, name);
        nint handle = device.Handle;
        nint* properties = stackalloc nint[] { 0x1084, device.PlatformHandle, 0 };
        int error;
        _context = OpenClApi.clCreateContext(properties, 1, &handle, 0, 0, &error);
        OpenClApi.Check(error, "clCreateContext");
        _queue = OpenClApi.clCreateCommandQueue(_context, handle, ProfilingQueue, &error);
        OpenClApi.Check(error, "clCreateCommandQueue");
        _programs = new OpenClPrograms(device, _context, cacheFolder);
    }

    public override string Name { get; }

    public override string Description =>
        $"{_device.Name}, {_device.ComputeUnits} compute units, {_device.Platform}, driver {_device.DriverVersion}";

    public override bool HasFastGroups => true;

    public override long AvailableBytes => _device.MemoryBytes;

    public override long LargestBufferBytes => _device.LargestAllocation;

    public override void Synchronize() => OpenClApi.Check(OpenClApi.clFinish(_queue), "clFinish");

    protected internal override double? TakeDeviceSeconds()
    {
        Synchronize();
        double seconds = 0;
        foreach (nint happening in _events)
        {
            ulong start = 0, end = 0;
            OpenClApi.Check(OpenClApi.clGetEventProfilingInfo(happening, 0x1282, sizeof(ulong), &start, null), "clGetEventProfilingInfo");
            OpenClApi.Check(OpenClApi.clGetEventProfilingInfo(happening, 0x1283, sizeof(ulong), &end, null), "clGetEventProfilingInfo");
            seconds += (end - start) * 1e-9;
            _ = OpenClApi.clReleaseEvent(happening);
        }

        _events.Clear();
        return seconds;
    }

    protected override nint AllocateBytes(long bytes)
    {
        if (bytes > _device.LargestAllocation)
        {
            throw new InsufficientMemoryException(
                $"a buffer of {bytes >> 20} MiB is larger than {_device.Name} allows ({_device.LargestAllocation >> 20} MiB); choose a smaller --size");
        }

        int error;
        nint buffer = OpenClApi.clCreateBuffer(_context, 1, (nuint)bytes, null, &error);
        if (error is -4 or -5 or -6 or -61)
            throw new InsufficientMemoryException($"{_device.Name} has no {bytes >> 20} MiB of memory left; choose a smaller --size");
        OpenClApi.Check(error, "clCreateBuffer");
        nint address = _nextAddress;
        // A gap between slabs: no address belongs to two.
        _nextAddress += (nint)((bytes + (2L << 20)) & ~((1L << 20) - 1));
        _slabs.Add(address, (buffer, bytes));
        return address;
    }

    protected override void FreeBytes(nint address)
    {
        _ = OpenClApi.clReleaseMemObject(_slabs[address].Buffer);
        _slabs.Remove(address);
    }

    protected override void Upload(ReadOnlySpan<byte> source, nint address)
    {
        (nint buffer, long offset) = Find(address);
        fixed (byte* host = source)
        {
            OpenClApi.Check(
                OpenClApi.clEnqueueWriteBuffer(_queue, buffer, 1, (nuint)offset, (nuint)source.Length, host, 0, null, null), "clEnqueueWriteBuffer");
        }
    }

    protected override void Download(nint address, Span<byte> target)
    {
        (nint buffer, long offset) = Find(address);
        fixed (byte* host = target)
        {
            OpenClApi.Check(
                OpenClApi.clEnqueueReadBuffer(_queue, buffer, 1, (nuint)offset, (nuint)target.Length, host, 0, null, null), "clEnqueueReadBuffer");
        }
    }

    protected override void Run<TIndex>(MethodInfo kernel, TIndex extent, Action<TIndex> body, object[] arguments)
    {
        (int X, int Y, int Z, int Dimensions) size = extent switch
        {
            Index1D one => (one.X, 1, 1, 1),
            Index2D two => (two.X, two.Y, 1, 2),
            Index3D three => (three.X, three.Y, three.Z, 3),
            _ => throw new ArgumentException($"{typeof(TIndex).Name} is no index"),
        };
        if (extent.Size == 0) return;
        (TranslatedKernel translation, _, nint handle) = Prepare(kernel);
        uint next = 0;
        SetArgument(handle, next++, size.X);
        if (size.Dimensions > 1) SetArgument(handle, next++, size.Y);
        if (size.Dimensions > 2) SetArgument(handle, next++, size.Z);
        SetArguments(translation, handle, next, arguments);
        // Whole groups; the kernel lets the work items beyond the extent return at once.
        int items = Math.Min(ItemsPerGroup, GroupLimit(handle));
        nuint* local = stackalloc nuint[3], global = stackalloc nuint[3];
        local[0] = (nuint)(size.Dimensions == 1 ? items : Math.Max(1, items / 8));
        local[1] = (nuint)(size.Dimensions == 1 ? 1 : Math.Min(8, items));
        local[2] = 1;
        global[0] = RoundUp(size.X, local[0]);
        global[1] = RoundUp(size.Y, local[1]);
        global[2] = RoundUp(size.Z, local[2]);
        Enqueue(translation, handle, global, local);
    }

    protected override void RunGrouped(MethodInfo kernel, KernelConfig config, Action body, object[] arguments)
    {
        if (config.GridDim.Size == 0 || config.GroupDim.Size == 0) return;
        (TranslatedKernel translation, _, nint handle) = Prepare(kernel);
        if (config.GroupDim.Size > GroupLimit(handle))
        {
            throw new NotSupportedException(
                $"{translation.Name} wants groups of {config.GroupDim.Size} work items, {_device.Name} runs it with at most {GroupLimit(handle)}");
        }

        SetArguments(translation, handle, 0, arguments);
        nuint* local = stackalloc nuint[] { (nuint)config.GroupDim.X, (nuint)config.GroupDim.Y, (nuint)config.GroupDim.Z };
        nuint* global = stackalloc nuint[]
        {
            (nuint)config.GridDim.X * local[0], (nuint)config.GridDim.Y * local[1], (nuint)config.GridDim.Z * local[2],
        };
        Enqueue(translation, handle, global, local);
    }

    protected override void Dispose(bool disposing)
    {
        _ = OpenClApi.clFinish(_queue);
        base.Dispose(disposing);
        foreach (nint happening in _events) _ = OpenClApi.clReleaseEvent(happening);
        foreach ((_, nint program, nint kernel) in _kernels.Values)
        {
            _ = OpenClApi.clReleaseKernel(kernel);
            _ = OpenClApi.clReleaseProgram(program);
        }

        // Buffers keep the context alive until the last of them is gone.
        _ = OpenClApi.clReleaseCommandQueue(_queue);
        _ = OpenClApi.clReleaseContext(_context);
    }

    /// <summary>Whether the driver takes a kernel: builds it and lets it go.</summary>
    /// <exception cref="OpenClException">It does not; the message has the build log.</exception>
    public void Compile(TranslatedKernel kernel) => OpenClApi.Check(OpenClApi.clReleaseProgram(_programs.Build(kernel.OpenCl)), "clReleaseProgram");

    private (TranslatedKernel Translation, nint Program, nint Kernel) Prepare(MethodInfo method)
    {
        if (_kernels.TryGetValue(method, out var known)) return known;
        TranslatedKernel translation = KernelRegistry.Find(method);
        if (translation.UsesDouble && !_device.HasDouble)
            throw new NotSupportedException($"{translation.Name} computes in double precision, {_device.Name} does not");
        nint program = _programs.Build(translation.OpenCl);
        int error;
        nint kernel;
        fixed (byte* name = Encoding.ASCII.GetBytes(translation.EntryPoint + "\0")) kernel = OpenClApi.clCreateKernel(program, name, &error);
        OpenClApi.Check(error, "clCreateKernel", translation.EntryPoint);
        return _kernels[method] = (translation, program, kernel);
    }

    private void SetArguments(TranslatedKernel translation, nint kernel, uint next, object[] arguments)
    {
        for (int i = 0; i < arguments.Length; i++)
        {
            switch (arguments[i])
            {
                case IArrayView view:
                    (nint buffer, long offset) = view.Address == 0 ? (0, 0) : Find(view.Address);
                    OpenClApi.Check(OpenClApi.clSetKernelArg(kernel, next++, (nuint)sizeof(nint), buffer == 0 ? null : &buffer), "clSetKernelArg", translation.Name);
                    SetArgument(kernel, next++, offset / view.ElementBytes);
                    if (translation.LengthArguments[i]) SetArgument(kernel, next++, checked((int)view.Length));
                    break;
                case int value: SetArgument(kernel, next++, value); break;
                case uint value: SetArgument(kernel, next++, value); break;
                case float value: SetArgument(kernel, next++, value); break;
                case double value: SetArgument(kernel, next++, value); break;
                case long value: SetArgument(kernel, next++, value); break;
                case ulong value: SetArgument(kernel, next++, value); break;
                default: throw new ArgumentException($"{translation.Name}: an argument of type {arguments[i].GetType().Name} cannot go to a device");
            }
        }
    }

    private static void SetArgument<T>(nint kernel, uint index, T value) where T : unmanaged =>
        OpenClApi.Check(OpenClApi.clSetKernelArg(kernel, index, (nuint)sizeof(T), &value), "clSetKernelArg");

    private void Enqueue(TranslatedKernel translation, nint kernel, nuint* global, nuint* local)
    {
        nint happening = 0;
        int code = OpenClApi.clEnqueueNDRangeKernel(_queue, kernel, 3, null, global, local, 0, null, Profiler is null ? null : &happening);
        OpenClApi.Check(code, "clEnqueueNDRangeKernel", $"{translation.Name} on {_device.Name}");
        if (happening != 0) _events.Add(happening);
    }

    private int GroupLimit(nint kernel)
    {
        nuint limit = 0;
        OpenClApi.Check(OpenClApi.clGetKernelWorkGroupInfo(kernel, _device.Handle, 0x11B0, (nuint)sizeof(nuint), &limit, null), "clGetKernelWorkGroupInfo");
        return (int)Math.Min(limit, int.MaxValue);
    }

    private (nint Buffer, long Offset) Find(nint address)
    {
        foreach ((nint start, (nint buffer, long bytes)) in _slabs)
            if (address >= start && address < start + (nint)bytes) return (buffer, address - start);
        throw new ArgumentException("a view of another accelerator, or of memory that was given back");
    }

    private static nuint RoundUp(int value, nuint unit) => ((nuint)value + unit - 1) / unit * unit;
}
