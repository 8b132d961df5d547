using System.CommandLine;
using System.Globalization;
using NativeStyle.Cli.Help;
using NativeStyle.Jobs;
using NativeStyle.Style.Options;
using Spectre.Console;

namespace NativeStyle.Cli.Commands;

/// <summary><c>nativestyle show PICTURE</c>: tells how this program made a picture.</summary>
internal static class ShowCommand
{
    public static Command Create()
    {
        var picture = new Argument<string>("PICTURE") { Description = "A .png that this program wrote" };
        var json = new Option<bool>("--json") { Description = "Print everything as JSON" };
        var preset = new Option<bool>("--preset")
        {
            Description = "Print the options as a preset, for --preset FILE.json",
        };
        var command = new ProgramCommand(
            "show", "Tell how a picture was made, and the command that makes it again.",
            """
            Reads from a .png that this program wrote: names and checksums of the pictures and weights, the options, the
            device, the losses. The command is to be run in the folder where these files lie. It gives the same bytes.
            Pictures that were made with --no-recipe tell nothing.
            """)
        {
            picture, json, preset,
        };
        command.SetAction(parsed =>
        {
            string path = parsed.GetValue(picture)!;
            InputFiles.Require(path, "a .png picture of this program");
            if (DrawingRecipe.Read(path) is var (drawing, drawn))
            {
                if (parsed.GetValue(preset))
                    throw new UsageException($"{path} was drawn by a model, which has no preset; leave --preset out");
                if (parsed.GetValue(json)) Console.WriteLine(drawn);
                else Show(drawing);
                return;
            }

            (Recipe recipe, string text) = Recipe.Read(path);
            if (parsed.GetValue(json)) Console.WriteLine(text);
            else if (parsed.GetValue(preset)) Console.WriteLine(OptionsJson.Write(recipe.Job.Options));
            else Show(recipe);
        });
        return command;
    }

    private static void Show(Recipe recipe)
    {
        TransferJob job = recipe.Job;
        if (job.Content is not null) Console.WriteLine($"content  {Words(job.Content)}");
        foreach (JobStyle style in job.Styles)
        {
            Console.WriteLine($"style    {Words(style.Path)}"
                + (style.Weight != 1 ? string.Create(CultureInfo.InvariantCulture, $", weight {style.Weight}") : "")
                + (style.Region is not null ? $", where {style.Region} is white" : "")
                + (style.Part is not null ? $", learnt where {style.Part} is white" : ""));
        }

        IEnumerable<string> masks = job.Styles.SelectMany(style => new[] { style.Region, style.Part })
            .OfType<string>().Distinct();
        foreach (string mask in masks) Console.WriteLine($"mask     {Words(mask)}");
        if (job.Init is not null) Console.WriteLine($"start    {Words(job.Init)}");
        string weights = job.Weights is { } file ? Words(file)
            : $"random {job.Options.Architecture}, seed {job.Options.Seed}";
        Console.WriteLine($"weights  {weights}"
            + (recipe.WeightsDigest is { } digest ? $", digest {RecipeFiles.Short(digest)}" : ""));
        Console.WriteLine($"preset   {job.Options.Name}: {job.Options.Description}"
            + (job.Preset is { } preset ? $" ({preset.Name}, sha256 {RecipeFiles.Short(preset.Sha256)})" : ""));
        Console.WriteLine("scales   " + string.Join(
            ", ", job.Plan.Select(step => $"{step.Width} x {step.Height} ({step.Iterations} iterations)")));
        if (job.Memory is long limit)
        {
            Console.WriteLine($"memory   at most {MemorySize.Words(limit)}"
                + (recipe.Threads is int threads ? $" with {threads} threads" : "")
                + (recipe.Tiles is { } tiles ? $": {tiles}" : ""));
        }

        if (recipe.History is int history)
            Console.WriteLine($"history  {history} steps instead of {job.Options.History}, for want of memory");
        if (recipe.Device is { } device) Console.WriteLine($"device   {device}");
        Console.WriteLine($"program  {recipe.Program}");
        Console.WriteLine($"made     {recipe.Iterations} iterations, {recipe.End}");
        int count = recipe.Losses.Count;
        if (count > 0)
        {
            var table = new Table().Border(TableBorder.Rounded)
                .AddColumns("iteration", "size", "loss", "content", "style", "tv");
            foreach (int i in new[] { 0, count / 4, count / 2, count * 3 / 4, count - 1 }.Distinct())
            {
                LossPoint point = recipe.Losses[i];
                table.AddRow(
                    point.Iteration.ToString(CultureInfo.InvariantCulture), $"{point.Width} x {point.Height}",
                    Short(point.Loss), Short(point.Content), Short(point.Style), Short(point.Tv));
            }

            AnsiConsole.Write(table);
        }

        foreach (JobChange change in job.Changes ?? [])
            Console.WriteLine($"changed  after iteration {change.Iteration}: {change.What}");
        if (recipe.Command() is not { } command)
        {
            Console.WriteLine("no command makes it again, because it was changed while it was made");
            return;
        }

        ShowWhere(recipe.Files);
        Console.WriteLine(command);

        string Words(string name) => RecipeFiles.Words(recipe.Files, name);
    }

    private static void Show(DrawingRecipe drawing)
    {
        Console.WriteLine($"picture  {RecipeFiles.Words(drawing.Files, drawing.Picture)}");
        string model = RecipeFiles.Words(drawing.Files, drawing.Model);
        Console.WriteLine($"model    {model}, digest {RecipeFiles.Short(drawing.ModelDigest)}");
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"strength {drawing.Strength}"));
        Console.WriteLine($"colors   {drawing.Colors}");
        Console.WriteLine($"size     {drawing.Width} x {drawing.Height}");
        if (drawing.Memory is { } limit)
        {
            string with = drawing.Threads is { } threads ? $" with {threads} threads" : "";
            Console.WriteLine($"memory   at most {MemorySize.Words(limit)}{with}: {drawing.Tiles}");
        }

        if (drawing.Device is not null) Console.WriteLine($"device   {drawing.Device}");
        Console.WriteLine($"program  {drawing.Program}");
        ShowWhere(drawing.Files);
        Console.WriteLine(drawing.Command());
    }

    /// <summary>Prints what leads to the command, and what stands in its way here.</summary>
    private static void ShowWhere(IReadOnlyList<FileIdentity>? files)
    {
        foreach (IGrouping<string, FileIdentity> named in (files ?? []).GroupBy(file => file.Name))
        {
            if (named.Count() > 1)
            {
                Console.WriteLine($"note     {named.Count()} files are called {named.Key}: rename them for it");
                continue;
            }

            // A recipe comes from anywhere: what is no plain name is not opened.
            if (Path.GetFileName(named.Key) != named.Key || !File.Exists(named.Key)) continue;
            string here = RecipeFiles.Sha256(named.Key);
            if (here == named.Single().Sha256) continue;
            Console.WriteLine(
                $"note     {named.Key} in this folder is another file: its sha256 is {RecipeFiles.Short(here)}");
        }

        Console.WriteLine(files is null ? "made again by:" : "made again, in the folder where these files lie, by:");
    }

    private static string Short(double value) => value.ToString("g4", CultureInfo.InvariantCulture);
}
