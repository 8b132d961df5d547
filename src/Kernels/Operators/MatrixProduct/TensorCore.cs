using ILGPU;
using ILGPU.Runtime.Cuda;

namespace NativeStyle.Kernels.Operators.MatrixProduct;

/// <summary>
/// D = A B + C of a 16 x 8 matrix A, an 8 x 8 matrix B and a 16 x 8 matrix C, by the 32 lanes of a warp together. The
/// lanes hold the elements as NVIDIA's instruction mma.m16n8k8 for TF32 needs them (PTX ISA, 9.7.14, "Matrix fragments
/// for mma.m16n8k8"), with g = lane / 4 and t = lane % 4:
/// <code>
///   A   X: (g, t)     Y: (g + 8, t)      Z: (g, t + 4)      W: (g + 8, t + 4)
///   B   upper: (t, g)                    lower: (t + 4, g)
///   C   X: (g, 2t)    Y: (g, 2t + 1)     Z: (g + 8, 2t)     W: (g + 8, 2t + 1)
/// </code>
/// </summary>
internal interface ITensorCore
{
    /// <summary>
    /// Rounds to the nearest TF32; of two equally near ones to the one farther from zero. The digits that the product
    /// does not read may be anything.
    /// </summary>
    Float4 Round(Float4 quad);

    /// <summary>Computes this lane's part of D.</summary>
    /// <param name="a">This lane's part of A, rounded to TF32.</param>
    /// <param name="upper">This lane's upper part of B, rounded to TF32.</param>
    /// <param name="lower">This lane's lower part of B, rounded to TF32.</param>
    /// <param name="c">This lane's part of C.</param>
    Float4 MultiplyAdd(Float4 a, float upper, float lower, Float4 c);
}

/// <summary>NVIDIA's tensor cores, from compute capability 8.0 on.</summary>
internal readonly struct TensorCore : ITensorCore
{
    public Float4 Round(Float4 quad) => new(Round(quad.X), Round(quad.Y), Round(quad.Z), Round(quad.W));

    public Float4 MultiplyAdd(Float4 a, float upper, float lower, Float4 c)
    {
        Ref<float> x = new() { Value = c.X };
        Ref<float> y = new() { Value = c.Y };
        Ref<float> z = new() { Value = c.Z };
        Ref<float> w = new() { Value = c.W };
        Input<uint> a0 = Interop.FloatAsInt(a.X);
        Input<uint> a1 = Interop.FloatAsInt(a.Y);
        Input<uint> a2 = Interop.FloatAsInt(a.Z);
        Input<uint> a3 = Interop.FloatAsInt(a.W);
        Input<uint> b0 = Interop.FloatAsInt(upper);
        Input<uint> b1 = Interop.FloatAsInt(lower);
        CudaAsm.EmitRef(
            "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 "
                + "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};",
            ref x, ref y, ref z, ref w, ref a0, ref a1, ref a2, ref a3, ref b0, ref b1);
        return new Float4(x.Value, y.Value, z.Value, w.Value);
    }

    /// <summary>
    /// Adds half of the last digit that the instruction reads. It ignores the digits below. Not-a-number and infinities
    /// stay.
    /// </summary>
    private static float Round(float value)
    {
        uint bits = Interop.FloatAsInt(value);
        return Interop.IntAsFloat(MathF.Abs(value) < float.PositiveInfinity ? bits + 0x1000u : bits);
    }
}

/// <summary>
/// Does the same by an exchange between lanes, on every device whose warps have 32 lanes. It tests all that surrounds
/// the instruction. The exchange goes through shared memory and not by Warp.Shuffle, because ILGPU's CPU accelerator
/// stops all lanes twice for each shuffle: a product would take twelve of them.
/// </summary>
/// <param name="parts">Shared memory for two quads of each work item.</param>
internal readonly struct ExchangedTensorCore(ArrayView<Float4> parts) : ITensorCore
{
    /// <summary>Quads of shared memory that it needs.</summary>
    public const int SharedQuads = 2 * TensorProduct.Items;

    private readonly ArrayView<Float4> _parts = parts;

    public Float4 Round(Float4 quad) => TensorFloat.Round(quad);

    public Float4 MultiplyAdd(Float4 a, float upper, float lower, Float4 c)
    {
        int g = Warp.LaneIdx / 4;
        int t = Warp.LaneIdx % 4;
        int ofA = Group.IdxX - Warp.LaneIdx;
        int ofB = TensorProduct.Items + ofA;
        _parts[ofA + Warp.LaneIdx] = a;
        _parts[ofB + Warp.LaneIdx] = new Float4(upper, lower, 0f, 0f);
        Warp.Barrier();
        Float4 sums = c;
        for (int k = 0; k < 4; k++)
        {
            // Multiplies columns k and k + 4 of A by rows k and k + 4 of B.
            Float4 column = _parts[ofA + (g * 4) + k];
            Float4 left = _parts[ofB + (t * 8) + k];
            Float4 right = _parts[ofB + (t * 8) + 4 + k];
            sums = new Float4(
                sums.X + (column.X * left.X) + (column.Z * left.Y),
                sums.Y + (column.X * right.X) + (column.Z * right.Y),
                sums.Z + (column.Y * left.X) + (column.W * left.Y),
                sums.W + (column.Y * right.X) + (column.W * right.Y));
        }

        // The next product writes where slower lanes still read.
        Warp.Barrier();
        return sums;
    }
}

/// <summary>TF32: float32's exponent, 10 bits of mantissa.</summary>
internal static class TensorFloat
{
    /// <summary>
    /// Rounds to the nearest TF32, and to the one farther from zero if two are equally near, like PTX's cvt.rna.tf32.
    /// Not-a-number and infinities stay.
    /// </summary>
    public static float Round(float value)
    {
        uint bits = Interop.FloatAsInt(value);
        uint rounded = (bits + 0x1000u) & 0xFFFFE000u;
        return Interop.IntAsFloat((bits & 0x7F800000u) == 0x7F800000u ? bits : rounded);
    }

    public static Float4 Round(Float4 quad) => new(Round(quad.X), Round(quad.Y), Round(quad.Z), Round(quad.W));
}
