namespace NativeStyle.Kernels.Operators.Conv3x3;

/// <summary>
/// The direction of a convolution's pass. Backward to data is a convolution too: of dz, with in and out exchanged and
/// every filter rotated by 180 degrees.
/// </summary>
internal enum Direction
{
    Forward,
    Backward,
}
