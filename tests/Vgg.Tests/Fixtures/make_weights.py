#!/usr/bin/env python3
"""Writes small VGG weights in the published structures, with programs that are not NativeStyle's (numpy, scipy).

    apt-get install -y python3-numpy python3-scipy
    /usr/bin/python3 make_weights.py

The files hold conv1_1 only, so that they stay small, with values that the tests know:
kernel[y, x, i, o] = ((3 y + x) 3 + i) + o / 64, bias[o] = o / 16 - 1. All of them are exact in float16, whose spacing is at
most 1/64 below 32. fc6 stands for layers to be skipped.
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


# scipy writes little-endian files only: write big-endian elements by hand, as "MAT-File Format" describes them.
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

# Pickles and torch.save: apt-get install -y python3-torch python3-h5py
import io
import json
import pickle
from collections import OrderedDict
import h5py
import torch

bgr = np.ascontiguousarray(kernel[:, :, ::-1])
network = np.empty((), dtype=object)
network[()] = {"conv1_1": [bgr, bias], "fc6": [np.zeros((8, 4), np.float32), np.zeros(4, np.float32)]}
np.save("tensorflow_vgg_protocol3.npy", network, allow_pickle=True)


class AsPython2(pickle._Pickler):
    """Writes bytes as Python 2's strings, which is how vgg19.npy was written."""

    def save_bytes(self, value):
        self.write(b"U" + bytes([len(value)]) + value if len(value) < 256 else b"T" + struct.pack("<i", len(value)) + value)

    dispatch = dict(pickle._Pickler.dispatch)
    dispatch[bytes] = save_bytes


with open("tensorflow_vgg_python2.npy", "wb") as f:
    np.lib.format.write_array_header_1_0(f, {"descr": "|O", "fortran_order": False, "shape": ()})
    AsPython2(f, protocol=2).dump(network)

channels_first = np.ascontiguousarray(kernel.transpose(3, 2, 0, 1))
mean, deviation = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
unit = (channels_first * (255 * deviation)[None, :, None, None]).astype(np.float32)
torchvision = OrderedDict([("features.0.weight", torch.from_numpy(unit)), ("features.0.bias", torch.from_numpy(bias)),
                           ("classifier.0.weight", torch.zeros(4, 8))])
torch.save(torchvision, "torchvision_zip.pth")
torch.save(torchvision, "torchvision_legacy.pth", _use_new_zipfile_serialization=False)
caffe = OrderedDict([("conv1_1.weight", torch.from_numpy(np.ascontiguousarray(channels_first[:, ::-1])).double()),
                     ("conv1_1.bias", torch.from_numpy(bias).double())])
torch.save(caffe, "gatys_legacy_double.pth", _use_new_zipfile_serialization=False)
# A window on a larger storage, with strides of its own, in half precision. Views of tensors are saved like this.
storage = torch.zeros(5 + 27 * 64)
storage[5:] = torch.from_numpy(kernel.reshape(-1))
view = storage[5:].reshape(3, 3, 3, 64).permute(3, 2, 0, 1).half().flip(1)
whole = torch.zeros(7 + view.numel(), dtype=torch.float16)
whole[7:] = view.permute(2, 3, 1, 0).reshape(-1)
strided = whole[7:].reshape(3, 3, 3, 64).permute(3, 2, 0, 1)
torch.save(OrderedDict([("conv1_1.weight", strided), ("conv1_1.bias", torch.from_numpy(bias))]), "gatys_zip_half_strided.pth")


def safetensors(name, arrays, metadata=None):
    header, data = ({"__metadata__": metadata} if metadata else {}), b""
    for key, (dtype, shape, raw) in arrays.items():
        header[key] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    with open(name, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + data)


safetensors("float32.safetensors", {"features.0.weight": ("F32", list(unit.shape), unit.tobytes()), "features.0.bias": ("F32", [64], bias.tobytes())})
safetensors("float16.safetensors", {"conv1_1.weight": ("F16", [3, 3, 3, 64], kernel.astype(np.float16).tobytes()), "conv1_1.bias": ("F16", [64], bias.astype(np.float16).tobytes())})
safetensors("float64_bgr.safetensors", {"conv1_1.weight": ("F64", [3, 3, 3, 64], bgr.astype(np.float64).tobytes()), "conv1_1.bias": ("F64", [64], bias.astype(np.float64).tobytes())}, {"convention": "bgr-255"})
bfloat16 = torch.from_numpy(bias).bfloat16().view(torch.int16).numpy()
safetensors("bfloat16_bias.safetensors", {"conv1_1.weight": ("F32", [3, 3, 3, 64], kernel.tobytes()), "conv1_1.bias": ("BF16", [64], bfloat16.tobytes())})
with h5py.File("keras.h5", "w") as f:
    group = f.create_group("block1_conv1")
    group["block1_conv1_W_1:0"], group["block1_conv1_b_1:0"] = bgr, bias


# Keras's files: the arrays' names in each version, and the ways in which HDF5 stores them.
def keras(name, write, **options):
    with h5py.File(name, "w", **options) as f:
        write(f)


def arrays(f, kernel_name, bias_name, type=np.float32, **options):
    f.create_dataset(kernel_name, data=bgr.astype(type), **options)
    f.create_dataset(bias_name, data=bias.astype(type), **options)


def application(f):
    """keras.applications: lists of names as attributes, a layer without weights, and 400 MB of fc1 that were never written."""
    f.attrs["layer_names"] = np.array([b"block1_conv1", b"block1_pool", b"fc1"])
    arrays(f, "block1_conv1/block1_conv1_W_1:0", "block1_conv1/block1_conv1_b_1:0")
    f["block1_conv1"].attrs["weight_names"] = np.array([b"block1_conv1_W_1:0", b"block1_conv1_b_1:0"])
    f.create_group("block1_pool")
    f.create_dataset("fc1/fc1_W_1:0", shape=(25088, 4096), dtype=np.float32)
    f.create_dataset("fc1/fc1_b_1:0", data=np.zeros(4, np.float32))


def model(f):
    """model.save: the configuration as a text, the optimizer, and VGG as a layer of another model."""
    f.attrs["model_config"] = '{"class_name": "Sequential"}'
    arrays(f, "model_weights/vgg19/block1_conv1/kernel:0", "model_weights/vgg19/block1_conv1/bias:0")
    f["optimizer_weights/iteration:0"] = np.int64(3)


def compact(f):
    """Chunks without filters in big-endian float32, and a bias inside the object header."""
    f.create_dataset("block1_conv1/kernel", data=bgr.astype(">f4"), chunks=(2, 3, 3, 64))
    properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    properties.set_layout(h5py.h5d.COMPACT)
    h5py.h5d.create(f["block1_conv1"].id, b"bias", h5py.h5t.IEEE_F32LE, h5py.h5s.create_simple((64,)), properties).write(h5py.h5s.ALL, h5py.h5s.ALL, bias)


FIRST, NESTED = ("block1_conv1/block1_conv1_W_1:0", "block1_conv1/block1_conv1_b_1:0"), ("block1_conv1/block1_conv1/kernel:0", "block1_conv1/block1_conv1/bias:0")
keras("keras_application.h5", application)
keras("keras_save_weights.h5", lambda f: arrays(f, *NESTED))
keras("keras_model.h5", model)
keras("keras3_model.h5", lambda f: arrays(f, "model_weights/block1_conv1/block1_conv1/kernel", "model_weights/block1_conv1/block1_conv1/bias"))
keras("keras_gzip_shuffle_float16.h5", lambda f: arrays(f, *NESTED, type=np.float16, compression="gzip", shuffle=True, chunks=True))
keras("keras_compact.h5", compact)
keras("keras_latest.h5", lambda f: arrays(f, *FIRST), libver="latest")


# Structures that no file of weights needs, some of which could make a reader read another file.
def refused(name, write, **options):
    def both(f):
        f["block1_conv1/bias:0"] = bias
        write(f)
    keras("refused_" + name + ".h5", both, **options)


def elsewhere(f):
    layout = h5py.VirtualLayout(shape=(3, 3, 3, 64), dtype=np.float32)
    layout[...] = h5py.VirtualSource("keras.h5", FIRST[0], shape=(3, 3, 3, 64))
    f.create_virtual_dataset("block1_conv1/kernel:0", layout)


KERNEL, SHAPE = "block1_conv1/kernel:0", (3, 3, 3, 64)
refused("external_link", lambda f: f.__setitem__(KERNEL, h5py.ExternalLink("keras.h5", FIRST[0])))
refused("soft_link", lambda f: f.__setitem__(KERNEL, h5py.SoftLink("/block1_conv1/kernel:0")))
refused("external_storage", lambda f: f.create_dataset(KERNEL, SHAPE, np.float32, external=[("keras.h5", 2048, 6912)]))
refused("virtual", elsewhere, libver="latest")
refused("lzf", lambda f: f.create_dataset(KERNEL, data=bgr, compression="lzf"))
refused("huge", lambda f: f.create_dataset(KERNEL, (3, 3, 1 << 30, 64), np.float32))
refused("unwritten", lambda f: f.create_dataset(KERNEL, SHAPE, np.float32))
refused("hole", lambda f: f.create_dataset(KERNEL, SHAPE, np.float32, chunks=(3, 3, 3, 8)).__setitem__(np.s_[..., 8:], bgr[..., 8:]))
refused("integers", lambda f: f.create_dataset(KERNEL, data=bgr.astype(np.int16)))
refused("fill_value", lambda f: f.create_dataset(KERNEL, data=bgr, fillvalue=1))
refused("large_group", lambda f: [f.create_group(str(i)) for i in range(20)], libver="latest")
refused("newer_chunks", lambda f: f.create_dataset(KERNEL, data=bgr, chunks=(3, 3, 3, 8), compression="gzip"), libver="latest")
refused("group_in_itself", lambda f: f["block1_conv1"].__setitem__("block1_conv1", f["block1_conv1"]))
refused("not_vgg", lambda f: f.move("block1_conv1", "conv2d_1"))
