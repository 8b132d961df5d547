using System.Runtime.CompilerServices;

[assembly: InternalsVisibleTo("NativeStyle.Style.Tests")]
[assembly: InternalsVisibleTo("NativeStyle.FeedForward")]
