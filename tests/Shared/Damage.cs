namespace NativeStyle.Tests;

/// <summary>Damages files as bad disks, cut downloads and attackers do.</summary>
internal static class Damage
{
    /// <summary>Rounds of a test: as many as it says, or what NATIVESTYLE_DAMAGE_ROUNDS says, for a campaign.</summary>
    public static int Rounds(int usual) =>
        int.TryParse(Environment.GetEnvironmentVariable("NATIVESTYLE_DAMAGE_ROUNDS"), System.Globalization.CultureInfo.InvariantCulture, out int rounds) ? rounds : usual;

    /// <summary>A copy with one to four bytes replaced, or, one time in three, its end cut off.</summary>
    public static byte[] Of(byte[] whole, Random random)
    {
        if (random.Next(3) == 0) return whole[..random.Next(whole.Length)];
        byte[] damaged = [.. whole];
        for (int k = random.Next(1, 5); k > 0; k--) damaged[random.Next(damaged.Length)] = (byte)random.Next(256);
        return damaged;
    }
}
