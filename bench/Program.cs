using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;

// dotnet run -c Release --project bench -- --filter '*Convolution*'
//
// In this process: the runtime's settings (no tiered code for loops) are then those of the program.
IConfig config = DefaultConfig.Instance.AddJob(
    Job.ShortRun.WithToolchain(InProcessEmitToolchain.Instance).WithId("in process"));
BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(args, config);
