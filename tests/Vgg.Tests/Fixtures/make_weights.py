#!/usr/bin/env python3
"""Writes small VGG weights in the published structures, by programs that are not NativeStyle's (numpy, scipy).

    apt-get install -y python3-numpy python3-scipy
    /usr/bin/python3 make_weights.py

conv1_1 only, so that the files stay small, with values that the tests know: kernel[y, x, i, o] = ((3 y + x) 3 + i) + o / 64,
bias[o] = o / 16 - 1; all are exact in float16 up to a spacing of 1/64 below 32. fc6 stands for layers to be skipped.
"""
import struct
import numpy as np
from scipy.io import savemat

y, x, i, o = np.meshgrid(range(3), range(3), range(3), range(64), indexing="ij")
kernel = (((3 * y + x) * 3 + i) + o / 64).astype(np.float32)
bias = (np.arange(64) / 16 - 1).astype(np.float32)


def cells(*values):
    array = np.empty((1, len(values)), dtype=object)
    array[0, :] = values
    return array


def pair(a, b):
    array = np.empty((1, 2), dtype=object)
    array[0, 0], array[0, 1] = a, b
    return array


fc6 = np.zeros((7, 7, 2, 4), np.float32)
new_layers = [
    {"name": "conv1_1", "type": "conv", "weights": pair(kernel, bias.reshape(64, 1)), "pad": [[1, 1, 1, 1]], "stride": [[1, 1]]},
    {"name": "relu1_1", "type": "relu", "leak": 0.0, "weights": np.empty((1, 0), dtype=object), "precious": 0.0},
    {"name": "pool1", "type": "pool", "method": "max", "pool": [[2, 2]]},
    {"name": "fc6", "type": "conv", "weights": pair(fc6, np.zeros((4, 1), np.float32))},
]
new = {"layers": cells(*new_layers),
       "meta": {"normalization": {"imageSize": [[224.0, 224.0, 3.0]], "averageImage": np.array([123.68, 116.779, 103.939]).reshape(1, 1, 3)},
                "classes": {"name": cells("tench", "goldfish"), "description": cells("a fish", "another")}}}
savemat("vgg_new.mat", new, do_compression=True)
savemat("vgg_new_uncompressed.mat", new, do_compression=False)

average = np.broadcast_to(np.array([123.68, 116.779, 103.939], np.float32), (224, 224, 3))
old_layers = [
    {"weights": pair(kernel, bias.reshape(1, 64)), "pad": [[1.0, 1.0, 1.0, 1.0]], "type": "conv", "name": "conv1_1", "stride": [[1.0, 1.0]]},
    {"type": "relu", "name": "relu1_1"},
    {"weights": pair(fc6, np.zeros((1, 4), np.float32)), "type": "conv", "name": "fc6"},
]
savemat("vgg_old.mat", {"layers": cells(*old_layers), "normalization": {"averageImage": average, "interpolation": "bilinear"}}, do_compression=True)
oldest = [{"type": "conv", "name": "conv1_1", "filters": kernel.astype(np.float64), "biases": bias.reshape(1, 64)}]
savemat("vgg_filters_biases.mat", {"layers": cells(*oldest)}, do_compression=True)


# scipy writes little-endian only: big-endian elements by hand, as "MAT-File Format" describes them.
def element(kind, data):
    return struct.pack(">II", kind, len(data)) + data + b"\0" * (-len(data) % 8)


def matrix(kind, dims, name, *parts):
    return element(14, element(6, struct.pack(">II", kind, 0)) + element(5, struct.pack(">%di" % len(dims), *dims))
                   + element(1, name.encode()) + b"".join(parts))


def chars(text):
    return matrix(4, (1, len(text)), "", element(4, text.encode("utf-16-be")))


def single(array):
    return matrix(7, array.shape, "", element(7, array.astype(">f4").tobytes(order="F")))


layer = matrix(2, (1, 1), "", element(5, struct.pack(">i", 8)), element(1, b"name\0\0\0\0type\0\0\0\0weights\0"),
               chars("conv1_1"), chars("conv"), matrix(1, (1, 2), "", single(kernel), single(bias.reshape(1, 64))))
with open("vgg_big_endian.mat", "wb") as f:
    f.write(b"MATLAB 5.0 MAT-file, big-endian, by make_weights.py".ljust(124) + struct.pack(">H", 0x0100) + b"MI")
    f.write(matrix(1, (1, 1), "layers", layer))

np.savez("vgg_stored.npz", conv1_1_W=kernel, conv1_1_b=bias, fc6_W=np.zeros((8, 4), np.float32), fc6_b=np.zeros(4, np.float32))
np.savez_compressed("vgg_fortran_float64.npz", conv1_1_W=np.asfortranarray(kernel.astype(np.float64)), conv1_1_b=bias.astype(np.float64))
np.savez_compressed("vgg_big_endian_float16.npz", conv1_1_W=kernel.astype(">f2"), conv1_1_b=bias.astype(">f2"))
np.savez_compressed("vgg_bgr.npz", conv1_1_W=kernel[:, :, ::-1], conv1_1_b=bias)
np.savez_compressed("not_vgg.npz", a=bias)
savemat("not_vgg.mat", {"a": bias})
