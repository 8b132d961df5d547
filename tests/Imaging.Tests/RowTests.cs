using System.Buffers.Binary;

namespace NativeStyle.Imaging.Tests;

/// <summary>
/// Decodes, resizes and writes pictures row by row. The values are the same as with the whole picture in memory.
/// </summary>
public class RowTests
{
    [Fact]
    public void RowsAreResizedToTheSameBytesAsTheWhole()
    {
        var random = new Random(5);
        for (int round = 0; round < 60; round++)
        {
            (int height, int width) = (random.Next(1, 60), random.Next(1, 60));
            (int newHeight, int newWidth) = (random.Next(1, 90), random.Next(1, 90));
            if (round % 5 == 0) newHeight = height;
            if (round % 7 == 0) newWidth = width;
            Picture picture = Pictures.Random(height, width, round);
            // A picture that is mapped to itself is a source that has only rows.
            Picture resized = picture.Mapped(_ => { }).At(newHeight, newWidth);
            Assert.Equal(Resampler.Resize(picture, newHeight, newWidth).Pixels, resized.Pixels);
        }
    }

    /// <summary>
    /// A file is decoded once and used at several sizes. It is kept in three bytes per pixel, or in six if it has 16
    /// bits or is transparent.
    /// </summary>
    [Theory]
    [InlineData(".png", 8, 3)]
    [InlineData(".png", 16, 6)]
    [InlineData(".jpg", 8, 3)]
    public void FilesAreKeptAsTheyAreAndUsedAtSeveralSizes(string extension, int depth, int bytes)
    {
        using var folder = new TemporaryFolder();
        string file = folder.File("large" + extension);
        PictureFile.Write(file, Pictures.Smooth(300, 420), new PictureWriteOptions(PngDepth: depth));
        PictureSource source = PictureFile.Open(file);
        Picture whole = PictureFile.Read(file);
        // The rest of the test needs no file.
        File.Delete(file);
        Assert.Equal((300, 420), (source.Height, source.Width));
        Assert.Equal(bytes * 300 * 420, source.HeldBytes);
        Assert.Equal(Resampler.Resize(whole, 90, 125).Pixels, source.At(90, 125).Pixels);
        Assert.Equal(whole.Pixels, source.At(300, 420).Pixels);
        Picture part = Resampler.Resize(Part(whole, 100, 200, 150, 180), 30, 44);
        Assert.Equal(part.Pixels, source.Cropped(100, 200, 150, 180).At(30, 44).Pixels);
    }

    /// <summary>Exif 6: the camera was held upright, and rows are stored as columns.</summary>
    [Fact]
    public void ATurnedPictureIsUsedUpright()
    {
        using var folder = new TemporaryFolder();
        string file = folder.File("turned.jpg");
        PictureFile.Write(file, Pictures.Smooth(170, 260));
        byte[] plain = File.ReadAllBytes(file);
        byte[] exif =
        [
            0xFF, 0xE1, 0, 34, .. "Exif\0\0II*\0"u8, 8, 0, 0, 0, 1, 0, 0x12, 1, 3, 0, 1, 0, 0, 0,
            6, 0, 0, 0, 0, 0, 0, 0,
        ];
        File.WriteAllBytes(file, [.. plain[..2], .. exif, .. plain[2..]]);
        PictureSource source = PictureFile.Open(file);
        Assert.Equal((260, 170), (source.Height, source.Width));
        Picture small = source.At(130, 85);
        Pictures.AssertClose(Resampler.Resize(PictureFile.Read(file), 130, 85), small, 1e-5);
        Assert.Contains("turned upright", string.Join(' ', source.Notices), StringComparison.Ordinal);
    }

    /// <summary>A picture that does not compress fills several IDAT chunks.</summary>
    [Fact]
    public void ALargePngIsWrittenInChunksThatMakeOnePicture()
    {
        Picture noise = Pictures.Random(900, 1100, 3);
        byte[] file = PictureFile.Encode(noise, ".png", new PictureWriteOptions(PngDepth: 16));
        int chunks = 0;
        for (int at = 8; at < file.Length; at += 12 + BinaryPrimitives.ReadInt32BigEndian(file.AsSpan(at)))
            if (file.AsSpan(at + 4, 4).SequenceEqual("IDAT"u8)) chunks++;
        Assert.InRange(chunks, 4, 9);
        Pictures.AssertClose(noise, PictureFile.Decode(file), 0.51 / 65535);
    }

    private static Picture Part(Picture picture, int top, int left, int height, int width)
    {
        var part = new Picture(height, width);
        for (int y = 0; y < height; y++)
            {
                Span<float> target = part.Pixels.AsSpan(3 * y * width);
                picture.Pixels.AsSpan((((top + y) * picture.Width) + left) * 3, 3 * width).CopyTo(target);
            }

        return part;
    }
}
