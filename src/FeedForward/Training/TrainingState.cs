using NativeStyle.Style;

namespace NativeStyle.FeedForward.Training;

/// <summary>A parameter and what Adam remembers of it.</summary>
/// <param name="Name">The parameter's name in model files.</param>
/// <param name="Values">Its values, as many as its shape has, in the order of the device.</param>
/// <param name="FirstMoment">Adam's m.</param>
/// <param name="SecondMoment">Adam's v.</param>
internal sealed record TrainedParameter(string Name, float[] Values, float[] FirstMoment, float[] SecondMoment);

/// <summary>A training under way.</summary>
/// <param name="Iteration">Steps made.</param>
/// <param name="Reports">A report of each.</param>
internal sealed record TrainingState(
    int Iteration, IReadOnlyList<IterationReport> Reports, IReadOnlyList<TrainedParameter> Parameters)
{
    /// <summary>The network's parameters alone.</summary>
    public TransformerWeights Weights(TransformerArchitecture architecture) =>
        new(architecture, Parameters.ToDictionary(each => each.Name, each => each.Values));
}
