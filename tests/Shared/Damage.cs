using System.Globalization;

namespace NativeStyle.Tests;

/// <summary>How much the tests damage files.</summary>
internal static class Damage
{
    /// <summary>
    /// Returns the number of rounds of a test: its usual number, or that of NATIVESTYLE_DAMAGE_ROUNDS for a long
    /// campaign.
    /// </summary>
    public static int Rounds(int usual)
    {
        string? text = Environment.GetEnvironmentVariable("NATIVESTYLE_DAMAGE_ROUNDS");
        return int.TryParse(text, CultureInfo.InvariantCulture, out int rounds) ? rounds : usual;
    }
}
