// Reverse-mode autodiff in a hundred lines: a tape of scalars, printed as a graph. Then each scalar becomes a map.
//
//   y[p] = max(0, w x[p] + b)        L = Σ_p (y[p] - t[p])²
//
// Run it from the root of the repository:  dotnet run --project samples/MicroTape
// Exit code 0: the scalars' gradients are those of central differences and of the library's tape; 1: they are not.
using System.Globalization;
using NativeStyle.Autodiff;
using NativeStyle.Autodiff.Operators;
using NativeStyle.Kernels.Devices;

namespace NativeStyle.Samples;

/// <summary>A number, the number's gradient, and how both came about.</summary>
public sealed class Scalar(MicroTape tape, string name, double value, Scalar[] inputs, Action<double> backward)
{
    public string Name => name;

    public double Value => value;

    public IReadOnlyList<Scalar> Inputs => inputs;

    /// <summary>dL/d(this), once the tape has gone back. A number that is used twice gets the sum.</summary>
    public double Gradient { get; set; }

    /// <summary>Hands dL/d(this) on: each input gets it times the derivative with respect to that input.</summary>
    public void Backward() => backward(Gradient);

    public static Scalar operator +(Scalar a, Scalar b) => a.Record("+", a.Value + b.Value, [a, b], dy =>
    {
        a.Gradient += dy;
        b.Gradient += dy;
    });

    public static Scalar operator -(Scalar a, Scalar b) => a.Record("-", a.Value - b.Value, [a, b], dy =>
    {
        a.Gradient += dy;
        b.Gradient -= dy;
    });

    public static Scalar operator *(Scalar a, Scalar b) => a.Record("*", a.Value * b.Value, [a, b], dy =>
    {
        a.Gradient += dy * b.Value;
        b.Gradient += dy * a.Value;
    });

    public Scalar Relu() => Record("max(0, .)", Math.Max(0, value), [this], dy => Gradient += value > 0 ? dy : 0);

    private Scalar Record(string operation, double result, Scalar[] from, Action<double> back) =>
        tape.Record(new Scalar(tape, operation, result, from, back));
}

/// <summary>The numbers in the order in which they were computed. Gradients go through the list from its end.</summary>
public sealed class MicroTape
{
    private readonly List<Scalar> _numbers = [];

    public Scalar Number(string name, double value) => Record(new Scalar(this, name, value, [], _ => { }));

    public Scalar Record(Scalar number)
    {
        _numbers.Add(number);
        return number;
    }

    /// <summary>
    /// Every number that used y comes after y in the list. So dL/dy is complete before y hands it on, without any
    /// sorting of the graph.
    /// </summary>
    public void Backward(Scalar loss)
    {
        loss.Gradient = 1;
        for (int i = _numbers.Count - 1; i >= 0; i--) _numbers[i].Backward();
    }

    /// <summary>Prints what a number was made from, below it. What is used again is printed once.</summary>
    public void Print(Scalar number, string indent = "", HashSet<Scalar>? printed = null)
    {
        printed ??= [];
        string again = printed.Add(number) ? "" : "  (as above)", place = $"#{_numbers.IndexOf(number)} {number.Name}";
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"{indent + place,-32}{number.Value,8} {number.Gradient,8}{again}"));
        if (again.Length > 0) return;
        foreach (Scalar input in number.Inputs) Print(input, indent + "   ", printed);
    }
}

public static class Program
{
    private const double W = 2, B = -0.5;

    /// <summary>L of some pixels. It is all there is to write: the gradients come from the tape.</summary>
    private static Scalar Loss(MicroTape tape, Scalar w, Scalar b, IEnumerable<Scalar> x, double[] t)
    {
        Scalar[] errors = [.. x.Select((pixel, p) => ((w * pixel) + b).Relu() - tape.Number($"t{p}", t[p]))];
        return errors.Select(error => error * error).Aggregate((sum, square) => sum + square);
    }

    /// <summary>The gradients of L by the tape of scalars: of w, of b and of each pixel.</summary>
    private static double[] Gradients(double[] x, double[] t, double w, double b, out double loss, bool print = false)
    {
        var tape = new MicroTape();
        Scalar[] leaves =
            [tape.Number("w", w), tape.Number("b", b), .. x.Select((value, p) => tape.Number($"x{p}", value))];
        Scalar total = Loss(tape, leaves[0], leaves[1], leaves[2..], t);
        tape.Backward(total);
        if (print) tape.Print(total);
        loss = total.Value;
        return [.. leaves.Select(leaf => leaf.Gradient)];
    }

    public static int Main()
    {
        Console.WriteLine("One pixel. Each number stands above those that it was made from.\n");
        Console.WriteLine($"{"number",-32}{"value",8} {"dL/d.",8}");
        Gradients([0.75], [0.25], W, B, out _, print: true);

        // w and b are used by every pixel, so their gradients are sums over pixels. The second pixel's ReLU is closed.
        double[] x = [0.75, 0.125, 1.5, 0.5], t = [0.25, 1, 2, 0];
        double[] scalars = Gradients(x, t, W, B, out double loss);

        // Central differences know nothing of the tape. L is quadratic between kinks, so they are exact up to rounding.
        const double H = 1.0 / 1024;
        double Moved(int i, double by)
        {
            double[] moved = [W, B, .. x];
            moved[i] += by;
            Gradients(moved[2..], t, moved[0], moved[1], out double at);
            return at;
        }

        double[] differences = [.. scalars.Select((_, i) => (Moved(i, H) - Moved(i, -H)) / (2 * H))];

        // Each scalar becomes a map. The tape of the library notes one operator for all pixels: a convolution whose
        // filter is w in its middle and zero around it, then the ReLU, then the sum of squares.
        using var device = new CpuDevice(1);
        using var layer = new Conv3x3Layer(device, [0, 0, 0, 0, (float)W, 0, 0, 0, 0], [(float)B], frozen: false);
        using var map = new Tensor(device, new Shape(2, 2, 1), ToFloat(x), requiresGradient: true);
        using var target = new Tensor(device, map.Shape, ToFloat(t));
        using var tape = new Tape(device);
        tape.Observe();
        Tensor y = tape.Conv3x3(map, layer, relu: true);
        tape.Backward(tape.SquaredError(y, target, scale: 1));
        float[] maps = [layer.Filter.GradientToArray()[4], layer.Bias.GradientToArray()[0], .. map.GradientToArray()];

        Console.WriteLine("\nFour pixels, and the same as maps of 2 x 2:\n");
        Console.WriteLine($"{"dL/d.",-8}{"scalars",12}{"differences",14}{"maps",12}");
        string[] names = ["w", "b", "x0", "x1", "x2", "x3"];
        for (int i = 0; i < names.Length; i++)
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture, $"{names[i],-8}{scalars[i],12}{differences[i],14:0.######}{maps[i],12}"));
        Console.WriteLine($"\nThe library's tape: {string.Join(
            ", ", tape.Observed.Select(node => $"{node.Name} {string.Join(" ", node.InputShapes)} -> {node.Shape}"))}");
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"L = {loss}"));

        // All numbers are small multiples of powers of two, so the maps' gradients are exact also in float32.
        bool agree = scalars.Zip(maps, (a, b) => a == b).All(same => same)
            && scalars.Zip(differences, (a, b) => Math.Abs(a - b)).All(apart => apart < 1e-9);
        Console.WriteLine(agree ? "all agree" : "they differ");
        return agree ? 0 : 1;
    }

    private static float[] ToFloat(double[] values) => Array.ConvertAll(values, value => (float)value);
}
