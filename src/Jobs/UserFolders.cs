namespace NativeStyle.Jobs;

/// <summary>The folders of the user's own.</summary>
internal static class UserFolders
{
    /// <summary>Returns a folder of this program in the user's data folder. It need not exist.</summary>
    public static string Data(string name) => Path.Combine(
        Environment.GetEnvironmentVariable("XDG_DATA_HOME") is { Length: > 0 } data ? data
        : Environment.GetFolderPath(
            Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify),
        "nativestyle", name);
}
