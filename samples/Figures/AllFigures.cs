namespace NativeStyle.Figures;

/// <summary>The figures by the names of their files.</summary>
public static class AllFigures
{
    public static IReadOnlyList<(string Name, Func<string> Draw)> ByName { get; } =
    [
        ("receptive-field", ReceptiveFieldFigure.Draw), ("im2col", Im2ColFigure.Draw),
        ("winograd-by-hand", WinogradByHandFigure.Draw), ("winograd", WinogradFigure.Draw),
        ("tile-and-registers", TileFigure.Draw), ("tape", TapeFigure.Draw), ("halo", HaloFigure.Draw),
        ("difference-step", DifferenceStepFigure.Draw),
    ];
}
