using NativeStyle.GradientCheck;

namespace NativeStyle.Figures;

/// <summary>The error of central differences over their step: a V, half of one, and a cliff.</summary>
internal static class DifferenceStepFigure
{
    private const double Left = 84, Top = 62, Width = 500, Height = 290;
    private const double Least = 1e-17, Most = 1e1;
    private const int LastPower = 44;

    public static string Draw()
    {
        var drawing = new Drawing(860, 420, "The error of central differences over their step h");
        drawing.Text(
            24, 30, "Central differences against the exact gradient, relative to the sum of the terms", bold: true);
        for (int decade = -16; decade <= 0; decade += 4)
        {
            drawing.Line(Left, Y(Math.Pow(10, decade)), Left + Width, Y(Math.Pow(10, decade)), Ink.Line, 0.5);
            drawing.Text(Left - 8, Y(Math.Pow(10, decade)) + 5, Power("10", decade), Ink.Soft, 13, "end");
        }

        for (int power = 4; power <= LastPower; power += 8)
        {
            drawing.Line(X(power), Top + Height, X(power), Top + Height + 5, Ink.Line);
            drawing.Text(X(power), Top + Height + 22, Power("2", -power), Ink.Soft, 13, "middle");
        }

        drawing.Line(Left, Top + Height, Left + Width, Top + Height, Ink.Line);
        drawing.Text(Left + (Width / 2), Top + Height + 44, "step h", Ink.Soft, 13, "middle");
        const int Used = 10;
        drawing.Line(X(Used), Top, X(Used), Top + Height, Ink.Soft, 1, dashed: true);
        drawing.Text(X(Used), Top - 8, "h of gradcheck", Ink.Soft, 13, "middle");

        CheckCase[] cases = [.. OperatorCases.AtShape(1, 4, 6, 3)];
        (string Operator, Ink Ink, string[] Words)[] curves =
        [
            ("L2Pool", Ink.Blue, ["L2 pooling is smooth", "h² on the right,", "rounding / h on the left"]),
            ("Gram", Ink.Green, ["Gram is quadratic", "no third derivative,", "so only rounding is left"]),
            (
                "ReLU", Ink.Orange,
                [
                    "ReLU has a kink", "far off until h is shorter", "than the way to the kink,",
                    "then exact (0 is the floor)",
                ]),
        ];
        double y = Top + 24;
        foreach ((string name, Ink ink, string[] words) in curves)
        {
            CheckCase check = cases.First(each => each.Operator == name);
            // An error of zero has no logarithm; it lies on the floor.
            drawing.Curve(
                GradientChecker.Sweep(check).Select(point =>
                    (X(-Math.Log2(point.Step)), Y(Math.Clamp(point.Error, Least, Most)))),
                ink, 2.2);
            drawing.Line(Left + Width + 18, y - 5, Left + Width + 38, y - 5, ink, 3);
            for (int i = 0; i < words.Length; i++)
                drawing.Text(
                    Left + Width + (i == 0 ? 46 : 18), y + (i * 18), words[i], i == 0 ? ink : Ink.Soft, 13,
                    bold: i == 0);
            y += 92;
        }

        return drawing.Svg();
    }

    /// <summary>Short steps are on the left.</summary>
    private static double X(double power) => Left + (Width * (LastPower - power) / (LastPower - 1));

    private static double Y(double error) =>
        Top + (Height * Math.Log10(Most / error) / Math.Log10(Most / Least));

    private static string Power(string root, int power) => root + string.Concat(
        $"{power}".Select(digit => digit == '-' ? '⁻' : "⁰¹²³⁴⁵⁶⁷⁸⁹"[digit - '0']));
}
