using NativeStyle.Kernels.Operators.Expand;

namespace NativeStyle.Kernels.Operators.InstanceNorm;

/// <summary>What follows a normalisation.</summary>
public enum Activation
{
    /// <summary>The identity.</summary>
    None,

    /// <summary>max(0, z).</summary>
    Relu,
}

/// <summary>A map that is normalised, and what is done with the result while it is written.</summary>
/// <param name="Expand">The map, and what its result is expanded to.</param>
/// <param name="Activation">What follows the normalisation.</param>
/// <param name="Margin">
/// Rows and columns that the residual has on each side of its interior, which is as large as the map; -1 without a
/// residual.
/// </param>
public readonly record struct NormalizeShape(ExpandShape Expand, Activation Activation, int Margin = -1)
{
    /// <summary>Elements of the residual.</summary>
    public long ResidualLength => Margin < 0
        ? 0
        : (Expand.Height + (2L * Margin)) * (Expand.Width + (2L * Margin)) * Expand.Channels;

    /// <summary>The element of the residual that is added to an element of the map.</summary>
    internal int Residual(int index)
    {
        int c = index % Expand.Channels;
        int pixel = index / Expand.Channels;
        int row = (pixel / Expand.Width) + Margin;
        int column = (pixel % Expand.Width) + Margin;
        return (((row * (Expand.Width + (2 * Margin))) + column) * Expand.Channels) + c;
    }
}
