#!/usr/bin/env python3
"""Writes small style models, a picture and its drawing with PyTorch, which is not NativeStyle's program.

    apt-get install -y python3-torch python3-numpy
    /usr/bin/python3 make_models.py

The network is that of PyTorch's example fast_neural_style with 4, 8, 8 channels and 2 residual blocks, and with random numbers.
Its drawing is computed in double precision. Numbers in .f32 files are float32, little-endian, row-major.
"""
import json
import pickle
import struct
from collections import OrderedDict
import numpy as np
import torch
from torch import nn

HEIGHT, WIDTH = 33, 46


class Convolution(nn.Module):
    def __init__(self, reads, makes, kernel, stride=1, upsampling=1):
        super().__init__()
        self.upsampling = upsampling
        self.pad = nn.ReflectionPad2d(kernel // 2)
        self.conv2d = nn.Conv2d(reads, makes, kernel, stride)

    def forward(self, x):
        if self.upsampling > 1:
            x = nn.functional.interpolate(x, scale_factor=self.upsampling, mode="nearest")
        return self.conv2d(self.pad(x))


class Block(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv1, self.in1 = Convolution(channels, channels, 3), nn.InstanceNorm2d(channels, affine=True)
        self.conv2, self.in2 = Convolution(channels, channels, 3), nn.InstanceNorm2d(channels, affine=True)

    def forward(self, x):
        return x + self.in2(self.conv2(torch.relu(self.in1(self.conv1(x)))))


class Network(nn.Module):
    def __init__(self, a, b, c, blocks):
        super().__init__()
        self.conv1, self.in1 = Convolution(3, a, 9), nn.InstanceNorm2d(a, affine=True)
        self.conv2, self.in2 = Convolution(a, b, 3, stride=2), nn.InstanceNorm2d(b, affine=True)
        self.conv3, self.in3 = Convolution(b, c, 3, stride=2), nn.InstanceNorm2d(c, affine=True)
        self.blocks = [f"res{n + 1}" for n in range(blocks)]
        for name in self.blocks:
            setattr(self, name, Block(c))
        self.deconv1, self.in4 = Convolution(c, b, 3, upsampling=2), nn.InstanceNorm2d(b, affine=True)
        self.deconv2, self.in5 = Convolution(b, a, 3, upsampling=2), nn.InstanceNorm2d(a, affine=True)
        self.deconv3 = Convolution(a, 3, 9)

    def forward(self, x):
        for n in "123":
            x = torch.relu(getattr(self, "in" + n)(getattr(self, "conv" + n)(x)))
        for name in self.blocks:
            x = getattr(self, name)(x)
        x = torch.relu(self.in4(self.deconv1(x)))
        return self.deconv3(torch.relu(self.in5(self.deconv2(x))))


def save(name, array):
    np.ascontiguousarray(array, "<f4").tofile(name)


torch.manual_seed(20)
network = Network(4, 8, 8, 2).eval()
with torch.no_grad():
    for name, parameter in network.named_parameters():
        if "conv2d" not in name:  # scales around 1, shifts around 0
            parameter.add_(0.3 * torch.randn_like(parameter))
    network.deconv3.conv2d.weight.mul_(180)
    network.deconv3.conv2d.bias.add_(128)
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    waves = [127 + 90 * np.sin(0.31 * x + 0.2 * y * (c + 1)) for c in range(3)]
    picture = np.clip(np.stack(waves, 2) + 20 * np.random.default_rng(3).standard_normal((HEIGHT, WIDTH, 3)), 0, 255)
    picture = np.rint(picture).astype(np.float32)
    batch = torch.from_numpy(picture).permute(2, 0, 1)[None]
    single = network(batch)[0].permute(1, 2, 0).numpy()
    drawing = network.double()(batch.double())[0].permute(1, 2, 0).numpy()
    network.float()
print("drawing", drawing.shape, "from", drawing.min(), "to", drawing.max(), "deviation", drawing.std())
print("float32 differs from float64 by at most", np.abs(single - drawing).max())
save("picture_33x46.f32", picture)
save("drawing_36x48.f32", drawing)

state = network.state_dict()
save("conv2_weight.f32", state["conv2.conv2d.weight"].numpy())
torch.save(state, "small_zip.pth")

# What instance norms kept before PyTorch 0.4, and the counter of later versions.
old = OrderedDict(state)
for name in [key[:-len(".weight")] for key in state if "in" in key.split(".")[-2] and key.endswith(".weight")]:
    channels = len(state[name + ".weight"])
    old[name + ".running_mean"], old[name + ".running_var"] = torch.zeros(channels), torch.ones(channels)
    old[name + ".num_batches_tracked"] = torch.tensor(7)
torch.save(old, "small_zip_running.pth")
torch.save(state, "small_legacy.pth", _use_new_zipfile_serialization=False)


class Before04(pickle._Pickler):
    """Writes tensors by the function that PyTorch had before 0.4."""

    def save_reduce(self, function, arguments, *rest, **named):
        if function is torch._utils._rebuild_tensor_v2:
            function, arguments = torch._utils._rebuild_tensor, arguments[:4]
        super().save_reduce(function, arguments, *rest, **named)


class PickleModule:
    Pickler, dump = Before04, staticmethod(lambda value, file, protocol: Before04(file, protocol).dump(value))


torch.save(old, "small_before_0_4.pth", pickle_module=PickleModule, _use_new_zipfile_serialization=False)

# A smaller network in half precision, by the published layout of .safetensors. Number i of each tensor is (7 i mod 64) / 64.
header, data = {"__metadata__": {"style": "wave.jpg"}}, b""
for name, tensor in Network(2, 2, 2, 1).state_dict().items():
    numbers = (7 * np.arange(tensor.numel()) % 64 / 64).astype("<f2").tobytes()
    offsets = [len(data), len(data) + len(numbers)]
    header[name] = {"dtype": "F16", "shape": list(tensor.shape), "data_offsets": offsets}
    data += numbers
text = json.dumps(header).encode()
with open("smaller.safetensors", "wb") as file:
    file.write(struct.pack("<Q", len(text)) + text + data)
