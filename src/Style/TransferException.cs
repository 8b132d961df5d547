namespace NativeStyle.Style;

/// <summary>A transfer cannot be done as asked; the message is for the user.</summary>
public class TransferException(string message) : Exception(message);
