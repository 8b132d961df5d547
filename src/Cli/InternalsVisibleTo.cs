using System.Runtime.CompilerServices;

[assembly: InternalsVisibleTo("NativeStyle.Cli.Tests")]
[assembly: InternalsVisibleTo("NativeStyle.Faults.Tests")]
[assembly: InternalsVisibleTo("NativeStyle.Fuzzing")]
[assembly: InternalsVisibleTo("NativeStyle.Studio.Tests")]
