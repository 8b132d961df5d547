namespace NativeStyle.Exercises.Tests;

public class MinimalFilteringTests
{
    /// <summary>
    /// Both sides are linear in d and in g. So they are the same function if they agree where one input and one tap are
    /// 1 and all others 0. Halves are exact in double precision, so they must agree exactly.
    /// </summary>
    [Fact]
    public void FourProductsGiveBothOutputs()
    {
        double[,] b = MinimalFiltering.InputTransform, g = MinimalFiltering.FilterTransform;
        double[,] a = MinimalFiltering.OutputTransform;
        Assert.Equal((4, 4), (b.GetLength(0), b.GetLength(1)));
        Assert.Equal((4, 3), (g.GetLength(0), g.GetLength(1)));
        Assert.Equal((2, 4), (a.GetLength(0), a.GetLength(1)));
        for (int output = 0; output < 2; output++)
            for (int input = 0; input < 4; input++)
                for (int tap = 0; tap < 3; tap++)
                {
                    double sum = 0;
                    for (int point = 0; point < 4; point++) sum += a[output, point] * g[point, tap] * b[point, input];
                    Assert.Equal(input == output + tap ? 1.0 : 0.0, sum);
                }
    }
}
