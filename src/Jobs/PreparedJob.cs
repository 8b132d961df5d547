using NativeStyle.Imaging;
using NativeStyle.Style;
using NativeStyle.Style.Options;

namespace NativeStyle.Jobs;

/// <summary>A job with its pictures in memory.</summary>
internal sealed record PreparedJob(TransferJob Job, TransferInputs Inputs)
{
    /// <summary>The folder that relative names start from; empty for the current one.</summary>
    public string Folder { get; init; } = "";

    /// <summary>Returns what recipes call a file: its name without the folder, unless a caller knows better.</summary>
    public Func<string, string> NameOf { get; init; } = path => Path.GetFileName(path);

    /// <summary>Returns the path of a file of the job.</summary>
    public string PathOf(string name) => Path.Combine(Folder, name);

    /// <summary>Returns what a file of the job is called, and its checksum.</summary>
    public FileIdentity IdentityOf(string name) => new(NameOf(name), RecipeFiles.Sha256(PathOf(name)));

    /// <summary>Reads the pictures, plans the scales and checks that the job can be done.</summary>
    /// <param name="shape">
    /// The height and width of the result. If null, it has those of the content picture, or else of the first style.
    /// </param>
    /// <param name="folder">The folder that relative names start from; empty for the current one.</param>
    public static PreparedJob Create(
        TransferJob draft, int? totalIterations, (int Height, int Width)? shape, IJobDisplay display,
        string folder = "")
    {
        TransferInputs inputs = ReadPictures(draft, display, folder);
        TransferInputs used = inputs.Cropped(draft.Options.Crop);
        PictureSource first = used.Content ?? inputs.Styles[0].Picture;
        (int height, int width) = shape ?? (first.Height, first.Width);
        IReadOnlyList<ScaleStep> plan = Schedule.Plan(draft.Options, height, width);
        if (totalIterations is int total) plan = Schedule.WithTotal(plan, total);
        plan = [.. plan.Where(step => step.Iterations > 0)];
        // Keep the result of the planning, not its form, so that different words for a job give the same job.
        TransferOptions options = draft.Options with { Iterations = [.. plan.Select(step => step.Iterations)] };
        TransferJob job = draft with { Plan = plan, Options = options };
        PictureSizes.Check(job, used);
        return new PreparedJob(job, inputs) { Folder = folder };
    }

    /// <summary>Reads the pictures of a job.</summary>
    /// <param name="folder">The folder to which names are relative.</param>
    public static TransferInputs ReadPictures(TransferJob job, IJobDisplay display, string folder = "")
    {
        StyleInput[] styles = [.. job.Styles.Select(style => new StyleInput(
            Open(style.Path)!, style.Weight, Read(style.Region), Read(style.Part)))];
        return new TransferInputs(Open(job.Content), styles, Open(job.Init));

        // Pictures stay in the form of their files. Masks are small, and the run needs them at many sizes.
        PictureSource? Open(string? name) =>
            name is null ? null : Noticed(name, path => PictureFile.Open(path, job.Memory ?? long.MaxValue));

        Picture? Read(string? name) => name is null ? null : Noticed(name, PictureFile.Read);

        T Noticed<T>(string name, Func<string, T> read) where T : PictureSource
        {
            string path = Path.Combine(folder, name);
            InputFiles.RequirePicture(path, "a picture");
            T picture = read(path);
            foreach (string notice in picture.Notices) display.Say($"{path}: {notice}");
            return picture;
        }
    }
}
