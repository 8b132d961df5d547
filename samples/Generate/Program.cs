using NativeStyle.Generate;
using NativeStyle.Imaging;

// Makes the sample pictures, with the same bytes every time: dotnet run -c Release --project samples/Generate --
// samples
if (args.Length != 1 || !Directory.Exists(args[0]))
{
    Console.Error.WriteLine("usage: Generate FOLDER   (an existing folder; content/ and style/ are made in it)");
    return 2;
}

(string Name, Func<Canvas> Paint)[] pictures =
[
    ("content/town", Town.Paint), ("content/portrait", Portrait.Paint),
    ("style/strokes", Strokes.Paint), ("style/mosaic", Mosaic.Paint), ("style/waves", Waves.Paint),
];
foreach ((string name, Func<Canvas> paint) in pictures)
{
    string path = Path.Combine(args[0], name + ".jpg");
    Directory.CreateDirectory(Path.GetDirectoryName(path)!);
    PictureFile.Write(path, paint().Finish(), new PictureWriteOptions(JpegQuality: 90));
    Console.WriteLine(path);
}

return 0;
