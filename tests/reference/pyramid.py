"""PyTorch twins of the generators of textures, in float64, filled by a formula: makes pyramid.txt.

    python pyramid.py [--dtype float32] > pyramid.txt

What it is for: to check forward and backward passes of the pyramid of Texture Networks (TextureNet V1) and of
TextureNetV2. What it is not: a training run. With --dtype float32 it tells how far single precision alone moves it.

Protocol. Every line of the table is `name value`; a name is VARIANT.QUANTITY.

Pyramid  K scales, the coarsest first; scale i has an input of 3 or 6 channels and 2^(i-1) times the side of the first.
         block(C): conv3x3 to C, BN, act; conv3x3 C to C, BN, act; unless left out, conv1x1 C to C, BN, act.
         Scale 1: block(8) of its input. Scale i: nearest x2 of what came before, BN; block(8) of its input, BN; the two
         side by side, the first first; block(8 i). At the end conv1x1 8 K to 3.
         BN: the statistics of the batch, biased variance, epsilon 1e-5; act: LeakyReLU 0.01; circular padding.
V2       linear 256 to 512, ReLU; linear 512 to 16 C, ReLU; as C channels of 4x4, the channels varying fastest; for each
         doubling a transposed conv4x4, stride 2, padding 1, instance norm (epsilon 1e-5), ReLU; conv3x3 to 3, with
         zeros outside.
VARIANT  texture  K = 4, 3 channels, coarsest side 4
         style    K = 3, 6 channels, coarsest side 16, without the 1x1 convolutions
         v2       C = 32, three doublings to 32, 32 and 32 channels
Input    batch 2, scale i (from 1), value(n, y, x, c) =
             ((7 y y + 13 x + 101 c + 59 n + 17 i + (x y (c + 3 + n)) % 97) % 256) / 255
         v2: z(n, k) = ((37 k k + 11 k + 101 n) % 256) / 128 - 1
Loss     L = mean over all elements of output(n, y, x, c) * cos(0.02 x + 0.03 y + 0.7 c + 0.4 n)
Filling  Parameters are numbered p = 0, 1, .. in the order in which the layers above are named, weight before bias.
         Element i of parameter p, in the order of PyTorch's memory:
             h = p * 2654435761 + i * 40503 + 12345                     (all in uint32, wrapping)
             h ^= h >> 16; h *= 0x7feb352d; h ^= h >> 15; h *= 0x846ca68b; h ^= h >> 16
             r = 2 * ((h >> 8) + 0.5) / 2^24 - 1                        (in -1 .. 1)
             weight of a convolution or linear layer r / sqrt(elements / first dimension); of a norm 1 + 0.2 r;
             bias 0.1 r
         rounded to float32.
QUANTITY parameters   their number
         y.*          of the output: mean, std (divided by the count), at0 .. at9: at k is n = k % 2,
                      row (37 k + 5) % side, column (53 k + 11) % side, channel k % 3
         loss         L
         grad.NAME.*  of dL/dNAME: l2, and at0 .. at2, its elements 0, count / 2 and count - 1

To compare: mean, std, l2 and loss relatively; an at against the std or the l2 of its tensor, for some are near zero.
"""
import math

import numpy as np
import torch
import torch.nn.functional as F

from twin import begin, show, three

BATCH = 2


class Net:
    """Layers by name; the first use makes and fills the parameters."""

    def __init__(self, dtype):
        self.dtype, self.parameters = dtype, {}

    def parameter(self, name, shape, kind):
        number, count = len(self.parameters), math.prod(shape)
        h = np.uint64(number) * np.uint64(2654435761) + np.arange(count, dtype=np.uint64) * np.uint64(40503)
        h = (h + np.uint64(12345)).astype(np.uint32)
        h ^= h >> np.uint32(16)
        h *= np.uint32(0x7FEB352D)
        h ^= h >> np.uint32(15)
        h *= np.uint32(0x846CA68B)
        h ^= h >> np.uint32(16)
        r = 2 * ((h >> np.uint32(8)) + 0.5) / 2**24 - 1
        values = {"weight": r / math.sqrt(count / shape[0]), "norm": 1 + 0.2 * r, "bias": 0.1 * r}[kind]
        tensor = torch.from_numpy(values.astype(np.float32).reshape(shape)).to(self.dtype).requires_grad_()
        self.parameters[name] = tensor
        return tensor

    def conv(self, name, x, out, size, circular):
        weight = self.parameter(f"{name}.weight", (out, x.shape[1], size, size), "weight")
        bias = self.parameter(f"{name}.bias", (out,), "bias")
        if circular and size > 1:
            return F.conv2d(F.pad(x, (size // 2,) * 4, mode="circular"), weight, bias)
        return F.conv2d(x, weight, bias, padding=size // 2)

    def norm(self, name, x, dims):
        gamma = self.parameter(f"{name}.weight", (x.shape[1],), "norm").view(1, -1, 1, 1)
        beta = self.parameter(f"{name}.bias", (x.shape[1],), "bias").view(1, -1, 1, 1)
        mean = x.mean(dims, keepdim=True)
        variance = ((x - mean) ** 2).mean(dims, keepdim=True)
        return gamma * (x - mean) / torch.sqrt(variance + 1e-5) + beta

    def linear(self, name, x, out):
        weight = self.parameter(f"{name}.weight", (out, x.shape[1]), "weight")
        return F.linear(x, weight, self.parameter(f"{name}.bias", (out,), "bias"))

    def transposed(self, name, x, out):
        weight = self.parameter(f"{name}.weight", (x.shape[1], out, 4, 4), "weight")
        return F.conv_transpose2d(x, weight, self.parameter(f"{name}.bias", (out,), "bias"), stride=2, padding=1)


def pyramid(net, inputs, pointwise):
    batch = (0, 2, 3)

    def block(name, x, channels):
        for i, size in enumerate((3, 3, 1)[: 3 if pointwise else 2], 1):
            x = net.conv(f"{name}.conv{i}", x, channels, size, True)
            x = F.leaky_relu(net.norm(f"{name}.bn{i}", x, batch), 0.01)
        return x

    x = block("scale1.branch", inputs[0], 8)
    for i, fresh in enumerate(inputs[1:], 2):
        lower = net.norm(f"scale{i}.join.lower", F.interpolate(x, scale_factor=2), batch)
        branch = net.norm(f"scale{i}.join.branch", block(f"scale{i}.branch", fresh, 8), batch)
        x = block(f"scale{i}.merge", torch.cat((lower, branch), 1), 8 * i)
    return net.conv("output", x, 3, 1, True)


def texturenet_v2(net, z, channels, widths):
    x = F.relu(net.linear("linear1", z, 512))
    x = F.relu(net.linear("linear2", x, 16 * channels)).view(-1, 4, 4, channels).permute(0, 3, 1, 2)
    for i, width in enumerate(widths, 1):
        x = F.relu(net.norm(f"norm{i}", net.transposed(f"conv{i}", x, width), (2, 3)))
    return net.conv("output", x, 3, 3, False)


def scale_inputs(scales, side, channels, dtype):
    for i in range(1, scales + 1):
        n, c, y, x = np.indices((BATCH, channels, side << (i - 1), side << (i - 1)))
        values = ((7 * y * y + 13 * x + 101 * c + 59 * n + 17 * i + (x * y * (c + 3 + n)) % 97) % 256) / 255
        yield torch.from_numpy(values).to(dtype)


def run(variant, selected, dtype):
    net = Net(dtype)
    if variant == "texture":
        y = pyramid(net, list(scale_inputs(4, 4, 3, dtype)), True)
    elif variant == "style":
        y = pyramid(net, list(scale_inputs(3, 16, 6, dtype)), False)
    else:
        n, k = np.indices((BATCH, 256))
        z = torch.from_numpy(((37 * k * k + 11 * k + 101 * n) % 256) / 128 - 1).to(dtype)
        y = texturenet_v2(net, z, 32, (32, 32, 32))
    n, c, row, column = np.indices(y.shape)
    weights = torch.from_numpy(np.cos(0.02 * column + 0.03 * row + 0.7 * c + 0.4 * n)).to(dtype)
    loss = (y * weights).mean()
    loss.backward()
    side, out = y.shape[2], y.detach()
    show(variant, {"parameters": sum(p.numel() for p in net.parameters.values()), "loss": loss})
    points = {f"at{k}": out[k % 2, k % 3, (37 * k + 5) % side, (53 * k + 11) % side] for k in range(10)}
    show(f"{variant}.y", {"mean": out.mean(), "std": out.std(correction=0)} | points)
    for name in selected:
        show(f"{variant}.grad.{name}", three(net.parameters[name].grad))


def main():
    dtype = begin(__doc__)
    joins = ("scale1.branch.conv1.weight", "scale2.join.lower.weight", "scale2.merge.bn1.bias",
             "scale3.branch.bn2.weight", "scale3.merge.conv1.weight", "output.weight", "output.bias")
    run("texture", joins + ("scale4.merge.conv3.weight", "scale4.merge.bn3.bias"), dtype)
    run("style", joins, dtype)
    run("v2", ("linear1.weight", "linear2.weight", "linear2.bias", "conv1.weight", "norm2.weight", "conv3.weight",
               "output.weight", "output.bias"), dtype)


if __name__ == "__main__":
    main()
