using System.CommandLine;
using System.Runtime.CompilerServices;
using NativeStyle.Cli.Arguments;
using NativeStyle.Cli.Help;
using NativeStyle.Jobs;
using NativeStyle.Kernels.Devices;
using NativeStyle.Studio;
using NativeStyle.Style.Options;

namespace NativeStyle.Cli.Commands;

/// <summary><c>nativestyle studio</c>: style transfer live in the browser.</summary>
internal sealed class StudioCommand : ProgramCommand
{
    private readonly Option<int> _port = Typed.Option(
        "--port", "The port to listen on; 0 for any that is free", new NumberRange<int>(0, 65535), 8642);

    private readonly Option<string> _host = new("--host")
    {
        Description = "The address to listen on; others than this machine's own let others in who know the token " +
            "(default: 127.0.0.1)",
        HelpName = "HOST", DefaultValueFactory = _ => "127.0.0.1",
    };

    private readonly Option<bool> _noBrowser = new("--no-browser") { Description = "Do not open the browser" };

    private readonly Option<string?> _data = new("--data")
    {
        Description = "The folder for pictures and jobs (default: nativestyle/studio in the user's data folder)",
        HelpName = "DIR",
    };

    private readonly Option<bool> _readOnly = new("--read-only")
    {
        Description = "Only show what is there, for others to look at",
    };

    private readonly Option<string?> _weights = new("--weights")
    {
        Description = "VGG weights of the transfers; as for transfer", HelpName = "FILE",
        CompletionSources = { WeightsLocator.Words },
    };

    private readonly Option<long?> _memory = Typed.Memory("Memory that a transfer may take, e.g. 4G or 800M");
    private readonly Option<bool> _quiet = Typed.Quiet();
    private readonly DeviceArguments _device = new();

    public StudioCommand()
        : base(
            "studio",
            "Paint in the browser: watch a transfer, change it while it runs, and keep what pleases.",
            """
            Starts a web server on this machine, prints its address in one line, and opens it. The address has a token:
            only who knows it gets in. Ctrl-C ends the studio within a second. Jobs go on when it starts again.

              nativestyle studio
              nativestyle studio --port 9000 --data /big/disk/studio --no-browser

            docs/studio.md tells what it can do, and what keeps it safe.
            """)
    {
        Add(OptionGroup.Common, _port, _host, _noBrowser, _data, _readOnly, _weights);
        Add(OptionGroup.Run, _memory, _quiet);
        _device.AddTo(this);
        SetAction(Run);
    }

    private int Run(ParseResult parsed)
    {
        WebRuntime.Find();
        return Serve(parsed);
    }

    /// <summary>Runs the studio. It must not be inlined: its types need what <see cref="WebRuntime"/> finds.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private int Serve(ParseResult parsed)
    {
        var options = new StudioOptions(
            parsed.GetValue(_host)!, parsed.GetValue(_port), parsed.GetValue(_data) ?? StudioOptions.DefaultFolder)
        {
            ReadOnly = parsed.GetValue(_readOnly),
            Weights = parsed.GetValue(_weights),
            Memory = parsed.GetValue(_memory),
        };
        bool quiet = parsed.GetValue(_quiet);
        using ComputeDevice device = _device.Open(parsed, quiet ? _ => { } : null);
        using Cancellation cancellation = new Cancellation().Keep();
        StudioProgram.Run(options, device, Ready, cancellation.Token);
        return Cancellation.ExitCode;

        void Ready(string address)
        {
            Console.WriteLine($"studio: {address}");
            if (!parsed.GetValue(_noBrowser)) Browser.Open(address);
        }
    }
}
