extern alias start;

using System.Reflection;

namespace NativeStyle.Exercises.Tests;

/// <summary>
/// The tests of the exercises pass with the solutions: they are compiled into this project. They must fail with the
/// code to start from, or there would be nothing to solve.
/// </summary>
public class StartTests
{
    public static TheoryData<string, string> Tests()
    {
        var tests = new TheoryData<string, string>();
        foreach (Type type in typeof(start::NativeStyle.Exercises.Tests.BrokenBackwardTests).Assembly.GetTypes())
            foreach (MethodInfo method in type.GetMethods())
                if (method.GetCustomAttribute<FactAttribute>() is not null) tests.Add(type.Name, method.Name);
        return tests;
    }

    [Theory]
    [MemberData(nameof(Tests))]
    public void ATestFailsOnTheCodeToStartFrom(string type, string test)
    {
        Type tests = typeof(start::NativeStyle.Exercises.Tests.BrokenBackwardTests).Assembly
            .GetType($"NativeStyle.Exercises.Tests.{type}", throwOnError: true)!;
        object instance = Activator.CreateInstance(tests)!;
        try
        {
            var failure = Assert.Throws<TargetInvocationException>(() => tests.GetMethod(test)!.Invoke(instance, null));
            // An assertion, and not a crash.
            Assert.IsType<Xunit.Sdk.XunitException>(failure.InnerException, exactMatch: false);
        }
        finally
        {
            (instance as IDisposable)?.Dispose();
        }
    }

    /// <summary>Six exercises, each with code to start from, a solution, tests and its text in the README.</summary>
    [Fact]
    public void EachExerciseIsWhole()
    {
        string folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "NativeStyle.sln"))) folder = Path.GetDirectoryName(folder)!;
        // The solution must be green, and the exercises are not.
        Assert.DoesNotContain(
            @"exercises\", File.ReadAllText(Path.Combine(folder, "NativeStyle.sln")), StringComparison.Ordinal);
        string exercises = Path.Combine(folder, "exercises");
        string[] Names(string of) =>
            [.. Directory.GetFiles(Path.Combine(exercises, of)).Select(Path.GetFileNameWithoutExtension).Order()!];
        string[] names = Names("start");
        Assert.Equal(6, names.Length);
        Assert.Equal(names, Names("solutions"));
        Assert.Equal(names.Select(name => name + "Tests").Append("TapeCase").Order(), Names("tests"));
        string text = File.ReadAllText(Path.Combine(exercises, "README.md"));
        Assert.All(names, name => Assert.Contains($"(start/{name}.cs)", text, StringComparison.Ordinal));
    }
}
