using NativeStyle.Autodiff;
using NativeStyle.Autodiff.Operators;
using NativeStyle.Kernels.Operators.Expand;
using NativeStyle.Style.Tiling;

namespace NativeStyle.FeedForward.Tiling;

/// <summary>A map that is normalised while it is read.</summary>
/// <param name="map">The map as it was written. It is disposed with this.</param>
/// <param name="factors">What normalises it, (4, channels), disposed with this; null if nothing does.</param>
/// <param name="relu">Whether negative numbers then become zero.</param>
internal sealed class NormalizedMap(MapStore map, Tensor? factors = null, bool relu = false) : IDisposable
{
    public MapStore Map => map;

    /// <summary>A window of the expanded map.</summary>
    /// <param name="rows">The window's rows, and those that it is made of.</param>
    /// <param name="columns">The window's columns, and those that it is made of.</param>
    /// <param name="residual">What is added, or null. It needs a map that is normalised.</param>
    public Tensor Read(Tape tape, ExpansionAxis rows, ExpansionAxis columns, Tensor? residual = null)
    {
        ((int top, int bottom), (int left, int right)) = (rows.Sources, columns.Sources);
        Tensor part = tape.Constant(new Shape(bottom - top, right - left, map.Channels));
        map.Read(new(top, left, bottom - top, right - left), part);
        Tensor x = factors is null
            ? tape.ExpandWindow(part, rows, columns)
            : tape.NormalizeWindow(part, factors, relu, residual, rows, columns);
        part.Release();
        return x;
    }

    /// <summary>
    /// The same map as it is, after its elements were replaced by normalised ones. It takes the map over.
    /// </summary>
    public NormalizedMap Plain()
    {
        factors?.Dispose();
        return new NormalizedMap(map);
    }

    public void Dispose()
    {
        map.Dispose();
        factors?.Dispose();
    }
}
