namespace NativeStyle.Imaging.Jpeg;

/// <summary>One component (Y, Cb, Cr, ...) of a frame with its quantised coefficients.</summary>
internal sealed class Component(int id, int horizontal, int vertical, int quantization)
{
    public int Id => id;

    /// <summary>Sampling factors: blocks of this component across and down an MCU.</summary>
    public int Horizontal => horizontal;

    public int Vertical => vertical;

    public int Quantization => quantization;

    /// <summary>Samples across and down that belong to the picture.</summary>
    public int Width { get; set; }

    public int Height { get; set; }

    /// <summary>Blocks across and down, filled up to whole MCUs.</summary>
    public int BlocksAcross { get; set; }

    public int BlocksDown { get; set; }

    /// <summary>64 coefficients a block, in natural order, of all rows of MCUs or of one: see <see cref="Frame.Allocate"/>.</summary>
    public short[] Coefficients { get; set; } = [];

    public HuffmanTable? DcTable { get; set; }

    public HuffmanTable? AcTable { get; set; }

    public int DcPrediction { get; set; }
}

/// <summary>A frame: its size, its components, and whether it comes in progressive scans.</summary>
internal sealed class Frame
{
    private const int MaxSampling = 4;

    public required int Width { get; init; }

    public required int Height { get; init; }

    public required bool Progressive { get; init; }

    public required Component[] Components { get; init; }

    public int MaxHorizontal => Components.Max(component => component.Horizontal);

    public int MaxVertical => Components.Max(component => component.Vertical);

    public int McusAcross => (Width + (8 * MaxHorizontal) - 1) / (8 * MaxHorizontal);

    public int McusDown => (Height + (8 * MaxVertical) - 1) / (8 * MaxVertical);

    /// <summary>Takes memory for the coefficients of all rows of MCUs, or for one row at a time.</summary>
    public void Allocate(bool whole)
    {
        foreach (Component component in Components)
            component.Coefficients = new short[checked(64 * component.BlocksAcross * component.Vertical * (whole ? McusDown : 1))];
    }

    /// <summary>Parses a start-of-frame segment.</summary>
    /// <param name="fileLength">For a bound on what so many bytes can hold.</param>
    public static Frame Parse(ReadOnlySpan<byte> body, bool progressive, int fileLength)
    {
        if (body.Length < 6 || body.Length != 6 + (3 * body[5])) throw new InvalidDataException("is a damaged JPEG: a bad frame header");
        int height = (body[1] << 8) | body[2], width = (body[3] << 8) | body[4];
        if (body[0] != 8) throw new InvalidDataException($"is a JPEG with {body[0]} bits a sample, expected 8; convert it to PNG");
        if (width == 0 || height == 0 || (long)width * height > PictureFile.MaxPixels)
            throw new InvalidDataException($"states {width} x {height} pixels, expected 1 to {PictureFile.MaxPixels:n0} in all");
        if (body[5] is not (1 or 3 or 4)) throw new InvalidDataException($"is a JPEG with {body[5]} components, expected 1, 3 or 4");
        var components = new Component[body[5]];
        for (int i = 0; i < components.Length; i++)
        {
            ReadOnlySpan<byte> c = body.Slice(6 + (3 * i), 3);
            (int h, int v) = (c[1] >> 4, c[1] & 15);
            if (h is 0 or > MaxSampling || v is 0 or > MaxSampling || c[2] > 3)
                throw new InvalidDataException($"is a damaged JPEG: sampling {h} x {v} with quantisation table {c[2]}");
            // A single component's factors mean nothing: its MCU is one block (T.81, A.2.2).
            components[i] = components.Length == 1 ? new Component(c[0], 1, 1, c[2]) : new Component(c[0], h, v, c[2]);
        }

        var frame = new Frame { Width = width, Height = height, Progressive = progressive, Components = components };
        long blocks = (long)frame.McusAcross * frame.McusDown * components.Sum(c => c.Horizontal * c.Vertical);
        // No block takes less than a bit: a small file that states a huge picture is refused before memory is taken.
        if (blocks > 8L * fileLength)
            throw new InvalidDataException($"is a damaged or truncated JPEG: {fileLength:n0} bytes do not hold {width} x {height} pixels");
        foreach (Component component in components)
        {
            component.Width = ((width * component.Horizontal) + frame.MaxHorizontal - 1) / frame.MaxHorizontal;
            component.Height = ((height * component.Vertical) + frame.MaxVertical - 1) / frame.MaxVertical;
            component.BlocksAcross = frame.McusAcross * component.Horizontal;
            component.BlocksDown = frame.McusDown * component.Vertical;
        }

        return frame;
    }
}
