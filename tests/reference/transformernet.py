"""Style transfer networks as pytorch/examples' fast_neural_style releases them: makes the files of transformernet/.

    python transformernet.py FOLDER

What it is for: what the import makes of such a network, against PyTorch. The network here is written from its
description: borders reflected before each convolution, 9 x 9 ones at both ends, two of 3 x 3 with stride 2, residual
blocks, nearest upsampling and two of 3 x 3; instance normalization with a ReLU after each but the last of a block and the
last of all; RGB from 0 to 255 on both sides. Narrow, with one block, and with random numbers.

new.pth      its state
old.pth      the same in the format before PyTorch 1.6, with running statistics that mean nothing
new.onnx     the network as today's PyTorch exports it
old.onnx     the same in the operators that PyTorch 0.4 wrote, and its parameters in an order and under names of no meaning
picture.npz  y: what it makes of the picture with 255 times 0.5 + 0.5 sin(0.3 x + 0.2 (c + 1) y) in channel c, rounded,
             of HEIGHT x WIDTH pixels, cut to its size: sides that are no multiples of 4 come out rounded up
"""
import pathlib
import sys

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn
from torch.nn import functional

CHANNELS, BLOCKS, HEIGHT, WIDTH = 2, 1, 21, 26


class Conv(nn.Module):
    def __init__(self, inputs, outputs, size, stride=1, enlarge=1):
        super().__init__()
        self.enlarge, self.pad = enlarge, size // 2
        self.conv2d = nn.Conv2d(inputs, outputs, size, stride)

    def forward(self, x):
        if self.enlarge > 1:
            x = functional.interpolate(x, mode="nearest", scale_factor=self.enlarge)
        return self.conv2d(functional.pad(x, (self.pad,) * 4, mode="reflect"))


def norm(channels):
    return nn.InstanceNorm2d(channels, affine=True)


class Block(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv1, self.in1 = Conv(channels, channels, 3), norm(channels)
        self.conv2, self.in2 = Conv(channels, channels, 3), norm(channels)

    def forward(self, x):
        return self.in2(self.conv2(torch.relu(self.in1(self.conv1(x))))) + x


class TransformerNet(nn.Module):
    def __init__(self):
        super().__init__()
        c = CHANNELS
        self.conv1, self.in1 = Conv(3, c, 9), norm(c)
        self.conv2, self.in2 = Conv(c, 2 * c, 3, 2), norm(2 * c)
        self.conv3, self.in3 = Conv(2 * c, 4 * c, 3, 2), norm(4 * c)
        for i in range(1, BLOCKS + 1):
            setattr(self, f"res{i}", Block(4 * c))
        self.deconv1, self.in4 = Conv(4 * c, 2 * c, 3, 1, 2), norm(2 * c)
        self.deconv2, self.in5 = Conv(2 * c, c, 3, 1, 2), norm(c)
        self.deconv3 = Conv(c, 3, 9)

    def forward(self, x):
        for i in range(1, 4):
            x = torch.relu(getattr(self, f"in{i}")(getattr(self, f"conv{i}")(x)))
        for i in range(1, BLOCKS + 1):
            x = getattr(self, f"res{i}")(x)
        for i in range(1, 3):
            x = torch.relu(getattr(self, f"in{i + 3}")(getattr(self, f"deconv{i}")(x)))
        return self.deconv3(x)


def random_network():
    generator = torch.Generator().manual_seed(20)
    net = TransformerNet()
    with torch.no_grad():
        for name, value in net.named_parameters():
            value.copy_(torch.randn(value.shape, generator=generator) * (0.3 if value.dim() == 1 else 0.1))
            if ".conv2d" not in name and name.endswith("weight"):
                value.add_(1)
        net.deconv3.conv2d.weight.mul_(40)
        net.deconv3.conv2d.bias.copy_(torch.tensor([120.0, 100.0, 140.0]))
    return net


class Old:
    """A graph written node by node, as PyTorch 0.4 did: normalization and upsampling in small operators."""

    def __init__(self, state):
        self.state, self.nodes, self.tensors, self.count = state, [], [], 0

    def name(self):
        self.count += 1
        return str(self.count)

    def add(self, op, *inputs, **attributes):
        out = self.name()
        self.nodes.append(helper.make_node(op, inputs, [out], **attributes))
        return out

    def shape(self, *numbers):
        return self.add("Constant", value=numpy_helper.from_array(np.array(numbers, np.int64)))

    def parameter(self, key):
        name = "t" + self.name()
        self.tensors.insert(0, numpy_helper.from_array(self.state[key].numpy(), name))
        return name

    def conv(self, x, key, size, stride=1):
        x = self.add("Pad", x, mode="reflect", pads=[0, 0, size // 2, size // 2] * 2)
        w, b = self.parameter(f"{key}.conv2d.weight"), self.parameter(f"{key}.conv2d.bias")
        return self.add("Conv", x, w, b, kernel_shape=[size] * 2, strides=[stride] * 2, dilations=[1, 1], group=1,
                        pads=[0] * 4)

    def mean(self, x, c):
        return self.add("ReduceMean", self.add("Reshape", x, self.shape(1, c, 1, -1)), axes=[3], keepdims=1)

    def norm(self, x, key, c):
        centred = self.add("Sub", x, self.mean(x, c))
        variance = self.mean(self.add("Mul", centred, centred), c)
        epsilon = self.add("Constant", value=numpy_helper.from_array(np.array(1e-5, np.float32)))
        y = self.add("Div", centred, self.add("Sqrt", self.add("Add", variance, epsilon)))
        weight = self.add("Reshape", self.parameter(f"{key}.weight"), self.shape(1, c, 1, 1))
        bias = self.add("Reshape", self.parameter(f"{key}.bias"), self.shape(1, c, 1, 1))
        return self.add("Add", self.add("Mul", y, weight), bias)

    def double(self, x, c, h, w):
        x = self.add("Reshape", x, self.shape(1, c, h, w, 1))
        x = self.add("Reshape", self.add("Concat", x, x, axis=4), self.shape(1, c, h, 1, 2 * w))
        return self.add("Reshape", self.add("Concat", x, x, axis=3), self.shape(1, c, 2 * h, 2 * w))

    def model(self, h, w):
        c, x = CHANNELS, "picture"
        for i in range(1, 4):
            width = c << (i - 1)
            x = self.conv(x, f"conv{i}", 9 if i == 1 else 3, 1 if i == 1 else 2)
            x = self.add("Relu", self.norm(x, f"in{i}", width))
        for i in range(1, BLOCKS + 1):
            y = self.add("Relu", self.norm(self.conv(x, f"res{i}.conv1", 3), f"res{i}.in1", 4 * c))
            x = self.add("Add", self.norm(self.conv(y, f"res{i}.conv2", 3), f"res{i}.in2", 4 * c), x)
        for i in range(1, 3):
            x = self.double(x, 8 * c >> i, h * i // 4, w * i // 4)
            x = self.add("Relu", self.norm(self.conv(x, f"deconv{i}", 3), f"in{i + 3}", 4 * c >> i))
        x = self.conv(x, "deconv3", 9)
        described = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 3, h, w]) for name in ("picture", x)]
        inputs = [helper.make_tensor_value_info(t.name, TensorProto.FLOAT, t.dims) for t in self.tensors]
        graph = helper.make_graph(self.nodes, "g", described[:1] + inputs, described[1:], self.tensors)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 9)], ir_version=3)


def picture():
    y, x, c = np.meshgrid(np.arange(HEIGHT), np.arange(WIDTH), np.arange(3), indexing="ij")
    rgb = np.floor(255 * (0.5 + 0.5 * np.sin(0.3 * x + 0.2 * (c + 1) * y)) + 0.5)
    return torch.from_numpy(rgb.astype(np.float32)).permute(2, 0, 1)[None]


def main():
    folder = pathlib.Path(sys.argv[1])
    net, x = random_network(), picture()
    state = net.state_dict()
    torch.save(state, folder / "new.pth")
    whole = functional.pad(x, (0, -WIDTH % 4, 0, -HEIGHT % 4), mode="replicate")
    torch.onnx.export(net, whole, folder / "new.onnx", opset_version=17, dynamo=False)
    new = onnx.load(folder / "new.onnx")
    for node in new.graph.node:
        node.ClearField("doc_string")  # lines of this script
    onnx.save(new, folder / "new.onnx")
    old = Old(state).model(*whole.shape[2:])
    onnx.checker.check_model(old)
    onnx.save(old, folder / "old.onnx")
    for name in [name for name in state if ".conv2d" not in name]:
        key = name.rsplit(".", 1)[0]
        state[f"{key}.running_mean"] = state[f"{key}.running_var"] = torch.full_like(state[name], 7)
    torch.save(state, folder / "old.pth", _use_new_zipfile_serialization=False)
    with torch.no_grad():
        y = net(x)[0, :, :HEIGHT, :WIDTH].permute(1, 2, 0).numpy()
    np.savez_compressed(folder / "picture.npz", y=y)


main()
