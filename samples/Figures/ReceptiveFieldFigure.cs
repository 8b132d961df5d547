using NativeStyle.Kernels.Operators.Pool2x2;
using NativeStyle.Vgg;

namespace NativeStyle.Figures;

/// <summary>The way down from one unit to the pixels that it sees, and the fields of VGG-19 to scale.</summary>
internal static class ReceptiveFieldFigure
{
    private static readonly Ink[] s_blocks = [Ink.Blue, Ink.Orange, Ink.Green, Ink.Purple, Ink.Text];

    public static string Draw()
    {
        var drawing = new Drawing(860, 430, "The receptive fields of VGG-19's layers");
        Down(drawing);
        ToScale(drawing);
        return drawing.Svg();
    }

    /// <summary>One row of a unit of conv2_1, of the units below it, and of the pixels.</summary>
    private static void Down(Drawing drawing)
    {
        const double Middle = 205, Pitch = 34, Step = 66, Top = 74;
        drawing.Text(24, 30, "One unit of conv2_1 sees 10 pixels across", bold: true);
        var plan = new VggPlan(VggArchitecture.Vgg19, new VggOptions(Pooling.Average), ["conv2_1"]);
        List<(string Name, int Units, int Width)> rows = [("", 1, 2)];
        int units = 1, width = 2;
        foreach (VggStep step in plan.Steps.Reverse().OfType<ConvolutionStep>())
        {
            var convolution = (ConvolutionStep)step;
            if (convolution.Pooling != Pooling.None)
            {
                rows[^1] = ("pooled " + convolution.Layer.Name, units, width);
                (units, width) = (2 * units, width / 2);
                rows.Add(("", units, width));
            }

            rows[^1] = (convolution.Layer.Name, units, width);
            units += 2;
            rows.Add(("", units, width));
        }

        rows[^1] = ("pixels", units, width);
        for (int i = 0; i < rows.Count; i++)
        {
            (string name, int count, int span) = rows[i];
            double y = Top + (i * Step), left = Middle - (count * span * Pitch / 4);
            if (i + 1 < rows.Count)
            {
                double below = rows[i + 1].Units * rows[i + 1].Width * Pitch / 4;
                double half = count * span * Pitch / 4;
                drawing.Polygon(
                    [
                        (Middle - half, y + 20), (Middle + half, y + 20), (Middle + below, y + Step),
                        (Middle - below, y + Step),
                    ],
                    Ink.Blue, 0.12);
            }

            for (int unit = 0; unit < count; unit++)
                drawing.Rectangle(
                    left + (unit * span * Pitch / 2) + 2, y, (span * Pitch / 2) - 4, 20,
                    i == rows.Count - 1 ? Ink.Faint : Ink.Blue, Ink.Line, i == rows.Count - 1 ? 1 : 0.55, 1, 3);
            drawing.Text(24, y - 6, $"{name}: {count}", Ink.Soft, 13);
        }

        drawing.Text(24, 418, "a convolution: one more on either side; a pooling: twice", Ink.Soft, 13);
    }

    /// <summary>The fields of the first layer of each block, and of the deepest, in the middle of a picture.</summary>
    private static void ToScale(Drawing drawing)
    {
        const double Left = 438, Top = 62, Scale = 1.22;
        const int Side = 256;
        drawing.Text(Left, 30, "VGG-19's fields on a picture of 256 x 256", bold: true);
        drawing.Rectangle(Left, Top, Side * Scale, Side * Scale, Ink.Faint);
        IEnumerable<VggLayer> layers =
            VggArchitecture.Vgg19.Layers.GroupBy(layer => layer.Block).Select(block => block.First());
        double y = Top + 10;
        foreach (VggLayer layer in layers.Append(VggArchitecture.Vgg19.Layers[^1]).Reverse())
        {
            int size = ReceptiveField.Of(VggArchitecture.Vgg19, layer).Size;
            Ink ink = s_blocks[layer.Block - 1];
            double edge = Left + ((Side + size) * Scale / 2), from = Left + ((Side - size) * Scale / 2);
            drawing.Rectangle(from, Top + ((Side - size) * Scale / 2), size * Scale, size * Scale, ink, ink, 0.1, 2);
            drawing.Line(edge, y, Left + (Side * Scale) + 10, y, ink, 1, dashed: true);
            if (y < Top + ((Side - size) * Scale / 2) || size < 40)
                drawing.Line(edge, y, edge, Top + ((Side - size) * Scale / 2), ink, 1, dashed: true);
            drawing.Text(Left + (Side * Scale) + 14, y + 5, $"{layer.Name} {size}", ink, 13);
            y += 26;
        }

        drawing.Text(Left, 418, "fields are squares; sides in pixels", Ink.Soft, 13);
    }
}
