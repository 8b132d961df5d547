using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using NativeStyle.Vgg.Weights;

namespace NativeStyle.FeedForward;

/// <summary>The network's parameters on the host.</summary>
internal sealed class TransformerWeights
{
    /// <summary>With it, the first results have the contrast of photographs.</summary>
    private const float LastGain = 100f;

    private const float MidGrey = 127.5f;

    private readonly Dictionary<string, float[]> _values = [];

    /// <param name="architecture">The network.</param>
    /// <param name="values">
    /// Each parameter's numbers by its name, row-major; a filter's are (K, K, in, out).
    /// </param>
    /// <exception cref="ArgumentException">A parameter is missing or has another length.</exception>
    public TransformerWeights(TransformerArchitecture architecture, IReadOnlyDictionary<string, float[]> values)
    {
        Architecture = architecture;
        foreach (TransformerParameter parameter in architecture.Parameters)
        {
            if (!values.TryGetValue(parameter.Name, out float[]? numbers) || numbers.Length != parameter.Shape.Length)
            {
                throw new ArgumentException(
                    $"{parameter.Name} has {numbers?.Length ?? 0} numbers, expected {parameter.Shape}", nameof(values));
            }

            _values[parameter.Name] = numbers;
        }
    }

    public TransformerArchitecture Architecture { get; }

    /// <summary>A parameter's numbers, row-major; a filter's are (K, K, in, out).</summary>
    public float[] this[string name] => _values[name];

    /// <summary>
    /// The SHA-256 of the numbers, as 64 hexadecimal digits. It is the same in whatever file they are, and as whatever
    /// numbers the file holds them.
    /// </summary>
    public string Digest()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (TransformerParameter parameter in Architecture.Parameters)
        {
            hash.AppendData(Encoding.UTF8.GetBytes(parameter.Name));
            hash.AppendData(MemoryMarshal.AsBytes(this[parameter.Name].AsSpan()));
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>
    /// Draws the weights that training starts from, as PyTorch does: filters and biases from U(-b, b) with
    /// b = 1 / sqrt(K K in), scales 1, shifts 0 (torch.nn.Conv2d and InstanceNorm2d). The last convolution differs, as
    /// it makes levels of 0..255: its biases are mid-grey, and its filters are <see cref="LastGain"/> times as large.
    /// Otherwise hundreds of steps would only teach it that pictures are not black.
    /// </summary>
    /// <param name="seed">The same seed gives the same weights.</param>
    public static TransformerWeights Random(TransformerArchitecture architecture, int seed)
    {
        var values = new Dictionary<string, float[]>();
        ulong drawn = 0;
        foreach (TransformerStage stage in architecture.Stages)
        {
            double bound = 1 / Math.Sqrt(stage.Kernel * stage.Kernel * stage.InChannels);
            foreach (TransformerParameter parameter in stage.Parameters)
            {
                float[] numbers = new float[parameter.Shape.Length];
                if (parameter.Name == stage.Scale)
                {
                    Array.Fill(numbers, 1f);
                }
                else if (parameter.Name != stage.Shift)
                {
                    var generator = new NormalGenerator(((ulong)(uint)seed << 16) + drawn++);
                    for (int i = 0; i < numbers.Length; i++)
                        numbers[i] = (float)(bound * ((2 * generator.Uniform()) - 1));
                    if (stage.Norm is null && parameter.IsFilter) Scale(numbers, LastGain);
                    else if (stage.Norm is null) Array.Fill(numbers, MidGrey);
                }

                values[parameter.Name] = numbers;
            }
        }

        return new TransformerWeights(architecture, values);
    }

    private static void Scale(float[] numbers, float factor)
    {
        for (int i = 0; i < numbers.Length; i++) numbers[i] *= factor;
    }
}
