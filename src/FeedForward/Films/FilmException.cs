namespace NativeStyle.FeedForward.Films;

/// <summary>
/// A film cannot be read or written. The message says which film, and why in the words of the program that reads or
/// writes it.
/// </summary>
public sealed class FilmException(string message, Exception? cause = null) : IOException(message, cause);
