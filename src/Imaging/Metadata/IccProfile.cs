using System.Buffers.Binary;
using System.Text;

namespace NativeStyle.Imaging.Metadata;

/// <summary>
/// An ICC profile (ICC.1:2022), parsed just far enough to tell whether it is sRGB and what it is called.
/// </summary>
/// <param name="Name">The profile's description.</param>
/// <param name="IsSrgb">
/// Whether its colours look like sRGB's: it has the same primaries and a tone curve close to sRGB's.
/// </param>
internal sealed record IccProfile(string Name, bool IsSrgb)
{
    /// <summary>sRGB's primaries, adapted to the profiles' white D50 (ICC's own profile sRGB2014).</summary>
    private static readonly (string Tag, double[] Xyz)[] s_primaries =
    [
        ("rXYZ", [0.4361, 0.2225, 0.0139]),
        ("gXYZ", [0.3851, 0.7169, 0.0971]),
        ("bXYZ", [0.1431, 0.0606, 0.7141]),
    ];

    /// <summary>The linear light of the encoded value one half.</summary>
    private const double HalfOfSrgb = 0.2140;

    /// <summary>
    /// sRGB profiles differ by a thousandth. The next narrower or wider space differs by ten times that.
    /// </summary>
    private const double PrimaryTolerance = 0.004;

    /// <summary>Gamma 2.2, which is often called sRGB, gives 0.2176 for one half.</summary>
    private const double CurveTolerance = 0.01;

    /// <summary>Parses any bytes. A profile that cannot be understood is not sRGB.</summary>
    public static IccProfile Parse(ReadOnlySpan<byte> profile)
    {
        string name = Description(Tag(profile, "desc"));
        string space = profile.Length >= 20 ? Printable(Encoding.ASCII.GetString(profile[16..20])) : "";
        if (name.Length == 0) name = space.Length > 0 ? $"an unnamed {space} profile" : "damaged";
        bool srgb = space == "GRAY"
            ? CloseToSrgb(Tag(profile, "kTRC"))
            : space == "RGB" && CloseToSrgb(Tag(profile, "gTRC"));
        foreach ((string tag, double[] xyz) in space == "RGB" ? s_primaries : [])
        {
            ReadOnlySpan<byte> body = Tag(profile, tag);
            if (body.Length < 20) return new IccProfile(name, false);
            for (int i = 0; i < 3; i++)
                srgb &= Math.Abs(Fixed(body[(8 + (4 * i))..]) - xyz[i]) <= PrimaryTolerance;
        }

        return new IccProfile(name, srgb);
    }

    private static ReadOnlySpan<byte> Tag(ReadOnlySpan<byte> profile, string name)
    {
        if (profile.Length < 132) return [];
        uint count = BinaryPrimitives.ReadUInt32BigEndian(profile[128..]);
        for (int at = 132; count > 0 && at + 12 <= profile.Length; at += 12, count--)
        {
            if (!profile.Slice(at, 4).SequenceEqual(Encoding.ASCII.GetBytes(name))) continue;
            uint from = BinaryPrimitives.ReadUInt32BigEndian(profile[(at + 4)..]);
            uint length = BinaryPrimitives.ReadUInt32BigEndian(profile[(at + 8)..]);
            bool inside = from <= profile.Length && length <= profile.Length - from;
            return inside ? profile.Slice((int)from, (int)length) : [];
        }

        return [];
    }

    /// <summary>
    /// Reads the description. Version 2 has ASCII. Version 4 has UTF-16 in several languages, of which the first is
    /// used.
    /// </summary>
    private static string Description(ReadOnlySpan<byte> body)
    {
        string text = "";
        if (body.StartsWith("desc"u8) && body.Length > 12)
        {
            text = Encoding.Latin1.GetString(body[12..Math.Min(body.Length, 12 + Length(body[8..]))]);
        }
        else if (body.StartsWith("mluc"u8) && body.Length >= 28)
        {
            int from = Length(body[24..]), length = Length(body[20..]);
            if (from <= body.Length - length) text = Encoding.BigEndianUnicode.GetString(body.Slice(from, length));
        }

        return Printable(text);

        static int Length(ReadOnlySpan<byte> at) => (int)Math.Min(BinaryPrimitives.ReadUInt32BigEndian(at), 1 << 16);
    }

    /// <summary>Removes control characters, because the text goes to a terminal.</summary>
    private static string Printable(string text) =>
        new string([.. text.Where(character => !char.IsControl(character)).Take(80)]).Trim();

    /// <summary>
    /// Whether a tone curve has sRGB's value at one half. It is a table, a gamma, or a formula of ICC.1, 10.18.
    /// </summary>
    private static bool CloseToSrgb(ReadOnlySpan<byte> curve)
    {
        if (curve.Length < 12) return false;
        double half = double.NaN;
        if (curve.StartsWith("curv"u8))
        {
            uint count = BinaryPrimitives.ReadUInt32BigEndian(curve[8..]);
            if (count > (curve.Length - 12) / 2) return false;
            half = count switch
            {
                0 => 0.5,
                1 => Math.Pow(0.5, BinaryPrimitives.ReadUInt16BigEndian(curve[12..]) / 256.0),
                _ => (Entry(curve, (count - 1) / 2) + Entry(curve, count / 2)) / 2,
            };
        }
        else if (curve.StartsWith("para"u8) && curve.Length >= 16)
        {
            double gamma = Fixed(curve[12..]);
            if (BinaryPrimitives.ReadUInt16BigEndian(curve[8..]) == 0) half = Math.Pow(0.5, gamma);
            else if (curve.Length >= 24) half = Math.Pow((Fixed(curve[16..]) * 0.5) + Fixed(curve[20..]), gamma);
        }

        return Math.Abs(half - HalfOfSrgb) <= CurveTolerance;
    }

    private static double Entry(ReadOnlySpan<byte> curve, uint i) =>
        BinaryPrimitives.ReadUInt16BigEndian(curve[(12 + (2 * (int)i))..]) / 65535.0;

    private static double Fixed(ReadOnlySpan<byte> at) => BinaryPrimitives.ReadInt32BigEndian(at) / 65536.0;
}
