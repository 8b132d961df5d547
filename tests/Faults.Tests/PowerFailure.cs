using System.Security.Cryptography;
using System.Text;
using NativeStyle.Imaging;
using NativeStyle.Style;

namespace NativeStyle.Faults.Tests;

/// <summary>
/// Works out what a power failure leaves at each moment of a command: the bytes of a file that were synchronised, and
/// the names in a folder that were. A disk may also keep later names, but not those bytes.
/// Runs in a process that was started with the library of Shim/.
/// </summary>
internal sealed class PowerFailure
{
    /// <summary>A file's bytes: as the program sees them, and as they are on the disk.</summary>
    private sealed class Node
    {
        public byte[] Seen { get; set; } = [];

        public byte[] OnDisk { get; set; } = [];
    }

    private readonly Dictionary<string, Node> _seen = [];
    private readonly Dictionary<string, Node> _onDisk = [];

    /// <summary>Runs a transfer, and goes on with each different state that a power failure would leave.</summary>
    /// <returns>0 if there is nothing to complain about; complaints are printed.</returns>
    public static int Run(Scenario scenario)
    {
        string root = Directory.CreateTempSubdirectory("nativestyle-faults-").FullName;
        string log = Path.Combine(Path.GetDirectoryName(root)!, $"{Path.GetFileName(root)}.log");
        using var harness = new Harness(scenario, root, "--device", "cpu");
        Outcome whole = harness.RunOnce(null, () =>
        {
            CLibrary.Watch(root);
            CLibrary.Log(log);
        });
        CLibrary.Log(null);
        CLibrary.Watch("");
        if (harness.Complaint(whole, Promise.Complete) is { } early) throw new InvalidOperationException(early);
        string result = Path.Combine(harness.Folder, scenario.Results[0]);
        string checkpoint = Path.Combine(harness.Folder, "run.ckpt");
        // Checkpoints hold the seconds of iterations, so no two runs write the same.
        byte[] written = File.ReadAllBytes(checkpoint);
        HashSet<string> tried = [];
        List<string> complaints = [];
        int moments = 0;
        var disk = new PowerFailure();
        byte[] old = Scenario.Old.ToArray();
        foreach (string file in new[] { result, checkpoint })
            disk._seen[file] = disk._onDisk[file] = new Node { Seen = old, OnDisk = old };
        using (var calls = new BinaryReader(File.OpenRead(log)))
        {
            while (calls.BaseStream.Position < calls.BaseStream.Length)
            {
                string what = disk.Apply(calls);
                moments++;
                foreach ((string order, Dictionary<string, Node> names) in
                    new[] { ("names as synchronised", disk._onDisk), ("names as seen", disk._seen) })
                {
                    byte[]? picture = names.GetValueOrDefault(result)?.OnDisk;
                    byte[]? state = names.GetValueOrDefault(checkpoint)?.OnDisk;
                    if (Complaint(picture, state) is { } complaint)
                        complaints.Add($"after {what}, {order}: {complaint}");
                }
            }
        }

        // The command has said that it saved them, so they must be there.
        byte[]? last = disk._onDisk.GetValueOrDefault(result)?.OnDisk;
        if (last is null || !last.AsSpan().SequenceEqual(harness.Complete[scenario.Results[0]]))
            complaints.Add("the command ended, but its picture is not on the disk");
        byte[]? lastState = disk._onDisk.GetValueOrDefault(checkpoint)?.OnDisk;
        if (lastState is null || !lastState.AsSpan().SequenceEqual(written))
            complaints.Add("the command ended, but its checkpoint is not on the disk");
        File.Delete(log);
        foreach (string complaint in complaints.Distinct().Take(20)) Console.WriteLine(complaint);
        Console.WriteLine(
            $"{scenario.Name}: power failed at {moments} moments, {tried.Count} checkpoints went on, " +
            $"{complaints.Count} complaints");
        return complaints.Count == 0 ? 0 : 1;

        string? Complaint(byte[]? picture, byte[]? state)
        {
            bool isOld = picture is not null && picture.AsSpan().SequenceEqual(Scenario.Old);
            if (picture is null) return "the old picture is gone";
            if (!isOld && !picture.AsSpan().SequenceEqual(harness.Complete[scenario.Results[0]]))
                return "the picture is neither the old nor the new one";
            if (state is null) return "the old checkpoint is gone";
            if (state.AsSpan().SequenceEqual(Scenario.Old)) return null;
            if (!tried.Add(Convert.ToHexString(SHA256.HashData(state)))) return null;
            return GoOn(state);
        }

        string? GoOn(byte[] state)
        {
            harness.PrepareFolder();
            File.WriteAllBytes(checkpoint, state);
            try
            {
                Checkpoint.Read(checkpoint);
            }
            catch (InvalidDataException damaged)
            {
                return damaged.Message;
            }

            Outcome resumed = harness.Resume(checkpoint, result);
            if (resumed.ExitCode != 0) return $"the run does not go on: {resumed.Error}";
            return File.ReadAllBytes(result).AsSpan().SequenceEqual(harness.Complete[scenario.Results[0]])
                ? null : "the run that went on made another picture";
        }
    }

    /// <summary>Reads and makes the next call of the log; returns it in words.</summary>
    private string Apply(BinaryReader calls)
    {
        char what = (char)calls.ReadByte();
        int first = calls.ReadInt32(), second = calls.ReadInt32();
        long at = calls.ReadInt64(), length = calls.ReadInt64();
        string path = Encoding.UTF8.GetString(calls.ReadBytes(first));
        string other = Encoding.UTF8.GetString(calls.ReadBytes(second));
        byte[] data = calls.ReadBytes((int)length);
        switch (what)
        {
            case 'c':
                _seen[path] = new Node();
                break;
            case 't' when _seen.TryGetValue(path, out Node? cut):
                byte[] resized = cut.Seen;
                Array.Resize(ref resized, (int)at);
                cut.Seen = resized;
                break;
            case 'w' when _seen.TryGetValue(path, out Node? written):
                byte[] bytes = written.Seen;
                if (bytes.Length < at + length) Array.Resize(ref bytes, (int)(at + length));
                else bytes = [.. bytes];
                data.CopyTo(bytes, at);
                written.Seen = bytes;
                break;
            case 's' when _seen.TryGetValue(path, out Node? synchronised):
                synchronised.OnDisk = synchronised.Seen;
                break;
            case 's':
                // A folder: its names are on the disk now.
                foreach (string gone in _onDisk.Keys.Where(IsGone).ToArray()) _onDisk.Remove(gone);
                foreach ((string name, Node node) in _seen.Where(each => Path.GetDirectoryName(each.Key) == path))
                    _onDisk[name] = node;
                break;
            case 'r' when _seen.Remove(path, out Node? renamed):
                _seen[other] = renamed;
                break;
            case 'u':
                _seen.Remove(path);
                break;
        }

        return $"{what} {Path.GetFileName(path)}";

        bool IsGone(string name) => Path.GetDirectoryName(name) == path && !_seen.ContainsKey(name);
    }
}
