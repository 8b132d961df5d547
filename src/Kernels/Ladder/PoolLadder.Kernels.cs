using ILGPU;
using NativeStyle.Kernels.Operators;
using NativeStyle.Kernels.Translation;

namespace NativeStyle.Kernels.Ladder;

// 2x2 average pooling in six kernels. It makes four operations for each 20 bytes, so nothing but the way to memory
// matters. The kernels have no edges: the height is even, the width a multiple of 4, the output one of 512 elements.
// Operators/Pool2x2 has the form that transfers use.
//
//   y[p, c] = 1/4 sum over q in window p of x[q, c]
internal static partial class PoolLadder
{
    /// <summary>Work items of a group that stages its pixels in shared memory.</summary>
    private const int Items = 128;

    /// <summary>Computes one element. Neighbouring work items have neighbouring windows.</summary>
    internal static void PlainKernel(
        Index1D index, ArrayView<float> x, ArrayView<float> y, int outHeight, int outWidth, int channels)
    {
        int c = index / (outHeight * outWidth);
        int window = index % (outHeight * outWidth);
        int pixel = (window / outWidth * 4 * outWidth) + (window % outWidth * 2);
        float sum = 0f;
        for (int k = 0; k < 4; k++) sum += x[((pixel + (k / 2 * 2 * outWidth) + (k % 2)) * channels) + c];
        y[(window * channels) + c] = 0.25f * sum;
    }

    /// <summary>Neighbouring work items have neighbouring channels of a window.</summary>
    internal static void CoalescedKernel(
        Index1D index, ArrayView<float> x, ArrayView<float> y, int outWidth, int channels)
    {
        int c = index % channels;
        int window = index / channels;
        int pixel = (window / outWidth * 4 * outWidth) + (window % outWidth * 2);
        float sum = 0f;
        for (int k = 0; k < 4; k++) sum += x[((pixel + (k / 2 * 2 * outWidth) + (k % 2)) * channels) + c];
        y[index] = 0.25f * sum;
    }

    /// <summary>Starts four loads at once, and adds in pairs.</summary>
    internal static void IndependentLoadsKernel(
        Index1D index, ArrayView<float> x, ArrayView<float> y, int outWidth, int channels)
    {
        int c = index % channels;
        int window = index / channels;
        int pixel = (window / outWidth * 4 * outWidth) + (window % outWidth * 2);
        int at = (pixel * channels) + c;
        int below = at + (2 * outWidth * channels);
        float top = x[at] + x[at + channels];
        float bottom = x[below] + x[below + channels];
        y[index] = 0.25f * (top + bottom);
    }

    /// <summary>Pools four channels, 16 bytes a load.</summary>
    internal static void QuadsKernel(
        Index1D index, ArrayView<Float4> x, ArrayView<Float4> y, int outWidth, int channels)
    {
        int c = index % (channels / 4);
        int window = index / (channels / 4);
        int pixel = (window / outWidth * 4 * outWidth) + (window % outWidth * 2);
        int at = (pixel * channels / 4) + c;
        int below = at + (2 * outWidth * channels / 4);
        Float4 top = x[at] + x[at + (channels / 4)];
        Float4 bottom = x[below] + x[below + (channels / 4)];
        y[index] = 0.25f * (top + bottom);
    }

    /// <summary>Pools two windows that lie side by side: eight loads under way, one computation of the place.</summary>
    internal static void PairsKernel(
        Index1D index, ArrayView<Float4> x, ArrayView<Float4> y, int outWidth, int channels)
    {
        int c = index % (channels / 4);
        int window = index / (channels / 4) * 2;
        int pixel = (window / outWidth * 4 * outWidth) + (window % outWidth * 2);
        int at = (pixel * channels / 4) + c;
        int below = at + (2 * outWidth * channels / 4);
        Float4 top = x[at] + x[at + (channels / 4)];
        Float4 nextTop = x[at + (2 * channels / 4)] + x[at + (3 * channels / 4)];
        Float4 bottom = x[below] + x[below + (channels / 4)];
        Float4 nextBottom = x[below + (2 * channels / 4)] + x[below + (3 * channels / 4)];
        y[(window * channels / 4) + c] = 0.25f * (top + bottom);
        y[((window + 1) * channels / 4) + c] = 0.25f * (nextTop + nextBottom);
    }

    /// <summary>Goes through shared memory on the way, where nobody else wants the pixels.</summary>
    [GroupItems(Items)]
    internal static void SharedTileKernel(ArrayView<Float4> x, ArrayView<Float4> y, int outWidth, int channels)
    {
        ArrayView<Float4> tile = SharedMemory.Allocate<Float4>(4 * Items);
        int item = Group.IdxX;
        int index = (Grid.IdxX * Items) + item;
        int c = index % (channels / 4);
        int window = index / (channels / 4);
        int pixel = (window / outWidth * 4 * outWidth) + (window % outWidth * 2);
        int at = (pixel * channels / 4) + c;
        int below = at + (2 * outWidth * channels / 4);
        tile[item] = x[at];
        tile[Items + item] = x[at + (channels / 4)];
        tile[(2 * Items) + item] = x[below];
        tile[(3 * Items) + item] = x[below + (channels / 4)];
        Group.Barrier();
        Float4 top = tile[item] + tile[Items + item];
        Float4 bottom = tile[(2 * Items) + item] + tile[(3 * Items) + item];
        y[index] = 0.25f * (top + bottom);
    }
}
