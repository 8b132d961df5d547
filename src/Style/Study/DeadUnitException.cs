namespace NativeStyle.Style.Study;

/// <summary>A unit stays at zero for every noise that was tried: there is no gradient to follow.</summary>
internal sealed class DeadUnitException(string layer, int channel) : TransferException(
    $"channel {channel} of {layer} stays at zero for every noise tried: it has no gradient to follow");
