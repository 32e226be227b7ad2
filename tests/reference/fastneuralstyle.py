"""Checkpoints as Johnson's fast-neural-style (Torch7) saves them: makes the files of fastneuralstyle/.

    python fastneuralstyle.py FOLDER [CHANNELS BLOCKS HEIGHT WIDTH]

What it is for: what the import makes of such a checkpoint, against PyTorch. Networks and files are written from their
descriptions: -arch c9s1-C,d2C,d4C,R4C...,u2C,uC,c9s1-3 with reflect-start and instance normalization, the same with
U2,c3s1 for u, with batch normalization and its running statistics, and with each other -padding_type that keeps a
picture's size; reflect with U2,c3s1, replicate with u. Pixels are BGR from 0 to 255 minus ImageNet's mean, on both sides.
Narrow, with one block, and with random numbers.

instance.t7, nearest.t7, batch.t7, zero.t7, reflect.t7, replicate.t7
picture.npz  what each makes, by its name, of the picture with 255 times 0.5 + 0.5 sin(0.3 x + 0.2 (c + 1) y) in channel
             c, rounded, of HEIGHT x WIDTH pixels, cut to its size: sides that are no multiples of 4 come out rounded up
"""
import pathlib
import struct
import sys

import numpy as np
import torch
from torch.nn import functional

CHANNELS, BLOCKS, HEIGHT, WIDTH = (int(word) for word in sys.argv[2:6]) if len(sys.argv) > 2 else (2, 1, 21, 26)
MEAN = (103.939, 116.779, 123.68)
VARIANTS = {"instance": {}, "nearest": {"nearest": True}, "batch": {"batch": True}, "zero": {"padding": "zero"},
            "reflect": {"padding": "reflect", "nearest": True}, "replicate": {"padding": "replicate"}}
PADDING = {"reflect": "nn.SpatialReflectionPadding", "replicate": "nn.SpatialReplicationPadding"}


class Module:
    """A torch object: its class and fields; containers have modules."""

    def __init__(self, class_name, modules=None, **fields):
        self.class_name, self.modules, self.fields = class_name, modules, fields


# ---- the network, as modules ----


class Net:
    def __init__(self, padding="reflect-start", nearest=False, batch=False):
        self.padding, self.nearest, self.batch = padding, nearest, batch
        self.random = torch.Generator().manual_seed(30)

    def draw(self, *shape, scale, mean=0.0):
        return mean + scale * torch.randn(shape, generator=self.random)

    def conv(self, inputs, outputs, size, stride=1, pad=None, transposed=False):
        pad = size // 2 if pad is None else pad
        shape = (inputs, outputs, size, size) if transposed else (outputs, inputs, size, size)
        scale = 1.5 / (inputs * size * size) ** 0.5 / (40 if inputs == 3 else 1)
        fields = dict(nInputPlane=inputs, nOutputPlane=outputs, kW=size, kH=size, dW=stride, dH=stride, padW=pad, padH=pad,
                      weight=self.draw(*shape, scale=scale), bias=self.draw(outputs, scale=0.2))
        if transposed:
            return Module("nn.SpatialFullConvolution", **fields, adjW=stride - 1, adjH=stride - 1)
        return Module("nn.SpatialConvolution", **fields)

    def padded(self, inputs, outputs, size, stride=1):
        """A convolution that keeps its input's size, as a list: of stride 1 behind a module that pads, if there is one."""
        if stride > 1 or self.padding not in PADDING:
            return [self.conv(inputs, outputs, size, stride)]
        return [self.frame(size // 2), self.conv(inputs, outputs, size, pad=0)]

    def frame(self, pixels):
        return Module(PADDING.get(self.padding, PADDING["reflect"]), pad_l=pixels, pad_r=pixels, pad_t=pixels, pad_b=pixels)

    def norm(self, channels):
        fields = dict(eps=1e-5, weight=self.draw(channels, scale=0.3, mean=1.0), bias=self.draw(channels, scale=0.3))
        if not self.batch:
            return Module("nn.InstanceNormalization", nOutput=channels, prev_N=1, **fields,
                          bn=Module("nn.SpatialBatchNormalization", eps=1e-5, affine=True, train=True))
        return Module("nn.SpatialBatchNormalization", affine=True, momentum=0.1, **fields,
                      running_mean=self.draw(channels, scale=0.3), running_var=self.draw(channels, scale=0.3).exp())

    def relu(self):
        return Module("nn.ReLU", inplace=True, threshold=0, val=0)

    def block(self, c):
        start = self.padding == "reflect-start"
        once = lambda: [self.conv(c, c, 3, pad=0)] if start else self.padded(c, c, 3)
        branch = once() + [self.norm(c), self.relu()] + once() + [self.norm(c)]
        other = Module("nn.ShaveImage", size=2) if start else Module("nn.Identity")
        both = Module("nn.ConcatTable", [Module("nn.Sequential", branch), other])
        return Module("nn.Sequential", [both, Module("nn.CAddTable", inplace=False)])

    def up(self, inputs, outputs):
        if not self.nearest:
            return [self.conv(inputs, outputs, 3, 2, transposed=True), self.norm(outputs), self.relu()]
        return [Module("nn.SpatialUpSamplingNearest", scale_factor=2), self.norm(inputs), self.relu(),
                *self.padded(inputs, outputs, 3), self.norm(outputs), self.relu()]

    def model(self):
        c, modules = CHANNELS, []
        if self.padding == "reflect-start":
            modules.append(self.frame(8 * BLOCKS))
        for inputs, outputs, size, stride in ((3, c, 9, 1), (c, 2 * c, 3, 2), (2 * c, 4 * c, 3, 2)):
            modules += self.padded(inputs, outputs, size, stride) + [self.norm(outputs), self.relu()]
        modules += [self.block(4 * c) for _ in range(BLOCKS)]
        modules += self.up(4 * c, 2 * c) + self.up(2 * c, c)
        modules += self.padded(c, 3, 9)
        modules += [Module("nn.Tanh"), Module("nn.MulConstant", constant_scalar=150, inplace=False),
                    Module("nn.TotalVariation", strength=1e-6)]
        return Module("nn.Sequential", modules)


# ---- what it computes ----


def forward(m, x):
    f, name = m.fields, m.class_name
    if name == "nn.Sequential":
        for inner in m.modules:
            x = forward(inner, x)
        return x
    if name == "nn.ConcatTable":
        return [forward(inner, x) for inner in m.modules]
    if name == "nn.CAddTable":
        return x[0] + x[1]
    if name in PADDING.values():
        mode = "reflect" if name == PADDING["reflect"] else "replicate"
        return functional.pad(x, (f["pad_l"], f["pad_r"], f["pad_t"], f["pad_b"]), mode=mode)
    if name == "nn.ShaveImage":
        return x[:, :, f["size"]:-f["size"], f["size"]:-f["size"]]
    if name == "nn.SpatialConvolution":
        return functional.conv2d(x, f["weight"], f["bias"], f["dW"], f["padW"])
    if name == "nn.SpatialFullConvolution":
        return functional.conv_transpose2d(x, f["weight"], f["bias"], f["dW"], f["padW"], f["adjW"])
    if name == "nn.SpatialUpSamplingNearest":
        return functional.interpolate(x, scale_factor=f["scale_factor"], mode="nearest")
    if name == "nn.InstanceNormalization":
        return functional.instance_norm(x, None, None, f["weight"], f["bias"], True, 0.1, f["eps"])
    if name == "nn.SpatialBatchNormalization":
        return functional.batch_norm(x, f["running_mean"], f["running_var"], f["weight"], f["bias"], False, 0.1, f["eps"])
    if name == "nn.ReLU":
        return torch.relu(x)
    if name == "nn.Tanh":
        return torch.tanh(x)
    if name == "nn.MulConstant":
        return x * f["constant_scalar"]
    assert name in ("nn.Identity", "nn.TotalVariation"), name
    return x


def picture():
    y, x, c = np.meshgrid(np.arange(HEIGHT), np.arange(WIDTH), np.arange(3), indexing="ij")
    return np.floor(255 * (0.5 + 0.5 * np.sin(0.3 * x + 0.2 * (c + 1) * y)) + 0.5)


def stylized(model, rgb):
    x = torch.from_numpy(rgb[:, :, ::-1] - np.array(MEAN)).permute(2, 0, 1)[None].float()
    with torch.no_grad():
        y = forward(model, x)[0].permute(1, 2, 0).numpy() + np.array(MEAN, np.float32)
    return np.ascontiguousarray(y[:HEIGHT, :WIDTH, ::-1])


# ---- the file: tags, an index for each thing that has an identity, little-endian ----


class Writer:
    def __init__(self, model):
        self.out, self.count = bytearray(), 0
        self.parameters, self.places = [], {}  # of all modules, in one storage, as getParameters() leaves them
        self.flatten(model)
        self.storage = None

    def flatten(self, m):
        for key in ("weight", "bias"):
            if key in m.fields:
                self.places[id(m.fields[key])] = sum(p.numel() for p in self.parameters)
                self.parameters.append(m.fields[key])
        for inner in m.modules or []:
            self.flatten(inner)

    def int(self, value):
        self.out += struct.pack("<i", value)

    def long(self, value):
        self.out += struct.pack("<q", value)

    def text(self, text):
        self.int(len(text))
        self.out += text.encode()

    def begin(self, tag, class_name=None):
        self.count += 1
        self.int(tag)
        self.int(self.count)
        if class_name:
            self.text("V 1")
            self.text(class_name)

    def tensor(self, t, place=None):
        self.begin(4, "torch.FloatTensor")
        self.int(t.dim())
        for size in t.shape:
            self.long(size)
        for stride in t.stride():
            self.long(stride)
        self.long(1 + (place or 0))
        if not t.numel():
            self.int(0)
        elif place is None:
            self.numbers(t)
        elif self.storage:
            self.int(4)
            self.int(self.storage)
        else:
            self.storage = self.count + 1
            self.numbers(torch.cat([p.flatten() for p in self.parameters]))

    def numbers(self, t):
        self.begin(4, "torch.FloatStorage")
        self.long(t.numel())
        self.out += t.contiguous().numpy().astype("<f4").tobytes()

    def value(self, v):
        if isinstance(v, bool):
            self.int(5)
            self.int(v)
        elif isinstance(v, (int, float)):
            self.int(1)
            self.out += struct.pack("<d", v)
        elif isinstance(v, str):
            self.int(2)
            self.text(v)
        elif isinstance(v, torch.Tensor):
            self.tensor(v, self.places.get(id(v)))
        elif isinstance(v, Module):
            self.begin(4, v.class_name)
            fields = dict(v.fields, _type="torch.FloatTensor", output=torch.empty(0), gradInput=torch.empty(0), train=False)
            if v.modules is not None:
                fields["modules"] = v.modules
            self.value(fields)
        else:
            items = list(v.items()) if isinstance(v, dict) else [(i + 1, item) for i, item in enumerate(v)]
            self.begin(3)
            self.int(len(items))
            for key, item in items:
                self.value(key)
                self.value(item)


def checkpoint(model, padding):
    history = [1e6 / (i + 1) for i in range(8)]
    return {"opt": {"arch": "c9s1", "preprocessing": "vgg", "padding_type": padding, "tanh_constant": 150,
                    "content_weights": [1.0]},
            "train_loss_history": history, "style_loss_history": {"style-4": history}, "model": model}


def main():
    folder, pictures = pathlib.Path(sys.argv[1]), {}
    for name, options in VARIANTS.items():
        net = Net(**options)
        model = net.model()
        writer = Writer(model)
        writer.value(checkpoint(model, net.padding))
        (folder / f"{name}.t7").write_bytes(writer.out)
        pictures[name] = stylized(model, picture())
        print(name, len(writer.out), pictures[name].min(), pictures[name].max(), pictures[name].std())
    np.savez_compressed(folder / "picture.npz", **pictures)


main()
