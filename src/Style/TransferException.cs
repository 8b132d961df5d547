namespace NativeStyle.Style;

/// <summary>A transfer cannot be done as the user asked. The message is for the user.</summary>
public class TransferException(string message) : Exception(message);
