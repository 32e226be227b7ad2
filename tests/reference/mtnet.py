"""A PyTorch twin of MT-Net in float64, filled by a formula instead of random numbers: makes mtnet.txt.

    python mtnet.py [--dtype float32] > mtnet.txt

What it is for: to check the forward and the backward pass of the three subnets together. What it is not: a training
run. With --dtype float32 it tells how far single precision alone moves it.

Protocol. Every line of the table is `name value`; a name is VARIANT.QUANTITY.

VARIANT  two_branches, fullfanta, felime at a quarter of their widths, refine = 1; quarters: two_branches,
         refine = 2
Subnet   RGB branch | luminance branch, side by side, then the trunk. A branch: conv 9x9, then 3x3 with stride 2, then
         residual blocks; the trunk: residual blocks, then (nearest neighbours twice as large, conv 3x3) and conv 3x3 to
         3 channels. All but the last conv are followed by an affine instance norm (epsilon 1e-5) and a ReLU; a residual
         block is x + norm(conv(relu(norm(conv(x))))). The output is multiplied by 100. Borders are
         replicated. Luminance: 0.299 R + 0.587 G + 0.114 B.
         Widths and numbers of blocks at full width, branches / blocks / trunk blocks / up:
         two_branches  16-32-64 | 16-32-64 / 3 / 3 / 64-32;  16-32-64-128 | 16-32-64-128 / 3 / 3 / 128-64-32;  refine
         fullfanta     32-64-128 | 32-64-128 / 3 / 3 / 128-64;  32-64-128-128 / 3 / 0 / 128-64-32;  refine, no identity
         felime        as two_branches;  32-64-128-256 / 6 / 0 / 128-64-32;  refine
         refine        32-64-128 / 3 / 0 / 64-32, and its input is added to its output
Sizes    refine = 1: x 64, y1 32, y2 64, y3 64; refine = 2: 64, 16, 32, 64. x is halved by means of 2x2, y1 and y2 are
         enlarged bilinearly (align_corners=False); the second and third subnet are given them divided by 255.
Input    batch 2, 64x64, 3 channels:
             x(n, y, x, c) = ((7 y y + 13 x + 101 c + 59 n + (x y (c + 3 + n)) % 97) % 256) / 255
Losses   last = mean (y3 - t)^2; total = 1 l1 + 0.5 l2 + 0.25 last, the same of y1 and y2;
             t(n, y, x, c) = 100 cos(0.02 x + 0.03 y + 0.7 c + 0.4 n)
Filling  Parameters are numbered p = 0, 1, .. in network order: style, enhance, refine; RGB branch, luminance branch,
         trunk, output; conv weight, conv bias, norm gamma, norm beta. Element i, in the order output channel, input
         channel, row, column, of parameter p:
             h = p * 2654435761 + i * 40503 + 12345                     (all in uint32, wrapping)
             h ^= h >> 16; h *= 0x7feb352d; h ^= h >> 15; h *= 0x846ca68b; h ^= h >> 16
             r = 2 * ((h >> 8) + 0.5) / 2^24 - 1                        (in -1 .. 1)
             conv weight r / sqrt(k k Cin), conv bias 0.1 r, gamma 1 + 0.2 r, beta 0.1 r
         rounded to float32.
QUANTITY parameters.full      their number at full width; parameters.full.SUBNET of one subnet
         y1.* y2.* y3.*       mean, std (of all elements, divided by count), at0 .. at9: at k is n = k % 2,
                              row (37 k + 5) % H, column (53 k + 11) % W, channel k % 3
         loss.last, loss.total
         last.NAME.*          of the gradient of a loss by a parameter or by x: l2, and at0 .. at2, its elements
         total.NAME.*         0, count / 2 and count - 1 in the order above; x: n, channel, row, column

To compare: mean, std, l2 and losses relatively; an at against the std or the l2 of its tensor, for some are near zero.
Forty layers and their ReLUs amplify rounding: in float32 PyTorch itself moves y1 by 1e-5, y3 by 4e-4 and gradients by
1e-2.
"""
import math

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

from twin import begin, mixed, three, show

SIZE, BATCH, WIDTH, SCALE = 64, 2, 0.25, 100
STYLE = dict(rgb=(16, 32, 64), luminance=(16, 32, 64), blocks=3, trunk=3, up=(64, 32))
REFINE = dict(rgb=(32, 64, 128), blocks=3, up=(64, 32), identity=True)
TABLES = {
    "two_branches": (
        STYLE,
        dict(rgb=(16, 32, 64, 128), luminance=(16, 32, 64, 128), blocks=3, trunk=3, up=(128, 64, 32)),
        REFINE,
    ),
    "fullfanta": (
        dict(rgb=(32, 64, 128), luminance=(32, 64, 128), blocks=3, trunk=3, up=(128, 64)),
        dict(rgb=(32, 64, 128, 128), blocks=3, up=(128, 64, 32)),
        REFINE | dict(identity=False),
    ),
    "felime": (STYLE, dict(rgb=(32, 64, 128, 256), blocks=6, up=(128, 64, 32)), REFINE),
}
SUBNETS = ("style", "enhance", "refine")
SELECTED = (
    "style.rgb.conv1.weight", "style.luminance.conv1.weight", "style.trunk.norm2.gamma", "style.output.weight",
    "enhance.rgb.conv4.weight", "enhance.rgb.norm5.beta", "enhance.output.weight",
    "refine.rgb.conv9.weight", "refine.trunk.conv2.weight", "refine.output.weight",
)


class Unit(nn.Module):
    """One convolution with its padding, and its norm and ReLU as wanted."""

    def __init__(self, cin, cout, kernel, stride=1, norm=True, relu=True):
        super().__init__()
        self.kernel, self.stride, self.relu = kernel, stride, relu
        self.weight = nn.Parameter(torch.empty(cout, cin, kernel, kernel))
        self.bias = nn.Parameter(torch.empty(cout))
        self.norm = nn.InstanceNorm2d(cout, affine=True) if norm else None

    def forward(self, x):
        x = F.pad(x, (self.kernel // 2,) * 4, mode="replicate")
        x = F.conv2d(x, self.weight, self.bias, stride=self.stride)
        x = self.norm(x) if self.norm else x
        return F.relu(x) if self.relu else x


class Residual(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.a, self.b = Unit(channels, channels, 3), Unit(channels, channels, 3, relu=False)

    def forward(self, x):
        return x + self.b(self.a(x))


def blocks(count, channels):
    return [Residual(channels) for _ in range(count)]


def branch(cin, channels, count):
    pairs = zip((cin, *channels), channels)
    units = [Unit(a, b, 3 if i else 9, 2 if i else 1) for i, (a, b) in enumerate(pairs)]
    return nn.Sequential(*units, *blocks(count, channels[-1]))


class Subnet(nn.Module):
    def __init__(self, width, rgb, luminance=(), blocks=0, trunk=0, up=(), identity=False):
        super().__init__()
        rgb, luminance, up = ([int(c * width) for c in channels] for channels in (rgb, luminance, up))
        self.identity = identity
        self.rgb = branch(3, rgb, blocks)
        self.luminance = branch(1, luminance, blocks) if luminance else None
        channels = sum(t[-1] for t in (rgb, luminance) if t)
        layers = [Residual(channels) for _ in range(trunk)]
        for cout in up:
            layers += [nn.Upsample(scale_factor=2), Unit(channels, cout, 3)]
            channels = cout
        self.trunk = nn.Sequential(*layers)
        self.output = Unit(channels, 3, 3, norm=False, relu=False)

    def forward(self, x):
        features = [self.rgb(x)]
        if self.luminance:
            weights = torch.tensor([0.299, 0.587, 0.114], dtype=x.dtype).reshape(1, 3, 1, 1)
            features.append(self.luminance((x * weights).sum(1, keepdim=True)))
        return SCALE * self.output(self.trunk(torch.cat(features, 1)))


class MTNet(nn.Module):
    def __init__(self, table, width):
        super().__init__()
        for name, row in zip(SUBNETS, table):
            setattr(self, name, Subnet(width, **row))

    def forward(self, x, refine):
        size, outputs = x.shape[-1], []
        y = x
        for name, smaller in zip(SUBNETS, (2 * refine, refine, 1)):
            while y.shape[-1] > size // smaller:
                y = F.avg_pool2d(y, 2)
            if y.shape[-1] < size // smaller:
                y = F.interpolate(y, size=(size // smaller,) * 2, mode="bilinear", align_corners=False)
            subnet = getattr(self, name)
            out = subnet(y / 255 if outputs else y)
            y = out + y if subnet.identity else out
            outputs.append(y)
        return outputs


def units(net):
    """Each Unit by its name SUBNET.PART, and its number within the part (0: the output)."""
    for name in SUBNETS:
        subnet = getattr(net, name)
        for part in ("rgb", "luminance", "trunk"):
            found = [m for m in (getattr(subnet, part) or nn.Identity()).modules() if isinstance(m, Unit)]
            yield from ((f"{name}.{part}", i, unit) for i, unit in enumerate(found, 1))
        yield f"{name}.output", 0, subnet.output


def named(net):
    out = {}
    for part, i, unit in units(net):
        conv = f"{part}.conv{i}" if i else part
        out |= {f"{conv}.weight": unit.weight, f"{conv}.bias": unit.bias}
        if unit.norm:
            out |= {f"{part}.norm{i}.gamma": unit.norm.weight, f"{part}.norm{i}.beta": unit.norm.bias}
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


def points(t):
    h, w = t.shape[2:]
    return {f"at{k}": t[k % 2, k % 3, (37 * k + 5) % h, (53 * k + 11) % w] for k in range(10)}


def run(variant, table, refine, dtype):
    full = MTNet(table, 1)
    show(f"{variant}.parameters", {"full": sum(p.numel() for p in full.parameters())})
    counts = {name: sum(p.numel() for p in getattr(full, name).parameters()) for name in SUBNETS}
    show(f"{variant}.parameters.full", counts)

    n, c, y, x = np.indices((BATCH, 3, SIZE, SIZE))
    pixels = ((7 * y * y + 13 * x + 101 * c + 59 * n + (x * y * (c + 3 + n)) % 97) % 256) / 255
    image = torch.from_numpy(pixels).to(dtype).requires_grad_()
    net = MTNet(table, WIDTH)
    fill(net)
    net.to(dtype)
    outputs = net(image, refine)
    losses = []
    for k, output in enumerate(outputs, 1):
        spread = {"mean": output.mean(), "std": output.std(correction=0)}
        show(f"{variant}.y{k}", spread | points(output.detach()))
        n, c, y, x = np.indices(output.shape)
        target = torch.from_numpy(SCALE * np.cos(0.02 * x + 0.03 * y + 0.7 * c + 0.4 * n)).to(dtype)
        losses.append(F.mse_loss(output, target))
    total = sum(weight * loss for weight, loss in zip((1, 0.5, 0.25), losses))
    show(f"{variant}.loss", {"last": losses[-1], "total": total})
    selected = {name: p for name, p in named(net).items() if name in SELECTED} | {"x": image}
    for name, loss in (("last", losses[-1]), ("total", total)):
        gradients = torch.autograd.grad(loss, list(selected.values()), retain_graph=True)
        for parameter, gradient in zip(selected, gradients):
            show(f"{variant}.{name}.{parameter}", three(gradient))


def main():
    dtype = begin(__doc__)
    for variant, table in TABLES.items():
        run(variant, table, 1, dtype)
    run("quarters", TABLES["two_branches"], 2, dtype)


if __name__ == "__main__":
    main()
