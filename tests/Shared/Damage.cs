using System.Globalization;

namespace NativeStyle.Tests;

/// <summary>Damages files as bad disks, cut downloads and attackers do.</summary>
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

    /// <summary>Returns a copy with one to four bytes replaced, or, one time in three, with its end cut off.</summary>
    public static byte[] Of(byte[] whole, Random random)
    {
        if (random.Next(3) == 0) return whole[..random.Next(whole.Length)];
        byte[] damaged = [.. whole];
        for (int k = random.Next(1, 5); k > 0; k--) damaged[random.Next(damaged.Length)] = (byte)random.Next(256);
        return damaged;
    }
}
