using System.Runtime.InteropServices;
using System.Text;

namespace NativeStyle.Imaging;

/// <summary>Writes .npy (numpy.lib.format version 1.0): float32, (height, width, 3), RGB 0..1, unrounded.</summary>
internal static class NpyEncoder
{
    public static void Write(Stream file, Picture picture)
    {
        string shape = $"({picture.Height}, {picture.Width}, 3)";
        string header = $"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}";
        // Magic, version, length and header together take a multiple of 64 bytes. The header ends with a newline.
        int length = ((10 + header.Length + 1 + 63) / 64 * 64) - 10;
        file.Write([0x93, .. "NUMPY"u8, 1, 0, (byte)length, (byte)(length >> 8)]);
        file.Write(Encoding.ASCII.GetBytes(header.PadRight(length - 1) + "\n"));
        if (!BitConverter.IsLittleEndian)
            throw new PlatformNotSupportedException("float32 little-endian is written as it lies");
        picture.ForEachRow((_, row) => file.Write(MemoryMarshal.AsBytes(row)));
    }
}
