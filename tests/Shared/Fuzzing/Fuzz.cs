namespace NativeStyle.Tests;

/// <summary>The fuzzing that is part of each run of the tests: without coverage, from the seeds alone.</summary>
internal static class Fuzz
{
    /// <summary>
    /// Reads the seeds, and as many damaged inputs as <see cref="Damage.Rounds"/> says. Half of them are the same each
    /// time.
    /// </summary>
    /// <exception cref="Finding">The message says where the input was saved.</exception>
    public static void Rounds(FuzzTarget target, int usual)
    {
        using var folder = new TemporaryFolder();
        var check = new FuzzCheck(target, folder.Path);
        int rounds = Damage.Rounds(usual);
        bool accepted = false;
        foreach (byte[] seed in target.Seeds()) accepted |= check.Accepts(seed);
        Finding.Require(accepted, $"{target.Name} has no seed that is read");
        foreach (int seed in new[] { 7, Environment.TickCount & 0xFFFF })
        {
            var inputs = new FuzzInputs(target, seed);
            for (int round = 0; round < rounds / 2; round++)
            {
                byte[] input = inputs.Next();
                try
                {
                    check.Accepts(input);
                }
                catch (Finding finding)
                {
                    string saved =
                        Path.Combine(Path.GetTempPath(), $"nativestyle-finding-{target.Name}-{seed}-{round}");
                    File.WriteAllBytes(saved, input);
                    throw new Finding($"{target.Name}, {saved}: {finding.Message}", finding);
                }
            }
        }
    }
}
