"""The networks of nstx in PyTorch, with random weights: the same layers, the same work. For torch_peer.py and
onnx_peer.py; `python networks.py` prints how many parameters each has, to be held against `nstx plan`."""
import torch
import torch.nn as nn
import torch.nn.functional as F

BLOCKS = ((64, 2), (128, 2), (256, 4), (512, 4), (512, 4))  # channels and convolutions of each block


class Vgg(nn.Module):
    """VGG-19 up to one convolution; gives the ReLU outputs that are asked for, in a list."""

    def __init__(self, last, pool, wanted):
        super().__init__()
        self.steps, self.pool, self.wanted, channels = nn.ModuleDict(), pool, wanted, 3
        for block, (width, depth) in enumerate(BLOCKS, 1):
            for index in range(1, depth + 1):
                conv = nn.Conv2d(channels, width, 3, padding=1)
                nn.init.kaiming_normal_(conv.weight)
                self.steps[f"{block}_{index}"] = conv
                channels = width
                if f"{block}_{index}" == last:
                    self.requires_grad_(False)
                    return

    def forward(self, x):
        out = {}
        for name, conv in self.steps.items():
            if name.endswith("_1") and name != "1_1":
                x = self.pool(x, 2)
            x = F.relu(conv(x))
            out[name] = x
        return [out[name] for name in self.wanted]


def unit(cin, cout, kernel, stride=1):
    conv = nn.Conv2d(cin, cout, kernel, stride, padding=kernel // 2, padding_mode="replicate")
    return [conv, nn.InstanceNorm2d(cout, affine=True), nn.ReLU()]


class Residual(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.body = nn.Sequential(*unit(channels, channels, 3), *unit(channels, channels, 3)[:-1])

    def forward(self, x):
        return x + self.body(x)


def last(channels):
    return nn.Conv2d(channels, 3, 3, padding=1, padding_mode="replicate")


def stylenet():
    def up(cin, cout):
        conv = nn.ConvTranspose2d(cin, cout, 3, 2, padding=1, output_padding=1)
        return [conv, nn.InstanceNorm2d(cout, affine=True), nn.ReLU()]

    down = unit(3, 32, 9) + unit(32, 64, 3, 2) + unit(64, 128, 3, 2)
    return nn.Sequential(*down, *(Residual(128) for _ in range(5)), *up(128, 64), *up(64, 32), last(32))


def exporting():
    return torch.onnx.is_in_onnx_export() or torch.compiler.is_exporting()


class Circular(nn.Conv2d):
    """A convolution with circular padding; for ONNX in slices, since not every reader of it knows such a padding."""

    def forward(self, x):
        p = self.padding[0]
        if not p:
            return F.conv2d(x, self.weight, self.bias)
        if exporting():
            x = torch.cat([x[:, :, -p:], x, x[:, :, :p]], 2)
            return F.conv2d(torch.cat([x[..., -p:], x, x[..., :p]], 3), self.weight, self.bias)
        return super().forward(x)


class BatchStatistics(nn.Module):
    """Normalization by the batch's own statistics. Of one picture those are the picture's, which ONNX can say."""

    def __init__(self, channels):
        super().__init__()
        self.batch = nn.BatchNorm2d(channels, track_running_stats=False)

    def forward(self, x):
        if exporting():
            return F.instance_norm(x, weight=self.batch.weight, bias=self.batch.bias)
        return self.batch(x)


class Pyramid(nn.Module):
    """TextureNet V1 of Texture Networks, K scales; takes the noise of every scale, the coarsest first."""

    def __init__(self, scales=5):
        super().__init__()

        def block(cin, channels):
            layers = []
            for kernel in (3, 3, 1):
                conv = Circular(cin, channels, kernel, padding=kernel // 2, padding_mode="circular")
                layers += [conv, BatchStatistics(channels), nn.LeakyReLU(0.01)]
                cin = channels
            return nn.Sequential(*layers)

        steps = range(2, scales + 1)
        self.branch = nn.ModuleList(block(3, 8) for _ in range(scales))
        self.lower = nn.ModuleList(BatchStatistics(8 * (i - 1)) for i in steps)
        self.beside = nn.ModuleList(BatchStatistics(8) for _ in steps)
        self.merge = nn.ModuleList(block(8 * i, 8 * i) for i in steps)
        self.output = nn.Conv2d(8 * scales, 3, 1)

    def forward(self, *noise):
        x = self.branch[0](noise[0])
        for i, merge in enumerate(self.merge):
            lower = self.lower[i](F.interpolate(x, scale_factor=2))
            x = merge(torch.cat([lower, self.beside[i](self.branch[i + 1](noise[i + 1]))], 1))
        return self.output(x)


class MtNet(nn.Module):
    """The three subnets of Multimodal Transfer with the widths of nstx's two_branches."""

    def __init__(self):
        super().__init__()

        def down(cin, channels):
            layers = unit(cin, channels[0], 9)
            for a, b in zip(channels, channels[1:]):
                layers += unit(a, b, 3, 2)
            return nn.Sequential(*layers, *(Residual(channels[-1]) for _ in range(3)))

        def up(channels):
            layers = []
            for a, b in zip(channels, channels[1:]):
                layers += [nn.Upsample(scale_factor=2), *unit(a, b, 3)]
            return nn.Sequential(*layers, last(channels[-1]))

        def residuals(channels):
            return nn.Sequential(*(Residual(channels) for _ in range(3)))

        style, enhance = [16, 32, 64], [16, 32, 64, 128]
        self.style = nn.ModuleList([down(3, style), down(1, style), residuals(128), up([128, 64, 32])])
        self.enhance = nn.ModuleList([down(3, enhance), down(1, enhance), residuals(256), up([256, 128, 64, 32])])
        self.refine = nn.Sequential(down(3, [32, 64, 128]), up([128, 64, 32]))
        self.register_buffer("luminance", torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1))

    def two(self, parts, x):
        grey = (x * self.luminance).sum(1, True)
        return parts[3](parts[2](torch.cat([parts[0](x), parts[1](grey)], 1)))

    def forward(self, x):
        def resized(t, size):
            return F.interpolate(t, size=(size, size), mode="bilinear", align_corners=False)

        size = x.shape[-1]
        y = resized(self.two(self.style, resized(x, size // 4)), size // 2)
        y = resized(self.two(self.enhance, y / 255), size)
        return y + self.refine(y / 255)


def noise(size, scales=5):
    return [torch.rand(1, 3, size >> k, size >> k) for k in reversed(range(scales))]


def picture(size):
    return [torch.rand(1, 3, size, size)]


# What inference is timed on: the network, and its inputs.
INFERENCE = {
    "vgg19_forward_256": (lambda: Vgg("5_1", F.max_pool2d, ["5_1"]), lambda: picture(256)),
    "stylenet_512": (stylenet, lambda: picture(512)),
    "stylenet_1024": (stylenet, lambda: picture(1024)),
    "texnet_256": (Pyramid, lambda: noise(256)),
    "mtnet_1024": (MtNet, lambda: picture(1024)),
}

if __name__ == "__main__":
    for name, (network, _) in INFERENCE.items():
        print(name, sum(p.numel() for p in network().parameters()))
