using NativeStyle.Autodiff;
using NativeStyle.Autodiff.Operators;
using NativeStyle.GradientCheck;
using NativeStyle.Kernels.Devices;

namespace NativeStyle.Exercises.Tests;

public class BrokenBackwardTests
{
    /// <summary>Operators of the library with formulas that are right, and some that are not theirs.</summary>
    [Fact]
    public void TheCheckFindsWhatIsBroken()
    {
        using var device = new CpuDevice(1);
        static double Relu(double x) => Math.Max(x, 0);
        static double Step(double x) => x > 0 ? 1 : 0;
        CheckCase Case(string name, Func<double, double> formula, Func<double, double> derivative) =>
            TapeCase.Elementwise(name, (tape, x) => tape.Relu(x), formula, derivative);

        CheckCase[] cases =
        [
            Case("right", Relu, Step), Case("wrong output", x => Relu(x) + 1e-3, Step),
            Case("wrong gradient", Relu, x => 1.001 * Step(x)), Case("right too", Relu, Step),
            TapeCase.Elementwise("wrong in one of its cases", (tape, x) => tape.Relu(x), Relu, Step),
            TapeCase.Elementwise("wrong in one of its cases", (tape, x) => tape.Relu(x), Relu, x => 1),
        ];
        Assert.Equal(
            ["wrong output", "wrong gradient", "wrong in one of its cases"], BrokenBackward.Broken(cases, device));
    }

    [Fact]
    public void NoSuspectIsBrokenAnyMore()
    {
        using var device = new CpuDevice(1);
        static double Sigmoid(double x) => 1 / (1 + Math.Exp(-x));
        CheckCase[] cases =
        [
            TapeCase.Elementwise(
                "Bell", (tape, x) => tape.Bell(x), x => Math.Exp(-x * x), x => -2 * x * Math.Exp(-x * x)),
            TapeCase.Elementwise(
                "Softsign", (tape, x) => tape.Softsign(x), x => x / (1 + Math.Abs(x)),
                x => 1 / Math.Pow(1 + Math.Abs(x), 2)),
            TapeCase.Elementwise(
                "Swish", (tape, x) => tape.Swish(x), x => x * Sigmoid(x),
                x => Sigmoid(x) + (x * Sigmoid(x) * (1 - Sigmoid(x)))),
            TapeCase.Elementwise("LogCosh", (tape, x) => tape.LogCosh(x), x => Math.Log(Math.Cosh(x)), Math.Tanh),
        ];
        Assert.True(
            cases.All(check => GradientChecker.Check(check, device).Passed),
            "one of Bell, Softsign, Swish and LogCosh is still broken; your check tells which");
    }
}
