using System.Text.Json.Serialization;

namespace NativeStyle.Studio.Data;

/// <summary>A picture that jobs can use.</summary>
/// <param name="Id">Its name in addresses and in the studio's folder.</param>
/// <param name="Name">What the user calls it. It never becomes a path.</param>
/// <param name="Role">content or style for samples; null for the user's own.</param>
internal sealed record StudioPicture(string Id, string Name, int Width, int Height, string? Role = null)
{
    /// <summary>Whether it is part of the program.</summary>
    [JsonIgnore]
    public bool IsSample => Role is not null;
}
