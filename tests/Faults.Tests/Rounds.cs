namespace NativeStyle.Faults.Tests;

internal static class Rounds
{
    /// <summary>
    /// Returns numbers from 1 to a count, spread evenly, the first and the last among them; of one, that in the middle.
    /// </summary>
    /// <param name="usual">How many, if NATIVESTYLE_DAMAGE_ROUNDS does not say another number.</param>
    public static IEnumerable<int> Spread(int count, int usual)
    {
        int rounds = Math.Min(count, Damage.Rounds(usual));
        return Enumerable.Range(0, rounds).Select(
            i => rounds == 1 ? (count + 1) / 2 : 1 + (int)((long)i * (count - 1) / (rounds - 1)));
    }
}
