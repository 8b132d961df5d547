using System.Runtime.CompilerServices;

namespace NativeStyle.Imaging.Png;

/// <summary>The five row filters (PNG specification, 9.2), which predict a byte from its neighbours.</summary>
internal static class PngFilter
{
    /// <param name="filter">0 none, 1 left, 2 up, 3 average, 4 Paeth.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Predict(int filter, int left, int up, int corner) => filter switch
    {
        0 => 0,
        1 => left,
        2 => up,
        3 => (left + up) / 2,
        _ => Paeth(left, up, corner),
    };

    /// <summary>
    /// Returns the neighbour nearest to left + up - corner. Of equally near neighbours, the first is returned.
    /// </summary>
    private static int Paeth(int left, int up, int corner)
    {
        int a = Math.Abs(up - corner), b = Math.Abs(left - corner), c = Math.Abs(left + up - (2 * corner));
        return a <= b && a <= c ? left : b <= c ? up : corner;
    }
}
