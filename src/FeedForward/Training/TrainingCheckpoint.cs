using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text.Json;
using NativeStyle.Imaging;
using NativeStyle.Style;
using NativeStyle.Style.Options;
using NativeStyle.Vgg.Weights;

namespace NativeStyle.FeedForward.Training;

/// <summary>What a training is made from.</summary>
/// <param name="Style">The style picture's file.</param>
/// <param name="Pictures">The folder of pictures to learn from.</param>
/// <param name="Weights">The loss network's weights, a file or a name.</param>
/// <param name="Start">The name of the model that the training started from; null for random weights.</param>
/// <param name="Half">Whether the model is written in float16.</param>
/// <param name="Digests">Checksums of style, pictures and weights, by these names.</param>
internal sealed record TrainingJob(
    string Style, string Pictures, string Weights, TrainingOptions Options, string? Start, bool Half,
    IReadOnlyDictionary<string, string> Digests);

/// <summary>
/// A training under way, in a .safetensors file: each parameter under its name, Adam's moments under adam.m.NAME and
/// adam.v.NAME, and in the metadata the job, the state and a checksum of all numbers. The training continues from it
/// to the same bytes.
/// </summary>
/// <param name="Job">The job that is computed.</param>
/// <param name="Directory">The folder that the job's relative names start from.</param>
/// <param name="Device">The device that computed it, as <c>--device</c> takes it.</param>
/// <param name="Every">Iterations between checkpoints.</param>
internal sealed record TrainingCheckpoint(
    TrainingJob Job, string Directory, string Device, int Every, TransformerArchitecture Architecture,
    TrainingState State)
{
    private const string Format = "NativeStyle training 1";
    private const string FirstMoment = "adam.m.", SecondMoment = "adam.v.";

    /// <summary>Writes to a temporary file and then renames it, so that a file of this name is always whole.</summary>
    public void Write(string path)
    {
        Dictionary<string, int[]> shapes = Architecture.Parameters.ToDictionary(
            each => each.Name, each => Enumerable.Range(0, each.Shape.Rank).Select(i => each.Shape[i]).ToArray());
        (string Name, int[] Shape, float[] Values)[] arrays = [.. State.Parameters.SelectMany(each => new[]
        {
            (each.Name, shapes[each.Name], each.Values),
            (FirstMoment + each.Name, shapes[each.Name], each.FirstMoment),
            (SecondMoment + each.Name, shapes[each.Name], each.SecondMoment),
        })];
        var header = new Header(Job, Directory, Device, Every, Architecture, State.Iteration, State.Reports);
        string json = JsonSerializer.Serialize(header, OptionsJson.Format);
        var metadata = new Dictionary<string, string>
        {
            ["format"] = Format,
            ["training"] = json,
            ["sha256"] = Checksum(json, arrays.Select(array => array.Values)),
        };
        AtomicFile.Write(path, stream => SafeTensors.Write(stream, arrays, metadata));
    }

    /// <summary>Reads a checkpoint.</summary>
    /// <exception cref="InvalidDataException">
    /// The file is no checkpoint, or a damaged one. The message names the file.
    /// </exception>
    public static TrainingCheckpoint Read(string path)
    {
        try
        {
            (IReadOnlyList<NamedArray> arrays, IReadOnlyDictionary<string, string> metadata) =
                SafeTensors.Read(() => File.OpenRead(path));
            if (metadata.GetValueOrDefault("format") != Format || !metadata.TryGetValue("training", out string? json))
                throw new InvalidDataException("is no checkpoint of a training");
            Header header = JsonSerializer.Deserialize<Header>(json, OptionsJson.Format)
                ?? throw new InvalidDataException("has an empty header");
            Dictionary<string, NamedArray> byName = arrays.ToDictionary(array => array.Name);
            // Each block has parameters, so a header that states more blocks than arrays is damaged.
            TransformerArchitecture stated = header.Architecture;
            bool credible = stated is { Conv1: > 0, Conv2: > 0, Conv3: > 0, Blocks: >= 0 }
                && stated.Blocks <= arrays.Count;
            if (!credible || header.Iteration < 0)
                throw new InvalidDataException($"is damaged: it states {stated} and iteration {header.Iteration}");
            TrainedParameter[] parameters = [.. header.Architecture.Parameters.Select(each => new TrainedParameter(
                each.Name,
                Values(each.Name, each.Shape.Length),
                Values(FirstMoment + each.Name, each.Shape.Length),
                Values(SecondMoment + each.Name, each.Shape.Length)))];
            IEnumerable<float[]> all =
                parameters.SelectMany(each => new[] { each.Values, each.FirstMoment, each.SecondMoment });
            if (metadata.GetValueOrDefault("sha256") != Checksum(json, all))
                throw new InvalidDataException("is damaged: its checksum does not fit its contents");
            return new TrainingCheckpoint(
                header.Job, header.Directory, header.Device, Math.Max(1, header.Every), header.Architecture,
                new TrainingState(header.Iteration, header.Reports, parameters));

            float[] Values(string name, long length) =>
                byName.TryGetValue(name, out NamedArray? array) && NamedArray.Count(array.Shape) == length
                    ? array.Read() : throw new InvalidDataException($"is damaged: {name} has not {length} numbers");
        }
        catch (Exception wrong) when (wrong is InvalidDataException or JsonException or EndOfStreamException
            or ArgumentException or OverflowException)
        {
            throw new InvalidDataException($"{path} {wrong.Message}", wrong);
        }
    }

    private static string Checksum(string json, IEnumerable<float[]> arrays)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(System.Text.Encoding.UTF8.GetBytes(json));
        foreach (float[] array in arrays) hash.AppendData(MemoryMarshal.AsBytes(array.AsSpan()));
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private sealed record Header(
        TrainingJob Job, string Directory, string Device, int Every, TransformerArchitecture Architecture,
        int Iteration, IReadOnlyList<IterationReport> Reports);
}
