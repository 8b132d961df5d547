using System.Text.Json;
using NativeStyle.Imaging;
using NativeStyle.Jobs;
using NativeStyle.Studio.Data;

namespace NativeStyle.Studio.Work;

/// <summary>A job with its folder. Its record is replaced as a whole, so readers always see one that fits.</summary>
internal sealed class StudioJob
{
    private const string RecordFile = "job.json";

    private volatile JobRecord _record;

    public StudioJob(string folder, JobRecord record)
    {
        (Folder, _record) = (folder, record);
        Frames = new FrameStore(Path.Combine(folder, "frames"));
    }

    public string Folder { get; }

    public JobRecord Record => _record;

    public string Id => _record.Id;

    public FrameStore Frames { get; }

    /// <summary>The seconds that are left, if anybody knows.</summary>
    public double? SecondsLeft { get; set; }

    /// <summary>Whether its next run makes no iteration, and only writes the picture so far.</summary>
    public bool StopsAtOnce { get; set; }

    public string Checkpoint => Path.Combine(Folder, "run.ckpt");

    public string ExplainPage => Path.Combine(Folder, "explain.html");

    public string Thumbnail => Path.Combine(Folder, "thumbnail.jpg");

    /// <summary>Reads a job from its folder; null if it is damaged.</summary>
    public static StudioJob? Read(string folder)
    {
        try
        {
            byte[] json = File.ReadAllBytes(Path.Combine(folder, RecordFile));
            return JsonSerializer.Deserialize<JobRecord>(json, StudioJson.Format) is { } record
                && record.Id == Path.GetFileName(folder) ? new StudioJob(folder, record) : null;
        }
        catch (Exception damage) when (damage is JsonException or IOException)
        {
            return null;
        }
    }

    /// <summary>Returns the file of the result in a format.</summary>
    /// <param name="extension">png, jpg or tif.</param>
    public string Result(string extension) => Path.Combine(Folder, $"result.{extension}");

    /// <summary>
    /// Changes what is remembered, here and on the disk. If the disk refuses it, that is a notice: after a restart the
    /// job is where the disk knows it to be.
    /// </summary>
    public void Update(Func<JobRecord, JobRecord> change)
    {
        Note(change);
        try
        {
            Save();
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            string why = $"what became of the job cannot be written down: {UserErrors.Words(refused)}";
            Note(record => record.Notices.Contains(why) ? record : record with { Notices = [.. record.Notices, why] });
        }
    }

    /// <summary>Writes what is remembered.</summary>
    public void Save()
    {
        Directory.CreateDirectory(Folder);
        AtomicFile.Write(
            Path.Combine(Folder, RecordFile), JsonSerializer.SerializeToUtf8Bytes(_record, StudioJson.Format));
    }

    /// <summary>Changes what is remembered, but only here: the next update writes it.</summary>
    public void Note(Func<JobRecord, JobRecord> change) => _record = change(_record);
}
