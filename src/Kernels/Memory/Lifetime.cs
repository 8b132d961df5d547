namespace NativeStyle.Kernels.Memory;

/// <summary>
/// How long a block of memory stays. Blocks with the same lifetime lie together, so that freed blocks leave no gaps
/// between blocks that stay.
/// </summary>
public enum Lifetime
{
    /// <summary>Freed soon: maps, gradients, workspaces.</summary>
    Brief,

    /// <summary>
    /// Stays from the forward pass to the backward pass, while many brief blocks come and go: gates.
    /// </summary>
    Pass,

    /// <summary>
    /// Stays for many passes: weights, targets, what is optimised. Each block's memory returns to the system by itself.
    /// </summary>
    Run,
}
