using System.Globalization;
using System.Text;
using NativeStyle.Kernels;
using NativeStyle.Kernels.OpenCl;

namespace NativeStyle.KernelCompiler.Tests;

/// <summary>
/// Programs drawn at random: nested expressions, conditions, loops, helpers and arrays over int and uint, translated and
/// run on the device, must give exactly what the same C# gives. A failure prints the program.
/// </summary>
public class RandomProgramTests
{
    private const int Items = 96;

    [SkippableTheory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(0)]
    public void RandomProgramsComputeAlike(int seed)
    {
        using OpenClAccelerator device = TestDevice.Open();
        using var cpu = new CpuAccelerator(2, CpuPath.Kernels);
        int drawn = seed == 0 ? Environment.TickCount & 0xFFFF : seed;
        // Several kernels in a project: compiling it takes longer than they do.
        const int Kernels = 12;
        var writer = new ProgramWriter(new Random(drawn));
        string members = string.Concat(Enumerable.Range(0, Kernels).Select(writer.Kernel)) + writer.Helpers;
        Type type = KernelProject.Load(members);
        for (int k = 0; k < Kernels; k++)
        {
            var kernel = type.GetMethod($"Run{k}")!.CreateDelegate<Action<Index1D, ArrayView<int>, ArrayView<uint>, ArrayView<int>, ArrayView<uint>>>();
            (int[] Integers, uint[] Naturals) expected = Run(cpu, kernel, drawn + k), actual = Run(device, kernel, drawn + k);
            Assert.True(
                expected.Integers.SequenceEqual(actual.Integers) && expected.Naturals.SequenceEqual(actual.Naturals),
                $"seed {drawn}, kernel {k}:\n{members}");
        }
    }

    private static (int[] Integers, uint[] Naturals) Run(
        Accelerator accelerator, Action<Index1D, ArrayView<int>, ArrayView<uint>, ArrayView<int>, ArrayView<uint>> kernel, int seed)
    {
        var random = new Random(seed);
        int[] integers = [.. Enumerable.Range(0, Items).Select(_ => random.Next(-1000, 1000))];
        uint[] naturals = [.. Enumerable.Range(0, Items).Select(_ => (uint)random.NextInt64(uint.MaxValue))];
        using MemoryBuffer<int> a = accelerator.Allocate<int>(integers), c = accelerator.Allocate<int>(new int[Items]);
        using MemoryBuffer<uint> b = accelerator.Allocate<uint>(naturals), d = accelerator.Allocate<uint>(new uint[Items]);
        accelerator.Launch(kernel, (Index1D)Items, a.View, b.View, c.View, d.View);
        return (c.GetAsArray(), d.GetAsArray());
    }

    /// <summary>Writes kernels. Values of int stay small, because C leaves open what happens when they overflow.</summary>
    private sealed class ProgramWriter(Random random)
    {
        private int _loops;

        public string Helpers =>
            "static int Mix(int x, int y) => ((x ^ y) & 1023) - (y & 15);\n" +
            "static uint Blend(uint x, uint y) { if (x > y) return x - y; uint z = x * 31u; return z ^ (y >> 3); }\n" +
            "static int Peek(ArrayView<int> values, int at) => values[(at & 1023) % 96];\n";

        public string Kernel(int number)
        {
            var body = new StringBuilder();
            body.Append(CultureInfo.InvariantCulture, $"[Kernel] public static void Run{number}(Index1D index, ArrayView<int> a, ArrayView<uint> b, ArrayView<int> c, ArrayView<uint> d)\n{{\n");
            body.Append("int i0 = a[index];\nint i1 = index;\nint i2 = 7;\nuint u0 = b[index];\nuint u1 = 5u;\nbool flag = i0 > i1;\n");
            body.Append("ArrayView<int> local = LocalMemory.Allocate<int>(8);\nfor (int k = 0; k < 8; k++) local[k] = k * 3;\n");
            for (int i = 0; i < 6; i++) body.Append(Statement(2));
            body.Append("c[index] = i0 + i1 + i2 + local[i1 & 7] + (flag ? 1 : 0);\nd[index] = u0 ^ u1;\n}\n");
            return body.ToString();
        }

        private string Statement(int depth)
        {
            switch (random.Next(depth > 0 ? 9 : 6))
            {
                case 0 or 1:
                    return $"i{random.Next(3)} = ({Int(3)}) & 4095;\n";
                case 2:
                    return $"u{random.Next(2)} {Pick("=", "+=", "^=", "*=", "|=", "&=")} {UInt(3)};\n";
                case 3:
                    return $"flag = {Bool(2)};\n";
                case 4:
                    return $"local[({Int(1)}) & 7] = ({Int(2)}) & 255;\n";
                case 5:
                    return $"u{random.Next(2)} {Pick("<<=", ">>=")} {random.Next(1, 9)};\n";
                case 6:
                    return $"if ({Bool(2)})\n{{\n{Statement(depth - 1)}}}\nelse\n{{\n{Statement(depth - 1)}{Statement(depth - 1)}}}\n";
                case 7:
                    int loop = _loops++;
                    string stop = random.Next(2) == 0 ? $"if ({Bool(1)}) {Pick("break", "continue")};\n" : "";
                    return $"for (int n{loop} = 0; n{loop} < {random.Next(1, 9)}; n{loop}++)\n{{\n{stop}i2 = (i2 + n{loop}) & 4095;\n{Statement(depth - 1)}}}\n";
                default:
                    int counter = _loops++;
                    return $"int w{counter} = {random.Next(1, 6)};\nwhile (w{counter} > 0)\n{{\nw{counter}--;\n{Statement(depth - 1)}}}\n";
            }
        }

        private string Int(int depth)
        {
            if (depth == 0) return Pick("i0", "i1", "i2", random.Next(-50, 1000).ToString(CultureInfo.InvariantCulture), "local[i2 & 7]", "a[index]");
            return random.Next(9) switch
            {
                0 => $"({Int(depth - 1)} + {Int(depth - 1)})",
                1 => $"({Int(depth - 1)} - {Int(depth - 1)})",
                2 => $"(({Int(depth - 1)}) {Pick("/", "%")} ((({Int(depth - 1)}) & 7) + 1))",
                3 => $"(({Int(depth - 1)}) {Pick("&", "|", "^")} ({Int(depth - 1)}))",
                4 => $"({Bool(depth - 1)} ? {Int(depth - 1)} : {Int(depth - 1)})",
                5 => $"(({Int(depth - 1)}) >> {random.Next(1, 5)})",
                6 => $"Mix({Int(depth - 1)}, {Int(depth - 1)})",
                7 => $"Peek({Pick("a", "a")}, {Int(depth - 1)})",
                _ => $"Math.{Pick("Min", "Max")}({Int(depth - 1)}, {Int(depth - 1)})",
            };
        }

        private string UInt(int depth)
        {
            if (depth == 0) return Pick("u0", "u1", $"(u1 ^ {random.Next(1000)}u)", "(uint)i2", "b[index]");
            return random.Next(6) switch
            {
                0 => $"({UInt(depth - 1)} {Pick("+", "-", "*")} {UInt(depth - 1)})",
                1 => $"({UInt(depth - 1)} {Pick("&", "|", "^")} {UInt(depth - 1)})",
                2 => $"({UInt(depth - 1)} {Pick("/", "%")} (({UInt(depth - 1)} & 15u) + 1u))",
                3 => $"({UInt(depth - 1)} {Pick("<<", ">>")} ({Int(depth - 1)} & 31))",
                4 => $"({Bool(depth - 1)} ? {UInt(depth - 1)} : ~{UInt(depth - 1)})",
                _ => $"Blend({UInt(depth - 1)}, {UInt(depth - 1)})",
            };
        }

        private string Bool(int depth)
        {
            if (depth == 0) return Pick("flag", "(i0 > 10)", "(u0 < u1)", "(i1 != i2)");
            return random.Next(4) switch
            {
                0 => $"({Int(depth - 1)} {Pick("<", "<=", ">", ">=", "==", "!=")} {Int(depth - 1)})",
                1 => $"({UInt(depth - 1)} {Pick("<", ">=", "==")} {UInt(depth - 1)})",
                2 => $"({Bool(depth - 1)} {Pick("&&", "||", "^", "==")} {Bool(depth - 1)})",
                _ => $"!({Bool(depth - 1)})",
            };
        }

        private string Pick(params string[] choices) => choices[random.Next(choices.Length)];
    }
}
