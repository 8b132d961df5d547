using System.Runtime.CompilerServices;

[assembly: InternalsVisibleTo("NativeStyle.Style.Tests")]
[assembly: InternalsVisibleTo("NativeStyle.Fuzzing")]
[assembly: InternalsVisibleTo("NativeStyle.FeedForward")]
[assembly: InternalsVisibleTo("NativeStyle.Figures")]
