using System.Runtime.CompilerServices;

[assembly: InternalsVisibleTo("NativeStyle.Cli.Tests")]
