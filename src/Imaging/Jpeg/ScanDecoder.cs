namespace NativeStyle.Imaging.Jpeg;

/// <summary>
/// Decodes one scan's Huffman-coded coefficients: sequential (T.81, F.2) or one of the four kinds of progressive scans
/// (G.2; names as there: Ss and Se the first and last coefficient, Ah and Al the bit positions before and after).
/// </summary>
internal sealed class ScanDecoder(Frame frame, Component[] components, int ss, int se, int ah, int al, BitReader bits)
{
    private int _endOfBand;

    /// <summary>Decodes all MCUs of the scan.</summary>
    /// <param name="restartInterval">MCUs between restart markers; 0 for none.</param>
    /// <param name="rowDone">
    /// Called after each row of MCUs, where coefficients are those of one row: they begin as zeros in the next. Null where the
    /// components hold all of them.
    /// </param>
    public void Run(int restartInterval, Action? rowDone = null)
    {
        foreach (Component component in components) component.DcPrediction = 0;
        bool single = components.Length == 1;
        // A scan of one component has only the blocks that hold samples of the picture, one an MCU (T.81, A.2.2).
        int across = single ? (components[0].Width + 7) / 8 : frame.McusAcross;
        int down = single ? (components[0].Height + 7) / 8 : frame.McusDown;
        int untilRestart = restartInterval;
        for (int row = 0; row < down; row++)
        {
            if (rowDone is not null)
                foreach (Component component in components) Array.Clear(component.Coefficients);
            for (int column = 0; column < across; column++)
            {
                if (restartInterval > 0 && untilRestart-- == 0)
                {
                    bits.Restart();
                    _endOfBand = 0;
                    foreach (Component component in components) component.DcPrediction = 0;
                    untilRestart = restartInterval - 1;
                }

                int at = rowDone is null ? row : 0;
                if (single) DecodeBlock(components[0], at, column);
                else DecodeMcu(at, column);
            }

            rowDone?.Invoke();
        }
    }

    private void DecodeMcu(int row, int column)
    {
        foreach (Component component in components)
        {
            for (int y = 0; y < component.Vertical; y++)
            for (int x = 0; x < component.Horizontal; x++)
                DecodeBlock(component, (row * component.Vertical) + y, (column * component.Horizontal) + x);
        }
    }

    private void DecodeBlock(Component component, int row, int column)
    {
        Span<short> block = component.Coefficients.AsSpan(64 * ((row * component.BlocksAcross) + column), 64);
        if (!frame.Progressive) Sequential(component, block);
        else if (ss == 0 && ah == 0) block[0] = (short)(NextDc(component) << al);
        else if (ss == 0) block[0] |= (short)(bits.Read(1) << al);
        else if (ah == 0) FirstAc(component, block);
        else RefineAc(component, block);
    }

    private int NextDc(Component component)
    {
        int size = Table(component.DcTable).Decode(bits);
        if (size > 15) throw new InvalidDataException("is a damaged JPEG: a DC difference of more than 15 bits");
        return component.DcPrediction += bits.ReadSigned(size);
    }

    private void Sequential(Component component, Span<short> block)
    {
        block[0] = (short)NextDc(component);
        HuffmanTable table = Table(component.AcTable);
        for (int k = 1; k < 64; k++)
        {
            int symbol = table.Decode(bits), size = symbol & 15, zeros = symbol >> 4;
            if (size == 0)
            {
                if (zeros < 15) return;
                k += 15;
                continue;
            }

            k += zeros;
            if (k > 63) throw TooMany();
            block[JpegTables.ZigZag[k]] = (short)bits.ReadSigned(size);
        }
    }

    private void FirstAc(Component component, Span<short> block)
    {
        if (_endOfBand > 0)
        {
            _endOfBand--;
            return;
        }

        HuffmanTable table = Table(component.AcTable);
        for (int k = ss; k <= se; k++)
        {
            int symbol = table.Decode(bits), size = symbol & 15, zeros = symbol >> 4;
            if (size == 0)
            {
                if (zeros < 15)
                {
                    _endOfBand = (1 << zeros) - 1 + bits.Read(zeros);
                    return;
                }

                k += 15;
                continue;
            }

            k += zeros;
            if (k > se) throw TooMany();
            block[JpegTables.ZigZag[k]] = (short)(bits.ReadSigned(size) << al);
        }
    }

    private void RefineAc(Component component, Span<short> block)
    {
        HuffmanTable table = Table(component.AcTable);
        int k = ss;
        if (_endOfBand == 0)
        {
            for (; k <= se; k++)
            {
                int symbol = table.Decode(bits), size = symbol & 15, zeros = symbol >> 4, value = 0;
                if (size != 0) value = bits.Read(1) != 0 ? 1 << al : -1 << al;
                else if (zeros < 15)
                {
                    _endOfBand = (1 << zeros) + bits.Read(zeros);
                    break;
                }

                // Pass over the coefficients that are known already, refining each, and over `zeros` that are not.
                for (; k <= se; k++)
                {
                    ref short coefficient = ref block[JpegTables.ZigZag[k]];
                    if (coefficient != 0) Refine(ref coefficient);
                    else if (zeros-- == 0) break;
                }

                if (value == 0) continue;
                if (k > se) throw TooMany();
                block[JpegTables.ZigZag[k]] = (short)value;
            }
        }

        if (_endOfBand == 0) return;
        for (; k <= se; k++)
        {
            ref short coefficient = ref block[JpegTables.ZigZag[k]];
            if (coefficient != 0) Refine(ref coefficient);
        }

        _endOfBand--;
    }

    private void Refine(ref short coefficient)
    {
        if (bits.Read(1) == 0 || (coefficient & (1 << al)) != 0) return;
        coefficient += (short)(coefficient > 0 ? 1 << al : -1 << al);
    }

    private static HuffmanTable Table(HuffmanTable? table) =>
        table ?? throw new InvalidDataException("is a damaged JPEG: a scan uses a Huffman table that is not there");

    private static InvalidDataException TooMany() => new("is a damaged JPEG: a block with more than 64 coefficients");
}
