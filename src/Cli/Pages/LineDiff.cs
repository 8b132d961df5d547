namespace NativeStyle.Cli.Pages;

/// <summary>The difference of two texts by lines.</summary>
internal static class LineDiff
{
    /// <summary>
    /// The lines of both texts: those of the first alone behind '-', of the second alone behind '+', the common ones
    /// behind a blank. As many lines as possible are common (the longest common subsequence).
    /// </summary>
    public static string[] Of(string[] before, string[] after)
    {
        // common[i, j]: the length of the longest common subsequence of the texts from lines i and j on.
        int[,] common = new int[before.Length + 1, after.Length + 1];
        for (int i = before.Length - 1; i >= 0; i--)
        {
            for (int j = after.Length - 1; j >= 0; j--)
            {
                common[i, j] = before[i] == after[j]
                    ? common[i + 1, j + 1] + 1 : Math.Max(common[i + 1, j], common[i, j + 1]);
            }
        }

        List<string> lines = [];
        for (int i = 0, j = 0; i < before.Length || j < after.Length;)
        {
            if (i < before.Length && j < after.Length && before[i] == after[j])
            {
                lines.Add($" {before[i++]}".TrimEnd());
                j++;
            }
            else if (j == after.Length || (i < before.Length && common[i + 1, j] >= common[i, j + 1]))
            {
                lines.Add($"-{before[i++]}");
            }
            else
            {
                lines.Add($"+{after[j++]}");
            }
        }

        return [.. lines];
    }
}
