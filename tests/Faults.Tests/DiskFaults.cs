namespace NativeStyle.Faults.Tests;

/// <summary>
/// Lets the n-th call of the C library fail that concerns a file of a command: once, from then on, and as a call that
/// moves fewer bytes than it was asked to. Runs in a process that was started with the library of Shim/.
/// </summary>
internal static class DiskFaults
{
    /// <returns>0 if there is nothing to complain about; complaints are printed.</returns>
    public static int Run(Scenario scenario, int rounds)
    {
        string root = Directory.CreateTempSubdirectory("nativestyle-faults-").FullName;
        using var harness = new Harness(scenario, root, "--device", "cpu");
        int tried = 0, complaints = 0;
        Outcome whole = Try(DiskCall.Read, 0, 0, forever: false);
        if (harness.Complaint(whole, Promise.Complete) is { } early) throw new InvalidOperationException(early);
        int[] counts = [.. Enum.GetValues<DiskCall>().Select(CLibrary.Seen)];
        foreach (DiskCall kind in Enum.GetValues<DiskCall>())
        {
            foreach (int n in Rounds.Spread(counts[(int)kind], rounds))
            foreach ((int error, bool forever) in Faults(kind))
            {
                string what = $"{kind} {n} of {counts[(int)kind]}, error {error}{(forever ? " from then on" : "")}";
                harness.Fault = what;
                Outcome outcome = Try(kind, n, error, forever);
                tried++;
                string? complaint = harness.Complaint(
                    outcome, PromiseFor(kind, error, forever), mayLeave: kind == DiskCall.Unlink);
                if (complaint is null && CLibrary.OpenFiles() is > 0 and int open)
                    complaint = $"{open} files stay open";
                if (complaint is null) continue;
                complaints++;
                Console.WriteLine($"{what}: {complaint}\n  {outcome.ExitCode} {outcome.Error.Trim()}");
            }
        }

        Console.WriteLine($"{scenario.Name}: {tried} faults tried, {complaints} complaints");
        return complaints == 0 ? 0 : 1;

        Outcome Try(DiskCall kind, int n, int error, bool forever)
        {
            try
            {
                return harness.RunOnce(null, () =>
                {
                    CLibrary.Watch(root);
                    CLibrary.Arm(kind, n, error, forever);
                });
            }
            finally
            {
                CLibrary.Watch("");
            }
        }
    }

    private static IEnumerable<(int Error, bool Forever)> Faults(DiskCall kind) => kind switch
    {
        DiskCall.Read => [(CLibrary.InputOutput, false), (CLibrary.InputOutput, true), (CLibrary.Short, false)],
        DiskCall.Write => [(CLibrary.NoSpace, false), (CLibrary.NoSpace, true), (CLibrary.Short, true)],
        DiskCall.OpenToRead or DiskCall.OpenToWrite or DiskCall.MakeFolder or DiskCall.Rename =>
            [(CLibrary.Denied, false), (CLibrary.Denied, true)],
        _ => [(CLibrary.InputOutput, false), (CLibrary.InputOutput, true)],
    };

    /// <summary>
    /// A disk that fails once must not cost a picture: it can be written elsewhere. One that fails from then on may, if
    /// there is no other disk. Fewer bytes than asked for are no failure.
    /// </summary>
    private static Promise PromiseFor(DiskCall kind, int error, bool forever) =>
        error == CLibrary.Short ? Promise.Complete
        : forever || kind == DiskCall.OpenToRead || kind == DiskCall.Read ? Promise.None
        : Promise.KeepWhatWasMade;
}
