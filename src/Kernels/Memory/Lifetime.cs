namespace NativeStyle.Kernels.Memory;

/// <summary>How long a block of memory will stay. Blocks of one kind lie together, so that what goes leaves no gaps between what stays.</summary>
public enum Lifetime
{
    /// <summary>It goes again before long: maps, gradients, workspaces.</summary>
    Brief,

    /// <summary>It stays from the pass forward to the pass backward, while many brief ones come and go: gates.</summary>
    Pass,

    /// <summary>It stays for many passes: weights, targets, what is optimised. Its memory goes back to the system by itself.</summary>
    Run,
}
