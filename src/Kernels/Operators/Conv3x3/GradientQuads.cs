using ILGPU;
using NativeStyle.Kernels.Operators.MatrixProduct;
using NativeStyle.Kernels.Operators.Pool2x2;

namespace NativeStyle.Kernels.Operators.Conv3x3;

/// <summary>
/// Reads dz, the gradient with respect to the convolution's output before its activation, four channels at a time: dy
/// through the gate, or the pooled gradient with pooling.
/// </summary>
internal readonly record struct GradientQuads(
    ArrayView<float> GradOutput, ArrayView<uint> Gate, ConvSizes Sizes, ConvEnd End, LoadWidth Width)
{
    /// <summary>
    /// dz of a pixel: 0 outside the picture, where the gate is shut, and after <paramref name="room"/> channels.
    /// </summary>
    /// <param name="c">The first channel; a multiple of 4 unless there is room for one only.</param>
    public Float4 At(int row, int column, int c, int room)
    {
        Float4 quad = Float4.Broadcast(0f);
        if (row >= 0 && row < Sizes.Height && column >= 0 && column < Sizes.Width && room > 0)
        {
            int pixel = (row * Sizes.Width) + column;
            uint open = 15u;
            if (End.Gate == GateUse.Used) open = Gate[(pixel * ((Sizes.OutChannels + 31) / 32)) + (c / 32)] >> (c % 32);
            // A window that pooling dropped has no gradient to read: its gates are shut.
            if ((open & 15u) != 0u)
            {
                int from = End.Pooling == Pooling.None ? pixel : ((row / 2) * End.OutWidth) + (column / 2);
                Float4 dy = Quads.Load(GradOutput, (from * Sizes.OutChannels) + c, room, Width);
                // A power of two: multiplying by it divides exactly.
                float share = 1f;
                if (End.Pooling == Pooling.Average)
                    share = ((row | 1) < Sizes.Height ? 0.5f : 1f) * ((column | 1) < Sizes.Width ? 0.5f : 1f);
                quad = new Float4(
                    (open & 1u) != 0u ? share * dy.X : 0f, (open & 2u) != 0u ? share * dy.Y : 0f,
                    (open & 4u) != 0u ? share * dy.Z : 0f, (open & 8u) != 0u ? share * dy.W : 0f);
            }
        }

        return quad;
    }
}
