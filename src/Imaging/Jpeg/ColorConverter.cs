namespace NativeStyle.Imaging.Jpeg;

/// <summary>
/// From coefficients to rows of RGB: dequantisation, inverse DCT, upsampling, colour. It takes rows of MCUs as they come and
/// keeps three of them, because a sample between two rows is made of both.
/// </summary>
internal sealed class ColorConverter
{
    private readonly Frame _frame;
    private readonly Plane[] _planes;
    private readonly RowReader _rows;
    private readonly int? _adobeTransform;
    private readonly bool _luma;
    private readonly float[][] _samples;
    private readonly float[] _row;
    private int _next;

    /// <param name="rows">Gets the picture's rows, in their order.</param>
    public ColorConverter(Frame frame, ushort[]?[] quantization, int? adobeTransform, RowReader rows)
    {
        (_frame, _rows, _adobeTransform) = (frame, rows, adobeTransform);
        int count = frame.Components.Length;
        // Without Adobe's word three components are YCbCr, unless they are called R, G and B; four are CMYK.
        bool named = frame.Components.Select(component => component.Id).SequenceEqual([(int)'R', 'G', 'B']);
        _luma = count == 3 ? adobeTransform is > 0 || (adobeTransform is null && !named) : adobeTransform == 2;
        _planes = [.. frame.Components.Select(component => new Plane(frame, component, quantization[component.Quantization]
            ?? throw new InvalidDataException("is a damaged JPEG: a quantisation table is missing")))];
        _samples = [.. _planes.Select(_ => new float[frame.Width])];
        _row = new float[3 * frame.Width];
    }

    /// <summary>Takes the next row of MCUs.</summary>
    /// <param name="coefficientRow">The row of MCUs in the components' coefficients.</param>
    public void Add(int coefficientRow)
    {
        foreach (Plane plane in _planes) plane.Transform(_next, coefficientRow);
        _next++;
        // The last rows of this one may want samples of the next.
        if (_next > 1) Emit(_next - 2);
        if (_next == _frame.McusDown) Emit(_next - 1);
    }

    private void Emit(int mcuRow)
    {
        int height = 8 * _frame.MaxVertical;
        for (int y = mcuRow * height; y < Math.Min(_frame.Height, (mcuRow + 1) * height); y++)
        {
            for (int i = 0; i < _planes.Length; i++) _planes[i].Upsample(y, _samples[i]);
            Convert();
            _rows(y, _row);
        }
    }

    private void Convert()
    {
        int count = _planes.Length;
        for (int x = 0; x < _frame.Width; x++)
        {
            float a = _samples[0][x], b = count > 1 ? _samples[1][x] : a, c = count > 1 ? _samples[2][x] : a;
            if (count > 1 && _luma)
            {
                (float cb, float cr) = (b - 128f, c - 128f);
                (a, b, c) = (a + (1.402f * cr), a - (0.344136f * cb) - (0.714136f * cr), a + (1.772f * cb));
            }

            if (count == 4)
            {
                // Adobe stores inks inverted, 255 for none; YCCK's colours come out of the formula as 255 - ink.
                float k = _samples[3][x];
                if (_luma) (a, b, c) = (255f - a, 255f - b, 255f - c);
                if (_adobeTransform is null) (a, b, c, k) = (255f - a, 255f - b, 255f - c, 255f - k);
                float paper = Math.Clamp(k, 0f, 255f) / 255f;
                (a, b, c) = (Math.Clamp(a, 0f, 255f) * paper, Math.Clamp(b, 0f, 255f) * paper, Math.Clamp(c, 0f, 255f) * paper);
            }

            _row[3 * x] = Math.Clamp(a / 255f, 0f, 1f);
            _row[(3 * x) + 1] = Math.Clamp(b / 255f, 0f, 1f);
            _row[(3 * x) + 2] = Math.Clamp(c / 255f, 0f, 1f);
        }
    }

    /// <summary>A component's samples, 0 to 255, of the last three rows of MCUs.</summary>
    private sealed class Plane(Frame frame, Component component, ushort[] table)
    {
        private const int KeptMcuRows = 3;

        /// <summary>Blocks across of one piece of parallel work.</summary>
        private const int Piece = 64;

        private readonly int _keptRows = KeptMcuRows * 8 * component.Vertical;
        private readonly float[] _samples = new float[KeptMcuRows * 8 * component.Vertical * component.Width];
        private readonly (int First, int Second, float Weight)[] _across = Taps(component.Width, frame.Width, frame.MaxHorizontal, component.Horizontal);
        private readonly (int First, int Second, float Weight)[] _down = Taps(component.Height, frame.Height, frame.MaxVertical, component.Vertical);

        /// <summary>Inverse DCT of a row of MCUs.</summary>
        public void Transform(int mcuRow, int coefficientRow)
        {
            int blocks = (component.Width + 7) / 8;
            for (int v = 0; v < component.Vertical; v++)
            {
                int top = 8 * ((mcuRow * component.Vertical) + v), from = 64 * ((coefficientRow * component.Vertical) + v) * component.BlocksAcross;
                if (top >= component.Height) return;
                if (blocks <= Piece) TransformBlocks(top, from, 0, blocks);
                else Parallel.For(0, (blocks + Piece - 1) / Piece, piece => TransformBlocks(top, from, piece * Piece, Math.Min(blocks, (piece + 1) * Piece)));
            }
        }

        /// <summary>A row of the frame: linear between samples for a factor of two, as libjpeg does, else repeated.</summary>
        public void Upsample(int y, float[] row)
        {
            (int top, int bottom, float lower) = _down[y];
            ReadOnlySpan<float> above = Row(top), below = Row(bottom);
            if (component.Width == frame.Width && top == bottom)
            {
                above.CopyTo(row);
                return;
            }

            for (int x = 0; x < row.Length; x++)
            {
                (int left, int right, float weight) = _across[x];
                row[x] = Mix(Mix(above[left], above[right], weight), Mix(below[left], below[right], weight), lower);
            }
        }

        private void TransformBlocks(int top, int from, int first, int last)
        {
            Span<float> block = stackalloc float[64];
            for (int column = first; column < last; column++)
            {
                ReadOnlySpan<short> coefficients = component.Coefficients.AsSpan(from + (64 * column), 64);
                for (int i = 0; i < 64; i++) block[i] = coefficients[i] * table[i];
                Dct.Inverse(block);
                int height = Math.Min(8, component.Height - top), width = Math.Min(8, component.Width - (8 * column));
                for (int y = 0; y < height; y++)
                {
                    Span<float> row = Row(top + y).Slice(8 * column, width);
                    for (int x = 0; x < width; x++) row[x] = Math.Clamp(block[(8 * y) + x] + 128f, 0f, 255f);
                }
            }
        }

        private Span<float> Row(int y) => _samples.AsSpan(y % _keptRows * component.Width, component.Width);

        private static float Mix(float a, float b, float weight) => a + (weight * (b - a));

        private static (int First, int Second, float Weight)[] Taps(int size, int newSize, int most, int own)
        {
            var taps = new (int, int, float)[newSize];
            for (int i = 0; i < newSize; i++)
            {
                int nearest = Math.Min(i * own / most, size - 1);
                int neighbour = Math.Clamp(nearest + (i % 2 == 0 ? -1 : 1), 0, size - 1);
                taps[i] = most == 2 * own && size > 2 ? (nearest, neighbour, 0.25f) : (nearest, nearest, 0f);
            }

            return taps;
        }
    }
}
