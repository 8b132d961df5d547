namespace NativeStyle.Exercises;

/// <summary>
/// Exercise 4: derive F(2, 3). Two outputs y of a filter g of three taps over four inputs d,
/// <code>
///   y_k = d_k g_0 + d_{k+1} g_1 + d_{k+2} g_2        k = 0, 1
/// </code>
/// take six products. Four suffice, with y = Aᵀ [(G g) ∘ (Bᵀ d)]: evaluate the polynomials at 0, 1, -1 and ∞, multiply,
/// interpolate, and transpose. docs/math.md does it for F(4, 3). All entries are 0, ±1 or ±1/2.
/// </summary>
public static class MinimalFiltering
{
    /// <summary>Bᵀ, four points by four inputs.</summary>
    public static double[,] InputTransform { get; } = new double[4, 4];

    /// <summary>G, four points by three taps.</summary>
    public static double[,] FilterTransform { get; } = new double[4, 3];

    /// <summary>Aᵀ, two outputs by four points.</summary>
    public static double[,] OutputTransform { get; } = new double[2, 4];
}
