#!/usr/bin/env python3
"""Makes and times the network of `nativestyle bench stylize` with PyTorch, for bench/stylize/run.

    /usr/bin/python3 bench/stylize/torch_network.py make HEIGHT WIDTH --folder DIR [--channels SHARE]
    /usr/bin/python3 bench/stylize/torch_network.py time HEIGHT WIDTH --folder DIR [--channels SHARE] [--iterations N]
    /usr/bin/python3 bench/stylize/torch_network.py train [HEIGHT WIDTH] [--channels SHARE] [--batch N] [--iterations N]

The network is that of Johnson et al. 2016 in the form of PyTorch's example fast_neural_style: 32, 64 and 128 channels times
SHARE (default 1). Its weights are random, of a seed, so that every program computes with the same ones. The time depends
neither on them nor on the picture.

make writes into DIR network.pth (a state_dict, as the example saves it), network.onnx (PyTorch's exporter, of the static
size), input.raw and output.raw (float32 in the order batch, channel, row, column: a random picture of 0..255 and what
PyTorch draws of it).
time times the inference of network.pth and prints a line of JSON.
train times a step of training, the one of `nativestyle train` with the compact loss network that is built in: content loss on
conv2_2, Gram losses on conv1_2, conv2_2, conv3_2 and conv3_4, total variation, Adam. Prints a line of JSON.

Each is timed in both memory formats of PyTorch, the default one and channels_last. The line names the faster one.
"""
import argparse
import json
import pathlib
import resource
import statistics
import sys
import time
import warnings

try:
    import torch
except ImportError:
    sys.exit("torch_network.py: no PyTorch in this Python; install Debian's python3-torch and run /usr/bin/python3")
from torch import nn
from torch.nn import functional

# Every version of PyTorch since 1.8 writes this one.
OPSET = 13
# The blocks of the compact loss network: how many convolutions of how many channels.
BLOCKS = [(2, 32), (2, 80), (4, 112)]
CONTENT, STYLE = ["conv2_2"], ["conv1_2", "conv2_2", "conv3_2", "conv3_4"]


class Conv(nn.Module):
    """Nearest upsampling, reflection padding, convolution. Its names are those of the example's ConvLayer."""

    def __init__(self, inputs, outputs, kernel, stride=1, upsample=1):
        super().__init__()
        self.upsample = upsample
        self.reflection_pad = nn.ReflectionPad2d(kernel // 2)
        self.conv2d = nn.Conv2d(inputs, outputs, kernel, stride)

    def forward(self, x):
        if self.upsample > 1:
            x = functional.interpolate(x, mode="nearest", scale_factor=self.upsample)
        return self.conv2d(self.reflection_pad(x))


class Residual(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv1, self.in1 = Conv(channels, channels, 3), nn.InstanceNorm2d(channels, affine=True)
        self.conv2, self.in2 = Conv(channels, channels, 3), nn.InstanceNorm2d(channels, affine=True)

    def forward(self, x):
        return self.in2(self.conv2(functional.relu(self.in1(self.conv1(x))))) + x


class TransformerNet(nn.Module):
    def __init__(self, share=1.0):
        super().__init__()
        a, b, c = (max(1, round(share * channels)) for channels in (32, 64, 128))
        self.conv1, self.in1 = Conv(3, a, 9), nn.InstanceNorm2d(a, affine=True)
        self.conv2, self.in2 = Conv(a, b, 3, stride=2), nn.InstanceNorm2d(b, affine=True)
        self.conv3, self.in3 = Conv(b, c, 3, stride=2), nn.InstanceNorm2d(c, affine=True)
        for n in range(1, 6):
            setattr(self, f"res{n}", Residual(c))
        self.deconv1, self.in4 = Conv(c, b, 3, upsample=2), nn.InstanceNorm2d(b, affine=True)
        self.deconv2, self.in5 = Conv(b, a, 3, upsample=2), nn.InstanceNorm2d(a, affine=True)
        self.deconv3 = Conv(a, 3, 9)

    def forward(self, x):
        for n in range(1, 4):
            x = functional.relu(getattr(self, f"in{n}")(getattr(self, f"conv{n}")(x)))
        for n in range(1, 6):
            x = getattr(self, f"res{n}")(x)
        x = functional.relu(self.in4(self.deconv1(x)))
        x = functional.relu(self.in5(self.deconv2(x)))
        return self.deconv3(x)


def network(share):
    """Returns a network of random weights. Scales and shifts of norms are random too, so that no program may omit them."""
    torch.manual_seed(1)
    net = TransformerNet(share)
    with torch.no_grad():
        for module in net.modules():
            if isinstance(module, nn.InstanceNorm2d):
                module.weight.uniform_(0.5, 1.5)
                module.bias.uniform_(-0.5, 0.5)
        # The last layer's numbers are then of a picture's magnitude.
        net.deconv3.conv2d.weight.mul_(100)
        net.deconv3.conv2d.bias.fill_(128)
    return net


def picture(height, width, batch=1):
    torch.manual_seed(2)
    return 255 * torch.rand(batch, 3, height, width)


def timed(run, iterations):
    run()
    seconds = []
    for _ in range(iterations):
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds), min(seconds)


def faster(run, iterations):
    """Times run(memory format) in both formats. Returns (name, median, minimum) of the faster one."""
    formats = [("default", torch.contiguous_format), ("channels_last", torch.channels_last)]
    return min(((name, *timed(run(form), iterations)) for name, form in formats), key=lambda each: each[1])


def report(options, form, median, least, **more):
    print(json.dumps({
        "torch": torch.__version__, "threads": options.threads, "memory_format": form, "height": options.height,
        "width": options.width, "channels": options.channels, "seconds": round(median, 4), "seconds_min": round(least, 4),
        **more, "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10}))


def make(options):
    net, x = network(options.channels).eval(), picture(options.height, options.width)
    options.folder.mkdir(parents=True, exist_ok=True)
    torch.save(net.state_dict(), options.folder / "network.pth")
    with torch.no_grad(), warnings.catch_warnings():
        # It warns of norms that measure each picture, and of paddings that it leaves for the reader to fold.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            net, x, str(options.folder / "network.onnx"), opset_version=OPSET, input_names=["input"],
            output_names=["output"])
        y = net(x)
    (options.folder / "input.raw").write_bytes(x.numpy().tobytes())
    (options.folder / "output.raw").write_bytes(y.contiguous().numpy().tobytes())


def time_inference(options):
    net = TransformerNet(options.channels).eval()
    net.load_state_dict(torch.load(options.folder / "network.pth"))
    x = picture(options.height, options.width)

    def run(form):
        moved, pixels = net.to(memory_format=form), x.to(memory_format=form)
        return lambda: moved(pixels)

    with torch.no_grad():
        report(options, *faster(run, options.iterations))


class LossNetwork(nn.Module):
    """The compact network's shapes, with random frozen weights."""

    def __init__(self):
        super().__init__()
        self.names, inputs = [], 3
        self.convolutions = nn.ModuleList()
        for block, (count, channels) in enumerate(BLOCKS, 1):
            for n in range(1, count + 1):
                self.names.append(f"conv{block}_{n}")
                self.convolutions.append(nn.Conv2d(inputs, channels, 3, padding=1))
                nn.init.kaiming_normal_(self.convolutions[-1].weight)
                inputs = channels
        self.requires_grad_(False)

    def forward(self, x, layers):
        """Returns the maps of some layers by their names."""
        maps, last = {}, max(self.names.index(name) for name in layers)
        for i, (name, convolution) in enumerate(zip(self.names[:last + 1], self.convolutions)):
            if i > 0 and name.endswith("_1"):
                x = functional.avg_pool2d(x, 2)
            x = functional.relu(convolution(x))
            if name in layers:
                maps[name] = x
        return maps


def gram(x):
    rows = x.flatten(2)
    return rows @ rows.transpose(1, 2) / rows.shape[2]


def train(options):
    torch.manual_seed(3)
    vgg = LossNetwork()
    x = picture(options.height, options.width, options.batch)

    def run(form):
        net, losses = network(options.channels).to(memory_format=form), vgg.to(memory_format=form)
        pixels = x.to(memory_format=form)
        with torch.no_grad():
            goals = {name: gram(map[:1]) for name, map in losses(picture(options.height, options.width), STYLE).items()}
        adam = torch.optim.Adam(net.parameters(), lr=2e-3)

        def step():
            adam.zero_grad()
            drawn = net(pixels)
            with torch.no_grad():
                content = losses(pixels, CONTENT)
            maps = losses(drawn, CONTENT + STYLE)
            loss = sum(functional.mse_loss(maps[name], content[name]) for name in CONTENT)
            loss = loss + 5 * sum(functional.mse_loss(gram(maps[name]), goals[name].expand(options.batch, -1, -1))
                                  for name in STYLE)
            loss = loss + functional.mse_loss(drawn[..., 1:], drawn[..., :-1])
            loss = loss + functional.mse_loss(drawn[..., 1:, :], drawn[..., :-1, :])
            loss.backward()
            adam.step()
        return step

    form, median, least = faster(run, options.iterations)
    report(options, form, median, least, batch=options.batch, pictures_per_second=round(options.batch / median, 3),
           pictures_per_second_max=round(options.batch / least, 3))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["make", "time", "train"])
    parser.add_argument("height", type=int, nargs="?", default=256)
    parser.add_argument("width", type=int, nargs="?", default=256)
    parser.add_argument("--channels", type=float, default=1.0, metavar="SHARE")
    parser.add_argument("--folder", type=pathlib.Path, metavar="DIR")
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--iterations", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    if options.what != "train" and options.folder is None:
        parser.error(f"{options.what} needs --folder DIR")
    torch.set_num_threads(options.threads)
    {"make": make, "time": time_inference, "train": train}[options.what](options)


main()
