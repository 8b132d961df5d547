using NativeStyle.Jobs;

namespace NativeStyle.Studio;

/// <summary>What a studio is started with.</summary>
/// <param name="Host">The address or name to listen on.</param>
/// <param name="Port">The port; 0 for any that is free.</param>
/// <param name="Folder">The folder for pictures and jobs.</param>
internal sealed record StudioOptions(string Host, int Port, string Folder)
{
    /// <summary>Whether the studio only shows what is there.</summary>
    public bool ReadOnly { get; init; }

    /// <summary>The weights that the user named; null for those that are found.</summary>
    public string? Weights { get; init; }

    /// <summary>The bytes of memory that a job may take, if the user named any.</summary>
    public long? Memory { get; init; }

    /// <summary>The user's data folder, if the user names no other.</summary>
    public static string DefaultFolder => UserFolders.Data("studio");
}
