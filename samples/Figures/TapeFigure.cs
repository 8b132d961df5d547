using NativeStyle.Autodiff;
using NativeStyle.Autodiff.Operators;
using NativeStyle.Kernels.Devices;
using NativeStyle.Vgg;
using NativeStyle.Vgg.Weights;

namespace NativeStyle.Figures;

/// <summary>A small transfer as its tape notes it, and the pass back with the gradients' norms.</summary>
internal static class TapeFigure
{
    private const double BoxWidth = 140, BoxHeight = 66, StepX = 168, StepY = 108, Left = 24, Top = 74;
    private const string StyleLayer = "conv1_1", ContentLayer = "conv2_1";

    public static string Draw()
    {
        IReadOnlyList<TapeNode> nodes = Record();
        var drawing = new Drawing(860, 384, "The tape of a small transfer, forward and back");
        drawing.Text(24, 30, "The tape, in the order of its numbers; back, in the opposite order", bold: true);
        drawing.Text(24, 50, "forward", Ink.Soft, 13);
        drawing.Line(78, 46, 112, 46, Ink.Soft, 1.5, true);
        drawing.Text(130, 50, "gradient", Ink.Orange, 13);
        drawing.Line(222, 46, 188, 46, Ink.Orange, 1.5, true);
        (int Column, int Row)[] places = Layout(nodes);
        Box((0, 0), "the picture", "(16, 16, 3)", "dL/dx, for Adam", Ink.Blue);
        for (int i = 0; i < nodes.Count; i++)
        {
            Box(
                places[i], $"#{i} {nodes[i].Name}", nodes[i].Shape.Rank == 0 ? "a number" : $"{nodes[i].Shape}",
                $"‖dL/d.‖ = {Drawing.Words(nodes[i].GradientNorm!.Value, "g3")}",
                nodes[i].Shape.Rank == 3 ? Ink.Blue : nodes[i].Shape.Rank == 2 ? Ink.Purple : Ink.Green);
            foreach (int input in nodes[i].Inputs) Arrows(input < 0 ? (0, 0) : places[input], places[i]);
        }

        int[] Users(int of) => [.. Enumerable.Range(0, nodes.Count).Where(i => nodes[i].Inputs.Contains(of))];
        int twice = Enumerable.Range(0, nodes.Count).First(i => Users(i).Length > 1);
        int[] users = Users(twice);
        drawing.Text(Left, Top + StepY + 26, $"#{twice} is used twice: of its two gradients,", Ink.Orange, 13);
        drawing.Text(Left, Top + StepY + 46, $"that from #{users[^1]} overwrites (β = 0),", Ink.Orange, 13);
        drawing.Text(Left, Top + StepY + 66, $"and that from #{users[0]} adds (β = 1)", Ink.Orange, 13);
        return drawing.Svg();

        void Box((int Column, int Row) at, string name, string shape, string gradient, Ink ink)
        {
            double x = Left + (at.Column * StepX), y = Top + (at.Row * StepY);
            drawing.Rectangle(x, y, BoxWidth, BoxHeight, ink, ink, 0.14, 1.5, 6);
            drawing.Text(x + 10, y + 20, name, size: 13, bold: true);
            drawing.Text(x + 10, y + 39, shape, Ink.Soft, 13);
            drawing.Text(x + 10, y + 57, gradient, Ink.Orange, 12);
        }

        void Arrows((int Column, int Row) from, (int Column, int Row) to)
        {
            double x1 = Left + (from.Column * StepX), y1 = Top + (from.Row * StepY);
            double x2 = Left + (to.Column * StepX), y2 = Top + (to.Row * StepY);
            if (from.Row == to.Row)
            {
                drawing.Line(x1 + BoxWidth + 2, y1 + 24, x2 - 3, y2 + 24, Ink.Soft, 1.5, true);
                drawing.Line(x2 - 2, y2 + 44, x1 + BoxWidth + 3, y1 + 44, Ink.Orange, 1.5, true);
            }
            else
            {
                double start = x1 + (BoxWidth / 2), end = x2 + (BoxWidth / 2);
                drawing.Line(start - 10, y1 + BoxHeight + 2, end - 10, y2 - 3, Ink.Soft, 1.5, true);
                drawing.Line(end + 10, y2 - 2, start + 10, y1 + BoxHeight + 3, Ink.Orange, 1.5, true);
            }
        }
    }

    /// <summary>Maps go across. What is made of a map goes down from it. The sum ends the last row.</summary>
    private static (int Column, int Row)[] Layout(IReadOnlyList<TapeNode> nodes)
    {
        var places = new (int Column, int Row)[nodes.Count];
        int maps = 0;
        for (int i = 0; i < nodes.Count; i++)
        {
            if (nodes[i].Shape.Rank == 3) places[i] = (++maps, 0);
            else if (nodes[i].Inputs.Count == 1)
                places[i] = (places[nodes[i].Inputs[0]].Column, places[nodes[i].Inputs[0]].Row + 1);
            else places[i] = (maps - 1, 2);
        }

        return places;
    }

    /// <summary>
    /// One evaluation with random filters: the first layer's Gram matrix against a style's, and the features of a
    /// deeper layer against a content's. The narrowest vectors give the same numbers on every machine.
    /// </summary>
    private static IReadOnlyList<TapeNode> Record()
    {
        using var device = new CpuDevice(1, 128);
        using var network = new VggNetwork(
            device, RandomWeights.Create(VggArchitecture.Vgg19, 1, ContentLayer), new VggOptions());
        using Tensor content = Picture(1), style = Picture(2), start = Picture(3);
        using var targets = new Tape(device);
        Tensor contentTarget = network.Features(targets, content, 1, [ContentLayer]).Single().Map;
        Tensor styleTarget = Gram(targets, network.Features(targets, style, 1, [StyleLayer]).Single().Map);
        using var tape = new Tape(device);
        tape.Observe();
        List<Tensor> losses = [];
        foreach ((string layer, Tensor map) in network.Features(tape, start, 1, [StyleLayer, ContentLayer]))
        {
            (Tensor value, Tensor target) =
                layer == ContentLayer ? (map, contentTarget) : (Gram(tape, map), styleTarget);
            losses.Add(tape.SquaredError(value, target, 1 / (target.Norm() * target.Norm())));
        }

        tape.Backward(tape.Sum(losses));
        return tape.Observed;

        Tensor Picture(int seed)
        {
            var random = new Random(seed);
            float[] pixels = [.. Enumerable.Range(0, 16 * 16 * 3).Select(_ => random.NextSingle())];
            return new Tensor(device, new Shape(16, 16, 3), pixels, requiresGradient: seed == 3);
        }

        static Tensor Gram(Tape tape, Tensor map) => tape.Gram(map, 1f / (map.Shape[0] * map.Shape[1]));
    }
}
