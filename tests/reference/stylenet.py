"""A PyTorch twin of StyleNet in float64, filled by a formula instead of random numbers: makes stylenet.txt.

    python stylenet.py [--dtype float32] > stylenet.txt

What it is for: to check the forward and the backward pass of the whole network, all its norms, and the running
statistics. What it is not: a training run. With --dtype float32 it tells how far single precision alone moves it.

Protocol. Every line of the table is `name value`; a name is VARIANT.MODE.QUANTITY.

Network  StyleNet of Improved Texture Networks; N is the norm, `pad` replicates the border:
         1 pad 4, conv 9x9 3->32, N, ReLU; 2 pad 1, conv 3x3 stride 2 32->64, N, ReLU; 3 the same 64->128;
         4 .. 8 x + (pad 1, conv 3x3 128->128, N, ReLU, pad 1, conv 3x3 128->128, N);
         9 transposed conv 3x3 stride 2, padding 1, output padding 1, 128->64, N, ReLU; 10 the same 64->32;
         11 pad 1, conv 3x3 32->3.
VARIANT  in        N = instance norm everywhere (biased variance, epsilon 1e-5, its own statistics in both modes)
         bn        N = batch norm everywhere (epsilon 1e-5, momentum 0.1)
         in_first  an affine instance norm of 3 channels on the input, then bn
         lrn_first cross-channel local response norm on the input, x / (1 + 1e-4 / 5 * sum of squares over 5 channels)
                   ^ 0.75 (the window is centred; channels outside count as 0), then bn
MODE     train     batch statistics
         eval      after exactly one forward pass in train mode, which started from running mean 0 and variance 1:
                   running = 0.9 * running + 0.1 * batch, the batch variance there unbiased (divided by count - 1)
Input    batch 2, 64x64, 3 channels:
             x(n, y, x, c) = ((7 y y + 13 x + 101 c + 59 n + (x y (c + 3 + n)) % 97) % 256) / 255
Loss     L = mean over all elements of output(n, y, x, c) * cos(0.02 x + 0.03 y + 0.7 c + 0.4 n)
Filling  Parameters are numbered p = 0, 1, .. in network order: conv weight, conv bias, norm gamma, norm beta, conv
         weight, ... (in_first begins with gamma and beta of its first norm). Element i of parameter p:
             h = p * 2654435761 + i * 40503 + 12345                     (all in uint32, wrapping)
             h ^= h >> 16; h *= 0x7feb352d; h ^= h >> 15; h *= 0x846ca68b; h ^= h >> 16
             r = 2 * ((h >> 8) + 0.5) / 2^24 - 1                        (in -1 .. 1)
             conv weight r / sqrt(k k Cin), conv bias 0.1 r, gamma 1 + 0.2 r, beta 0.1 r
         rounded to float32. i counts the weight in the order output channel, input channel, row, column, for the
         transposed convolutions too; there output row = 2 * input row + weight row - 1, columns alike.
QUANTITY parameters   their number
         y.*          of the output: mean, std (of all elements, divided by count), at0 .. at9
         loss         L
         grad.NAME.*  of dL/dNAME (train only): l2, and at0 .. at2, its elements 0, count / 2 and count - 1 in the order
                      above; conv1.weight, conv1.gamma, res3.conv2.weight, res3.conv2.gamma, res5.conv1.beta,
                      up1.weight, out.bias; x is the input, its elements in the order n, channel, row, column
         running.*    (bn, eval) l2 and the first element of the running mean and variance after conv1 and after up2
         at k of y and of grad.x: n = k % 2, row (37 k + 5) % 64, column (53 k + 11) % 64, channel k % 3
The lines fill.* are the l2 and the first, middle and last element of a few parameters, to check the formula itself.
The lines lrn.* are the local response norm alone, which hardly acts on pixels in 0 .. 1, of the input
x(n, y, x, c) = (7 y y + 13 x + 101 c + 59 n) % 256 with n < 2, 7 rows, 5 columns, 8 channels; y is the output, grad.x the
gradient of the mean of y * pattern as above; at k: n = k % 2, row 3 k % 7, column 2 k % 5, channel 5 k % 8.

To compare: mean, std, l2 and loss relatively; an at against the std or the l2 of its tensor, for some are near zero.
"""
import math

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

from twin import begin, mixed, three, show

SIZE, BATCH = 64, 2
SELECTED = (
    "conv1.weight", "conv1.gamma", "res3.conv2.weight", "res3.conv2.gamma", "res5.conv1.beta", "up1.weight", "out.bias",
)


class Unit(nn.Module):
    """One convolution with its padding, norm and ReLU, the last two as wanted."""

    def __init__(self, cin, cout, kernel, stride=1, norm=None, relu=True, up=False):
        super().__init__()
        self.kernel, self.stride, self.relu, self.up = kernel, stride, relu, up
        self.weight = nn.Parameter(torch.empty(cout, cin, kernel, kernel))
        self.bias = nn.Parameter(torch.empty(cout))
        self.norm = norm(cout, affine=True) if norm else None

    def forward(self, x):
        if self.up:
            weight = self.weight.transpose(0, 1)
            x = F.conv_transpose2d(x, weight, self.bias, stride=2, padding=1, output_padding=1)
        else:
            x = F.pad(x, (self.kernel // 2,) * 4, mode="replicate")
            x = F.conv2d(x, self.weight, self.bias, stride=self.stride)
        x = self.norm(x) if self.norm else x
        return F.relu(x) if self.relu else x


class Residual(nn.Module):
    def __init__(self, channels, norm):
        super().__init__()
        self.conv1 = Unit(channels, channels, 3, norm=norm)
        self.conv2 = Unit(channels, channels, 3, norm=norm, relu=False)

    def forward(self, x):
        return x + self.conv2(self.conv1(x))


def stylenet(variant):
    norm = nn.InstanceNorm2d if variant == "in" else nn.BatchNorm2d
    net = nn.Sequential()
    if variant == "in_first":
        net.add_module("first", nn.InstanceNorm2d(3, affine=True))
    if variant == "lrn_first":
        net.add_module("first", nn.LocalResponseNorm(5, alpha=1e-4, beta=0.75, k=1))
    net.add_module("conv1", Unit(3, 32, 9, norm=norm))
    net.add_module("conv2", Unit(32, 64, 3, 2, norm=norm))
    net.add_module("conv3", Unit(64, 128, 3, 2, norm=norm))
    for i in range(1, 6):
        net.add_module(f"res{i}", Residual(128, norm))
    net.add_module("up1", Unit(128, 64, 3, norm=norm, up=True))
    net.add_module("up2", Unit(64, 32, 3, norm=norm, up=True))
    net.add_module("out", Unit(32, 3, 3, relu=False))
    return net


def named(net):
    """Parameters by the protocol's names, in network order; a norm's weight is its gamma, its bias its beta."""
    rename = {"norm.weight": "gamma", "norm.bias": "beta", "first.weight": "first.gamma", "first.bias": "first.beta"}
    out = {}
    for name, parameter in net.named_parameters():
        for old, new in rename.items():
            name = name.replace(old, new)
        out[name] = parameter
    return out


@torch.no_grad()
def fill(net):
    for p, (name, parameter) in enumerate(named(net).items()):
        r = mixed(p, parameter.numel()).reshape(parameter.shape)
        kind = name.split(".")[-1]
        if kind == "weight":
            r /= math.sqrt(parameter[0].numel())
        elif kind == "gamma":
            r = 1 + 0.2 * r
        else:
            r *= 0.1
        parameter.copy_(torch.from_numpy(r.astype(np.float32)))


def pattern(n, c, y, x):
    return np.cos(0.02 * x + 0.03 * y + 0.7 * c + 0.4 * n)


def points(t):
    return {f"at{k}": t[k % 2, k % 3, (37 * k + 5) % SIZE, (53 * k + 11) % SIZE] for k in range(10)}


def run(variant, dtype):
    n, c, y, x = np.indices((BATCH, 3, SIZE, SIZE))
    pixels = ((7 * y * y + 13 * x + 101 * c + 59 * n + (x * y * (c + 3 + n)) % 97) % 256) / 255
    image = torch.from_numpy(pixels).to(dtype).requires_grad_()
    weights = torch.from_numpy(pattern(n, c, y, x)).to(dtype)
    net = stylenet(variant)
    fill(net)
    net.to(dtype)

    for mode in ("train", "eval"):
        net.train(mode == "train")
        output = net(image)
        loss = (output * weights).mean()
        prefix = f"{variant}.{mode}"
        if mode == "train":
            show(prefix, {"parameters": sum(p.numel() for p in net.parameters())})
        spread = {"mean": output.mean(), "std": output.std(correction=0)}
        show(f"{prefix}.y", spread | points(output.detach()))
        show(prefix, {"loss": loss})
        if mode == "train":
            loss.backward()
            show(f"{prefix}.grad.x", {"l2": image.grad.norm()} | points(image.grad))
            for name, parameter in named(net).items():
                if name in SELECTED:
                    show(f"{prefix}.grad.{name}", three(parameter.grad))
        elif variant == "bn":
            for unit in ("conv1", "up2"):
                norm = net.get_submodule(unit).norm
                for kind, t in (("mean", norm.running_mean), ("variance", norm.running_var)):
                    show(f"{prefix}.running.{unit}.{kind}", {"l2": t.norm(), "at0": t[0]})


def run_lrn(dtype):
    n, c, y, x = np.indices((2, 8, 7, 5))
    values = torch.from_numpy((7 * y * y + 13 * x + 101 * c + 59 * n) % 256).to(dtype).requires_grad_()
    output = F.local_response_norm(values, 5, alpha=1e-4, beta=0.75, k=1)
    (output * torch.from_numpy(pattern(n, c, y, x)).to(dtype)).mean().backward()
    for name, t in (("y", output.detach()), ("grad.x", values.grad)):
        at = {f"at{k}": t[k % 2, 5 * k % 8, 3 * k % 7, 2 * k % 5] for k in range(10)}
        show(f"lrn.{name}", {"l2": t.norm()} | at)


def main():
    dtype = begin(__doc__)
    net = stylenet("in")
    fill(net)
    for name in ("conv1.weight", "conv1.bias", "conv1.gamma", "up1.weight", "out.bias"):
        show(f"fill.{name}", three(named(net)[name].detach().double()))
    for variant in ("in", "bn", "in_first", "lrn_first"):
        run(variant, dtype)
    run_lrn(dtype)


if __name__ == "__main__":
    main()
