using System.CommandLine;
using System.Globalization;
using NativeStyle.Cli.Arguments;
using NativeStyle.Cli.Help;
using NativeStyle.Cli.Jobs;
using NativeStyle.FeedForward;
using NativeStyle.FeedForward.Films;
using NativeStyle.Imaging;
using NativeStyle.Jobs;
using NativeStyle.Kernels.Devices;
using NativeStyle.Style.Options;
using NativeStyle.Style.Tiling;

namespace NativeStyle.Cli.Commands;

/// <summary>A picture of a folder that is to be drawn.</summary>
/// <param name="Name">Its name without the folder.</param>
internal sealed record DrawingJob(string Name, string Picture, string Output) : INamedJob;

/// <summary>
/// <c>nativestyle stylize PICTURE|DIR|FILM -o OUT --model M</c>: draws with a trained style, in one pass.
/// </summary>
internal sealed class StylizeCommand : ProgramCommand
{
    private readonly Argument<string> _input = new("INPUT")
    {
        Description = $"A picture ({PictureFile.Readable}), a folder of pictures, or a film",
    };

    private readonly Option<string> _output = Typed.Output(
        "The result: a picture (.png, .jpg, .tif of 16 bits, .npy), a folder for a folder, or a film (.mp4, .mov, " +
        ".mkv, .webm)");

    private readonly Option<double> _strength = Typed.Option(
        "--strength", "How much of the result is the drawing; the rest is the picture",
        new NumberRange<double>(0, 1), 1);

    private readonly Option<ColorMode> _colors = Typed.Option(
        "--colors",
        "Where colours come from: style; luminance keeps the picture's chroma; covariance and histogram give the " +
        "drawing the picture's colours",
        DrawingOptions.ColorWords, ColorMode.Style);

    private readonly Option<int?> _size = Typed.Option(
        "--size", "Longest side of the result in pixels (default: that of INPUT)",
        new NumberRange<int>(16, OptionTable.Side.Most));

    private readonly Option<int> _quality = OutputArguments.QualityOption();
    private readonly Option<int> _depth = OutputArguments.DepthOption();

    private readonly Option<long?> _memory = Typed.Memory(
        "Memory that the run may take, e.g. 4G or 800M; a picture that needs more goes through the network in tiles, " +
        "with the same result (default: whole if it fits into what is free, else three quarters of it)");

    private readonly Option<bool> _noRecipe = Typed.NoRecipe();

    private readonly Option<bool> _quiet = Typed.Quiet();
    private readonly ModelArguments _model = new();
    private readonly ManyArguments _many = new("The format of the results of a folder");
    private readonly DeviceArguments _device = new();

    public StylizeCommand()
        : base(
            "stylize",
            "Draw a picture, a folder of pictures or a film in a trained style, in one pass.",
            """
              nativestyle stylize photo.jpg -o art.png --model waves.safetensors
              nativestyle stylize photos -o art --model waves.safetensors --colors luminance
              nativestyle stylize film.mp4 -o art.mp4 --model waves.safetensors --size 640

            Of a folder, results that exist are skipped, and pictures that fail are reported; exit code 1 if one did.
            Films keep their rate and their sound, and need the program ffmpeg. Ctrl-C keeps the frames so far.
            'nativestyle models' lists the styles that are built in.
            """)
    {
        Add(_input);
        Add(OptionGroup.Common, _output);
        _model.AddTo(this);
        Add(OptionGroup.Common, _strength, _colors, _size);
        _many.AddTo(this);
        Add(OptionGroup.Output, _quality, _depth, _noRecipe);
        Add(OptionGroup.Run, _memory, _quiet);
        _device.AddTo(this);
        SetAction(Run);
    }

    private int Run(ParseResult parsed)
    {
        var console = new TransferConsole(parsed.GetValue(_quiet));
        (string input, string output) = (parsed.GetValue(_input)!, parsed.GetValue(_output)!);
        if (Directory.Exists(input)) return DrawFolder(parsed, console, input, output);
        if (_many.FirstSetOption(parsed) is { } option)
            throw new UsageException($"{option} is for folders, and {input} is none; leave it out");
        InputFiles.Require(input, $"a picture ({PictureFile.Readable}), a folder of pictures, or a film");
        bool isFilm = FilmInfo.HasFilmName(output);
        string[] kinds = [.. isFilm || !PictureFile.HasPictureName(input) ? FilmInfo.WritableExtensions : [],
            .. isFilm ? [] : PictureFile.WritableExtensions];
        OutputFiles.Check(output, kinds, [input, .. new[] { _model.File(parsed) }.OfType<string>()]);
        return isFilm ? DrawFilm(parsed, console, input, output) : DrawPicture(parsed, console, input, output);
    }

    private int DrawPicture(ParseResult parsed, TransferConsole console, string input, string output)
    {
        StyleModel model = _model.Read(parsed);
        using ComputeDevice device = _device.Open(parsed, console.Say);
        // There is nothing to keep before the picture is complete.
        using Drawer drawer = CreateDrawer(parsed, console, device, model, CancellationToken.None);
        try
        {
            drawer.DrawPicture(input, output);
            return 0;
        }
        catch (InvalidDataException wrong) when (!PictureFile.HasPictureName(input))
        {
            string films = string.Join(", ", FilmInfo.WritableExtensions);
            throw new UsageException($"{wrong.Message}; if it is a film, the output must end in {films}");
        }
    }

    private int DrawFolder(ParseResult parsed, TransferConsole console, string input, string output)
    {
        OutputFiles.RequireFolder(output);
        if (Path.TrimEndingDirectorySeparator(Path.GetFullPath(input))
            == Path.TrimEndingDirectorySeparator(Path.GetFullPath(output)))
            throw new UsageException($"{output} is the input; choose another folder for the results");
        string extension = _many.Extension(parsed);
        DrawingJob[] jobs = [.. InputFiles.Pictures(input).Select(picture => new DrawingJob(
            Path.GetFileName(picture), picture,
            Path.Combine(output, Path.GetFileNameWithoutExtension(picture) + extension)))];
        DrawingJob[] mine = _many.Mine(parsed, jobs, console);
        if (_many.Show(parsed, mine) is { } shown) return shown;
        StyleModel model = _model.Read(parsed);
        using ComputeDevice device = _device.Open(parsed, console.Say);
        using Cancellation cancellation = new Cancellation().Keep();
        using Drawer drawer = CreateDrawer(parsed, console, device, model, cancellation.Token);
        Directory.CreateDirectory(output);
        return ManyJobs.Run(mine, _many.Again(parsed), console, Make, cancellation.Token);

        string? Make(DrawingJob job)
        {
            try
            {
                drawer.DrawPicture(job.Picture, job.Output);
                return null;
            }
            catch (OperationCanceledException)
            {
                return "ended";
            }
        }
    }

    private int DrawFilm(ParseResult parsed, TransferConsole console, string input, string output)
    {
        FilmInfo film = FilmInfo.Read(input);
        if (PictureFile.HasPictureName(input) && film.Frames is null or 1)
        {
            throw new UsageException(
                $"{input} is a single picture, and {output} is a film; choose an output that ends in " +
                string.Join(", ", PictureFile.WritableExtensions));
        }

        StyleModel model = _model.Read(parsed);
        using ComputeDevice device = _device.Open(parsed, console.Say);
        using Cancellation cancellation = new Cancellation().Keep();
        using Drawer drawer = CreateDrawer(parsed, console, device, model, cancellation.Token);
        var progress = new FilmConsole(parsed.GetValue(_quiet), film.Frames);
        FilmResult result = drawer.DrawFilm(film, output, progress.Follow);
        string silent = film.Sounds.Count > 0 && !result.HasSound ? ", without its sound" : "";
        string kept = result.Frames > 0 ? $"kept {result.Frames} frames as {output}{silent}" : "there is no new film";
        if (result.Failure is { } failure)
        {
            Console.Error.WriteLine($"nativestyle: {UserErrors.Words(failure)}; {kept}");
            return UserErrors.CodeOf(failure);
        }

        if (!result.IsWhole)
        {
            string of = film.Frames is { } all ? $" of about {all}" : "";
            console.Say($"ended after {result.Frames} frames{of}; {kept}");
            return Cancellation.ExitCode;
        }

        string pace = progress.Average(result.Frames).ToString("g3", CultureInfo.InvariantCulture);
        console.Say($"saved {output} ({result.Frames} frames, {pace} frames/s)");
        return 0;
    }

    private Drawer CreateDrawer(
        ParseResult parsed, TransferConsole console, ComputeDevice device, StyleModel model,
        CancellationToken cancellation)
    {
        console.Say($"model {model.Source} ({model.Weights.Architecture})");
        console.Say($"device {DeviceNames.NameOf(device)}: {device.Description}");
        // The file is read before anything takes the device's memory.
        FileIdentity? file = _model.File(parsed) is { } path ? RecipeFiles.Of(path) : null;
        return new Drawer(
            console, device, model, new DrawingOptions(parsed.GetValue(_strength), parsed.GetValue(_colors)),
            MemoryBudget.Of(device, parsed.GetValue(_memory)), parsed.GetValue(_size),
            new PictureWriteOptions(parsed.GetValue(_depth), parsed.GetValue(_quality)), cancellation)
        {
            WithoutRecipe = parsed.GetValue(_noRecipe),
            ModelFile = file,
        };
    }
}
