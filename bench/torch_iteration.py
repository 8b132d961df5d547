#!/usr/bin/env python3
"""Runs the same iteration as `nativestyle bench` with PyTorch, for bench/compare.

    /usr/bin/python3 bench/torch_iteration.py HEIGHT WIDTH [--iterations N] [--threads N] [--device cpu|cuda]
                                              [--precision float32|tf32]

The iteration has VGG-19 to conv5_1 with average pooling, a content loss on conv4_2, Gram losses on the first convolution of
each block, a backward pass to the pixels with frozen weights, and one Adam step. Weights and pictures are random. Prints one
line of JSON.
"""
import argparse
import json
import resource
import statistics
import time

import torch
from torch.nn import functional

BLOCKS = [(1, 2, 64), (2, 2, 128), (3, 4, 256), (4, 4, 512), (5, 1, 512)]
STYLE = {f"conv{block}_1" for block, _, _ in BLOCKS}


def network(device):
    """Returns [(name, weight, bias)], with None where the network pools."""
    layers, channels = [], 3
    for block, count, width in BLOCKS:
        if block > 1:
            layers.append(None)
        for n in range(1, count + 1):
            weight = torch.randn(width, channels, 3, 3, device=device) * (2 / (9 * channels)) ** 0.5
            layers.append((f"conv{block}_{n}", weight, torch.zeros(width, device=device)))
            channels = width
    return layers


def features(layers, x):
    maps = {}
    for layer in layers:
        if layer is None:
            x = functional.avg_pool2d(x, 2)
            continue
        name, weight, bias = layer
        x = functional.relu(functional.conv2d(x, weight, bias, padding=1))
        maps[name] = x
    return maps


def gram(x):
    rows = x.flatten(2)[0]
    return rows @ rows.t() / rows.numel()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("height", type=int)
    parser.add_argument("width", type=int)
    parser.add_argument("--iterations", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--precision", choices=["float32", "tf32"], default="float32")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = options.precision == "tf32"
    torch.backends.cudnn.benchmark = True
    device = torch.device(options.device)
    wait = torch.cuda.synchronize if device.type == "cuda" else lambda: None
    layers = network(device)
    content, style = (torch.rand(1, 3, options.height, options.width, device=device) for _ in range(2))
    with torch.no_grad():
        content_goal = features(layers, content)["conv4_2"]
        style_goals = {name: gram(map) for name, map in features(layers, style).items() if name in STYLE}
    picture = content.clone().requires_grad_(True)
    adam = torch.optim.Adam([picture], lr=0.02)

    def iteration():
        adam.zero_grad()
        maps = features(layers, picture)
        loss = 10 * functional.mse_loss(maps["conv4_2"], content_goal)
        loss = loss + 40 * sum(functional.mse_loss(gram(maps[name]), goal) for name, goal in style_goals.items())
        loss.backward()
        adam.step()

    def forward():
        with torch.no_grad():
            features(layers, picture)

    def median(run):
        run()
        wait()
        seconds = []
        for _ in range(options.iterations):
            start = time.perf_counter()
            run()
            wait()
            seconds.append(time.perf_counter() - start)
        return statistics.median(seconds)

    whole, part = median(iteration), median(forward)
    flop, height, width = 0, options.height, options.width
    for layer in layers:
        if layer is None:
            height, width = height // 2, width // 2
        else:
            flop += 2 * 2 * layer[1].numel() * height * width
    print(json.dumps({
        "torch": torch.__version__, "device": options.device, "precision": options.precision, "threads": options.threads,
        "height": options.height, "width": options.width, "seconds_per_iteration": round(whole, 4),
        "seconds_forward": round(part, 4), "direct_gflop_per_iteration": round(flop / 1e9, 1),
        "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10}))


main()
