using System.CommandLine;
using System.Globalization;
using NativeStyle.Cli.Arguments;
using NativeStyle.Cli.Help;
using NativeStyle.Cli.Jobs;
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
            "Reads the pictures, the options and the losses from a .png that this program wrote.")
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
                else drawing.Show();
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
        if (job.Content is not null) Console.WriteLine($"content  {job.Content}");
        foreach (JobStyle style in job.Styles)
        {
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"style    {style.Path}")
                + (style.Weight != 1 ? string.Create(CultureInfo.InvariantCulture, $", weight {style.Weight}") : "")
                + (style.Region is not null ? $", where {style.Region} is white" : "")
                + (style.Part is not null ? $", learnt where {style.Part} is white" : ""));
        }

        Console.WriteLine($"weights  {job.Weights ?? $"random {job.Options.Architecture}, seed {job.Options.Seed}"}"
            + (recipe.WeightsDigest is { } digest ? $", digest {Recipe.Short(digest)}" : ""));
        Console.WriteLine($"preset   {job.Options.Name}: {job.Options.Description}");
        Console.WriteLine("scales   " + string.Join(
            ", ", job.Plan.Select(step => $"{step.Width} x {step.Height} ({step.Iterations} iterations)")));
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

        Console.WriteLine("made again by:");
        Console.WriteLine(recipe.Command());
    }

    private static string Short(double value) => value.ToString("g4", CultureInfo.InvariantCulture);
}
