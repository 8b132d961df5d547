namespace NativeStyle.Cli.Help;

/// <summary>Guesses the meaning of misspelt words.</summary>
internal static class Spelling
{
    /// <summary>
    /// Returns the candidate with the fewest slips, or null if there are too many slips for the word's length.
    /// </summary>
    public static string? Nearest(string word, IEnumerable<string> candidates)
    {
        string? nearest = candidates.MinBy(candidate => Distance(word, candidate));
        int most = Math.Max(1, word.TrimStart('-').Length / 3);
        return nearest is not null && Distance(word, nearest) <= most ? nearest : null;
    }

    /// <summary>
    /// Counts the slips from one word to another: omitted, added and changed letters, and swaps of neighbours.
    /// </summary>
    public static int Distance(string a, string b)
    {
        int[,] slips = new int[a.Length + 1, b.Length + 1];
        for (int i = 0; i <= a.Length; i++)
        {
            for (int j = 0; j <= b.Length; j++)
            {
                if (i == 0 || j == 0)
                {
                    slips[i, j] = i + j;
                    continue;
                }

                int changed = slips[i - 1, j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
                slips[i, j] = Math.Min(changed, 1 + Math.Min(slips[i - 1, j], slips[i, j - 1]));
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                    slips[i, j] = Math.Min(slips[i, j], slips[i - 2, j - 2] + 1);
            }
        }

        return slips[a.Length, b.Length];
    }
}
