using NativeStyle.Cli.Arguments;
using NativeStyle.Imaging;
using NativeStyle.Style;
using NativeStyle.Style.Options;

namespace NativeStyle.Cli.Jobs;

/// <summary>A job with its pictures in memory.</summary>
internal sealed record PreparedJob(TransferJob Job, TransferInputs Inputs)
{
    /// <summary>Reads the pictures, plans the scales and checks that the job can be done.</summary>
    /// <param name="shape">
    /// The height and width of the result. If null, it has those of the content picture, or else of the first style.
    /// </param>
    public static PreparedJob Create(
        TransferJob draft, int? totalIterations, (int Height, int Width)? shape, TransferConsole console)
    {
        TransferInputs inputs = ReadPictures(draft, console);
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
        return new PreparedJob(job, inputs);
    }

    /// <summary>Reads the pictures of a job.</summary>
    /// <param name="folder">The folder to which names are relative.</param>
    public static TransferInputs ReadPictures(TransferJob job, TransferConsole console, string folder = "")
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
            foreach (string notice in picture.Notices) console.Say($"{path}: {notice}");
            return picture;
        }
    }
}
