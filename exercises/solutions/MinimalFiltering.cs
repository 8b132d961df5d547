namespace NativeStyle.Exercises;

/// <summary>
/// Solution of exercise 4. The product of a polynomial of degree 1 (whose coefficients become the outputs) and the
/// filter, of degree 2, has degree 3 and needs four points. Row k of Aᵀ holds the points to the power k, with ∞ for the
/// leading coefficient alone. G evaluates the filter, divided by Lagrange's Π (a_j - a_i) over the finite points: for 0
/// that is (0 - 1)(0 + 1) = -1, for 1 it is (1 - 0)(1 + 1) = 2, for -1 it is (-1 - 0)(-1 - 1) = 2. Bᵀ has the
/// coefficients of Π (z - a_i) over the other points, and in its last row those over all three, z³ - z. For the points
/// 0 and ∞ both signs are turned so that G has no minus.
/// </summary>
public static class MinimalFiltering
{
    /// <summary>Bᵀ, four points by four inputs.</summary>
    public static double[,] InputTransform { get; } =
    {
        { 1, 0, -1, 0 },
        { 0, 1, 1, 0 },
        { 0, -1, 1, 0 },
        { 0, -1, 0, 1 },
    };

    /// <summary>G, four points by three taps.</summary>
    public static double[,] FilterTransform { get; } =
    {
        { 1, 0, 0 },
        { 0.5, 0.5, 0.5 },
        { 0.5, -0.5, 0.5 },
        { 0, 0, 1 },
    };

    /// <summary>Aᵀ, two outputs by four points.</summary>
    public static double[,] OutputTransform { get; } =
    {
        { 1, 1, 1, 0 },
        { 0, 1, -1, 1 },
    };
}
