using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using NativeStyle.Bench;

// dotnet run -c Release --project bench -- --filter '*Convolution*' dotnet run -c Release --project bench -- pictures
// FILE...
//
// Run in this process, so that the runtime's settings (no tiered code for loops) are those of the program.
if (args is ["pictures", .. string[] files]) return PictureDecoding.Measure(files);
IConfig config = DefaultConfig.Instance.AddJob(
    Job.ShortRun.WithToolchain(InProcessEmitToolchain.Instance).WithId("in process"));
BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(args, config);
return 0;
