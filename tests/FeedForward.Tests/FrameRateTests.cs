using NativeStyle.FeedForward.Films;

namespace NativeStyle.FeedForward.Tests;

public class FrameRateTests
{
    [Theory]
    [InlineData("30000/1001", "30000/1001", "30000/1001")]
    [InlineData("25/1", "12475/501", "25/1")]
    // Frames come at irregular times: there is a place for each.
    [InlineData("30/1", "20/1", "30/1")]
    // Fields are counted.
    [InlineData("50/1", "25/1", "25/1")]
    // Clocks are counted.
    [InlineData("90000/1", "3000/101", "3000/101")]
    [InlineData("1000/1", "0/0", "25/1")]
    [InlineData("0/0", "24/1", "24/1")]
    [InlineData("no rate", "1/0", "25/1")]
    public void TheRateHasAPlaceForEachFrame(string finest, string average, string expected) => Assert.Equal(
        expected, FrameRate.Choose(FrameRate.Parse(finest), FrameRate.Parse(average)).ToString());
}
