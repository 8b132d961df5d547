namespace NativeStyle.Kernels.Operators.MatrixProduct;

/// <summary>
/// 8 x 8 sums that a work item keeps in registers: Upper and Lower rows (four each) times Left and Right columns (four
/// each). Each is a field, because ILGPU keeps fields in registers and unrolls no loop over them.
/// </summary>
internal readonly record struct RegisterTile(
    Float4 UpperLeft0, Float4 UpperLeft1, Float4 UpperLeft2, Float4 UpperLeft3,
    Float4 UpperRight0, Float4 UpperRight1, Float4 UpperRight2, Float4 UpperRight3,
    Float4 LowerLeft0, Float4 LowerLeft1, Float4 LowerLeft2, Float4 LowerLeft3,
    Float4 LowerRight0, Float4 LowerRight1, Float4 LowerRight2, Float4 LowerRight3)
{
    /// <summary>The tile plus the outer product of a column of 8 elements and a row of 8 elements.</summary>
    public RegisterTile PlusOuter(Float4 upper, Float4 lower, Float4 left, Float4 right) => new(
        Float4.MultiplyAdd(upper.X, left, UpperLeft0), Float4.MultiplyAdd(upper.Y, left, UpperLeft1),
        Float4.MultiplyAdd(upper.Z, left, UpperLeft2), Float4.MultiplyAdd(upper.W, left, UpperLeft3),
        Float4.MultiplyAdd(upper.X, right, UpperRight0), Float4.MultiplyAdd(upper.Y, right, UpperRight1),
        Float4.MultiplyAdd(upper.Z, right, UpperRight2), Float4.MultiplyAdd(upper.W, right, UpperRight3),
        Float4.MultiplyAdd(lower.X, left, LowerLeft0), Float4.MultiplyAdd(lower.Y, left, LowerLeft1),
        Float4.MultiplyAdd(lower.Z, left, LowerLeft2), Float4.MultiplyAdd(lower.W, left, LowerLeft3),
        Float4.MultiplyAdd(lower.X, right, LowerRight0), Float4.MultiplyAdd(lower.Y, right, LowerRight1),
        Float4.MultiplyAdd(lower.Z, right, LowerRight2), Float4.MultiplyAdd(lower.W, right, LowerRight3));
}
