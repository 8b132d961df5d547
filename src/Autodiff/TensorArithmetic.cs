using ILGPU;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Memory;
using NativeStyle.Kernels.Operators.Crop;
using NativeStyle.Kernels.Operators.Reduction;
using NativeStyle.Kernels.Operators.Vectors;

namespace NativeStyle.Autodiff;

/// <summary>
/// Arithmetic on the elements of tensors. No tape records it. Optimisers, averages and stores of maps need it. Tensors
/// must have equally many elements unless a method says otherwise.
/// </summary>
public static class TensorArithmetic
{
    extension(Tensor y)
    {
        /// <summary>y = value.</summary>
        public void Fill(float value) => VectorOps.Fill(y.Device, y.Data, value);

        /// <summary>y = factor y.</summary>
        public void Scale(float factor) => VectorOps.Scale(y.Device, y.Data, factor);

        /// <summary>y = x.</summary>
        public void CopyFrom(Tensor x) => VectorOps.Copy(y.Device, y.Data, x.Data);

        /// <summary>y = x, from the host.</summary>
        public void CopyFrom(ReadOnlySpan<float> x) => y.Device.Write(x, y.Data);

        /// <summary>y = y + factor x.</summary>
        public void Add(Tensor x, float factor = 1f) => VectorOps.Axpy(y.Device, y.Data, x.Data, factor);

        /// <summary>y = y + amount (x - y).</summary>
        public void MoveTowards(Tensor x, float amount) => VectorOps.Lerp(y.Device, y.Data, x.Data, amount);

        /// <summary>The sum of the products of corresponding elements.</summary>
        public float Dot(Tensor x) => VectorOps.Dot(y.Device, y.Data, x.Data);

        /// <summary>The 2-norm.</summary>
        public float Norm() => VectorOps.Norm(y.Device, y.Data);

        /// <summary>The 1-norm. It is infinite or not a number if an element is.</summary>
        public float AbsoluteNorm() => VectorOps.AbsoluteNorm(y.Device, y.Data);

        /// <summary>A scalar tensor with the 1-norm of the gradient.</summary>
        /// <exception cref="InvalidOperationException">No gradient has reached the tensor.</exception>
        public Tensor GradientNorm()
        {
            var norm = new Tensor(y.Device, Shape.Scalar);
            ReductionOp.AbsoluteSum(y.Device, y.Gradient, norm.Data);
            return norm;
        }

        /// <summary>part = y[window].</summary>
        /// <param name="part">(window height, window width, channels); overwritten.</param>
        public void Read(Window window, Tensor part)
        {
            (int height, int width, int channels) = y.Shape;
            CropOp.Forward(y.Device, y.Data, part.Data, height, width, channels, window);
        }

        /// <summary>y[window] = part, or y[window] + part.</summary>
        /// <param name="part">(window height, window width, channels).</param>
        public void Write(Window window, Tensor part, bool add = false)
        {
            (int height, int width, int channels) = y.Shape;
            CropOp.Place(y.Device, part.Data, y.Data, height, width, channels, window, add ? 1f : 0f);
        }

        /// <summary>Copies rows of the leading dimension from the host.</summary>
        /// <param name="row">The first of the rows.</param>
        /// <param name="values">The elements of one or more rows.</param>
        public void WriteRows(int row, ReadOnlySpan<float> values) =>
            y.Device.Write(values, y.Rows(row, values.Length));

        /// <summary>Copies rows of the leading dimension to the host.</summary>
        /// <inheritdoc cref="WriteRows"/>
        public void ReadRows(int row, Span<float> values) => y.Device.Read(y.Rows(row, values.Length), values);

        private ArrayView<float> Rows(int row, int length) =>
            y.Data.SubView(row * (y.Shape.Length / y.Shape[0]), length);
    }
}
