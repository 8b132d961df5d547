using NativeStyle.Figures;

// Draws the figures of docs/ from the numbers of the code that they explain, with the same bytes every time:
// dotnet run -c Release --project samples/Figures -- docs/images/figures
if (args.Length != 1 || !Directory.Exists(args[0]))
{
    Console.Error.WriteLine("usage: Figures FOLDER   (an existing folder)");
    return 2;
}

foreach ((string name, Func<string> draw) in AllFigures.ByName)
{
    string path = Path.Combine(args[0], name + ".svg");
    File.WriteAllText(path, draw());
    Console.WriteLine(path);
}

return 0;
