#!/usr/bin/env python3
"""Twenty iterations of two systems' mathematics in double precision with PyTorch and scipy, for FollowTests.cs.

    python3 reference_run.py TESTDATA > reference_run.json
    python3 reference_run.py TESTDATA --sensitivity

TESTDATA holds photos/kodim02.png and kodim23.png and weights/vgg19_trained_conv1_to_conv3_bgr.npz. Content and style are
64 x 96 pieces of the photographs. Adam starts at noise from an integer hash, so that any program can begin at the same
point, L-BFGS at the content: from noise its losses after twenty steps differ by up to 2.3% between runs in double
precision whose gradients differ by 1e-6, as --sensitivity shows. The weights end with the third block, so content is read on conv3_2 and style on conv1_1, conv2_1, conv3_1.

coursera: average pooling SAME, J = 10 sum (aC - aG)^2 / (4 n) + 40 sum 0.2 sum (GS - GG)^2 / (4 nC^2 (nH nW)^2), Adam,
learning rate 2, pixels of 0..255 with the mean subtracted.
ryanchankh: 1e-6 1/2 sum (F - P)^2 + sum 0.2 sum (G - A)^2 / (4 M^2 N^2), scipy's L-BFGS-B with its defaults.

Prints the loss before each of twenty steps and after the last.
"""
import json
import sys

import numpy as np
import scipy.optimize
import torch
import torch.nn.functional as F
from PIL import Image

HEIGHT, WIDTH = 64, 96
MEAN = torch.tensor([123.68, 116.779, 103.939], dtype=torch.float64)
LAYERS = ["conv1_1", "conv1_2", None, "conv2_1", "conv2_2", None, "conv3_1", "conv3_2"]
STYLE, CONTENT = ["conv1_1", "conv2_1", "conv3_1"], "conv3_2"
ITERATIONS = 20

root = sys.argv[1]
torch.set_default_dtype(torch.float64)
stored = np.load(f"{root}/weights/vgg19_trained_conv1_to_conv3_bgr.npz")


def array(layer, kind):
    candidates = [name for name in stored.files if layer in name and (("_W" in name or "kernel" in name) if kind == "W" else ("_b" in name or "bias" in name))]
    assert len(candidates) == 1, (layer, kind, stored.files)
    return torch.tensor(stored[candidates[0]].astype(np.float64))


weights = {}
for layer in filter(None, LAYERS):
    kernel = array(layer, "W")
    if layer == "conv1_1":
        kernel = kernel.flip(2)  # The file's first layer expects BGR.
    weights[layer] = (kernel.permute(3, 2, 0, 1).contiguous(), array(layer, "b"))


def piece(name, top, left):
    pixels = np.asarray(Image.open(f"{root}/photos/{name}").convert("RGB"))[top:top + HEIGHT, left:left + WIDTH]
    return torch.tensor(pixels.astype(np.float64))


def noise():
    index = np.arange(HEIGHT * WIDTH * 3, dtype=np.uint64)
    return torch.tensor((((index * 2654435761) % 2**32) >> 24).astype(np.float64).reshape(HEIGHT, WIDTH, 3))


def features(pixels):
    x, maps = (pixels - MEAN).permute(2, 0, 1)[None], {}
    for layer in LAYERS:
        if layer is None:
            # TensorFlow's SAME: a window over the edge averages the pixels that exist. All sizes here are even.
            x = F.avg_pool2d(x, 2, ceil_mode=True, count_include_pad=False)
        else:
            x = F.relu(F.conv2d(x, *weights[layer], padding=1))
            maps[layer] = x[0].reshape(x.shape[1], -1)
    return maps


def gram(f):
    return f @ f.t()


CONTENT_PIECE = ("kodim02.png", 200, 300)
content, style = features(piece(*CONTENT_PIECE)), features(piece("kodim23.png", 150, 250))


def coursera(pixels):
    maps = features(pixels)
    loss = 10 * ((maps[CONTENT] - content[CONTENT]) ** 2).sum() / (4 * content[CONTENT].numel())
    for layer in STYLE:
        channels, count = maps[layer].shape
        loss = loss + 40 * 0.2 * ((gram(maps[layer]) - gram(style[layer])) ** 2).sum() / (4 * channels**2 * count**2)
    return loss


def ryanchankh(pixels):
    maps = features(pixels)
    loss = 1e-6 * 0.5 * ((maps[CONTENT] - content[CONTENT]) ** 2).sum()
    for layer in STYLE:
        channels, count = maps[layer].shape
        loss = loss + 0.2 * ((gram(maps[layer]) - gram(style[layer])) ** 2).sum() / (4 * count**2 * channels**2)
    return loss


def run_adam():
    x = noise().requires_grad_()
    adam = torch.optim.Adam([x], lr=2.0)
    losses = []
    for _ in range(ITERATIONS):
        adam.zero_grad()
        loss = coursera(x)
        loss.backward()
        losses.append(loss.item())
        adam.step()
    return losses + [coursera(x).item()]


def run_lbfgs(start, noise_level=0.0, seed=0):
    random = np.random.default_rng(seed)

    def value_and_gradient(flat):
        x = torch.tensor(flat.reshape(HEIGHT, WIDTH, 3)).requires_grad_()
        loss = ryanchankh(x)
        loss.backward()
        gradient = x.grad.numpy().ravel()
        return loss.item(), gradient + noise_level * np.sqrt((gradient**2).mean()) * random.standard_normal(gradient.size)

    start = start.numpy().ravel()
    losses = [value_and_gradient(start)[0]]
    scipy.optimize.minimize(
        value_and_gradient, start, jac=True, method="L-BFGS-B", options={"maxiter": ITERATIONS},
        callback=lambda x: losses.append(ryanchankh(torch.tensor(x.reshape(HEIGHT, WIDTH, 3))).item()))
    return losses


def sensitivity():
    for name, start in (("noise", noise()), ("content", piece(*CONTENT_PIECE))):
        exact = run_lbfgs(start)
        for seed in range(4):
            last = run_lbfgs(start, 1e-6, seed)[-1]
            print(f"from {name}, gradients off by 1e-6, seed {seed}: the last loss is off by {100 * (last / exact[-1] - 1):.2f}%")


if "--sensitivity" in sys.argv:
    sensitivity()
else:
    print(json.dumps({"coursera": run_adam(), "ryanchankh": run_lbfgs(piece(*CONTENT_PIECE))}, indent=1))
