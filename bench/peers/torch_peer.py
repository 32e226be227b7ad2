"""PyTorch on the workloads of the benchmark, so that a ratio can be taken on one machine in one run.

    python torch_peer.py [--workload NAME ...] [--threads N] [--seconds S]

Prints one line a workload and variant: `workload median_seconds spread variant`, where spread is the distance of the
quartiles over the median, and a fifth word `best` marks the variant with the smallest median. Lines that begin with #
say what was used. Weights are random: they do not change the work.

    vgg19_forward_256    VGG-19 conv1_1 .. conv5_1, full width, zero padding, max pooling, one 256x256 picture,
                         no gradient
    gatys_step_256, 512  forward, losses and gradient by the picture: average pooling, style at conv1_1, 2_1, 3_1, 4_1
                         and 5_1, content at conv4_2
    train_step_256_b4    StyleNet with instance norm, batch 4 at 256x256: forward, VGG-19 to conv4_2 of output and
                         input, style at conv1_1, 2_1, 3_1, 4_1, content at conv4_2, backward, Adam
    stylenet_512         StyleNet, one 512x512 picture, no gradient

Variants: nchw, nhwc (channels_last), compiled (torch.compile over nchw, where a compiler is at hand; in train_step of
the descriptor alone, because torch 2.15 compiles the backward pass of replication padding to code that fails).
"""
import argparse
import statistics
import time
import warnings

import torch
import torch.nn as nn
import torch.nn.functional as F

BLOCKS = ((64, 2), (128, 2), (256, 4), (512, 4), (512, 4))  # channels and convolutions of each block


class Vgg(nn.Module):
    """VGG-19 up to one convolution; gives the ReLU outputs that are asked for."""

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
            if name in self.wanted:
                out[name] = x
        return out


class Residual(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.body = nn.Sequential(*unit(channels, channels, 3), *unit(channels, channels, 3)[:-1])

    def forward(self, x):
        return x + self.body(x)


def unit(cin, cout, kernel, stride=1):
    conv = nn.Conv2d(cin, cout, kernel, stride, padding=kernel // 2, padding_mode="replicate")
    return [conv, nn.InstanceNorm2d(cout, affine=True), nn.ReLU()]


def up(cin, cout):
    conv = nn.ConvTranspose2d(cin, cout, 3, 2, padding=1, output_padding=1)
    return [conv, nn.InstanceNorm2d(cout, affine=True), nn.ReLU()]


def stylenet():
    first = unit(3, 32, 9) + unit(32, 64, 3, 2) + unit(64, 128, 3, 2)
    last = up(128, 64) + up(64, 32) + [nn.Conv2d(32, 3, 3, padding=1, padding_mode="replicate")]
    return nn.Sequential(*first, *(Residual(128) for _ in range(5)), *last)


def gram(features):
    rows = features.flatten(2)
    return rows @ rows.transpose(1, 2) / rows.shape[2]


def loss(features, style, content, content_layer):
    total = F.mse_loss(features[content_layer], content)
    for layer, target in style.items():
        difference = gram(features[layer]) - target
        total = total + difference.square().sum((1, 2)).mean() / (4 * target.shape[1] ** 2)
    return total


def picture(variant, *shape):
    pixels = torch.rand(*shape) * 255 - 120
    return pixels.contiguous(memory_format=torch.channels_last) if variant == "nhwc" else pixels


def prepared(net, variant):
    if variant == "nhwc":
        return net.to(memory_format=torch.channels_last)
    return torch.compile(net) if variant == "compiled" else net


def vgg_forward(variant, size):
    net, x = prepared(Vgg("5_1", F.max_pool2d, ["5_1"]), variant), picture(variant, 1, 3, size, size)

    def step():
        with torch.inference_mode():
            net(x)

    return step


def gatys_step(variant, size):
    layers = ["1_1", "2_1", "3_1", "4_1", "5_1"]
    net = prepared(Vgg("5_1", F.avg_pool2d, layers + ["4_2"]), variant)
    with torch.no_grad():
        style_features = net(picture(variant, 1, 3, size, size))
        style = {layer: gram(style_features[layer]) for layer in layers}
        content = net(picture(variant, 1, 3, size, size))["4_2"]
    x = picture(variant, 1, 3, size, size).requires_grad_()

    def step():
        x.grad = None
        loss(net(x), style, content, "4_2").backward()

    return step


def train_step(variant, size, batch):
    layers = ["1_1", "2_1", "3_1", "4_1"]
    vgg = prepared(Vgg("4_2", F.max_pool2d, layers + ["4_2"]), variant)
    net = prepared(stylenet(), "nchw" if variant == "compiled" else variant)
    with torch.no_grad():
        style_features = vgg(picture(variant, 1, 3, size, size))
        style = {layer: gram(style_features[layer]) for layer in layers}
    optimizer = torch.optim.Adam(net.parameters(), 1e-3)
    x = picture(variant, batch, 3, size, size)

    def step():
        with torch.no_grad():
            content = vgg(x)["4_2"]
        optimizer.zero_grad()
        loss(vgg(net(x / 255)), style, content, "4_2").backward()
        optimizer.step()

    return step


def stylenet_forward(variant, size):
    net, x = prepared(stylenet().eval(), variant), picture(variant, 1, 3, size, size)

    def step():
        with torch.inference_mode():
            net(x)

    return step


WORKLOADS = {
    "vgg19_forward_256": (vgg_forward, 256),
    "gatys_step_256": (gatys_step, 256),
    "gatys_step_512": (gatys_step, 512),
    "train_step_256_b4": (train_step, 256, 4),
    "stylenet_512": (stylenet_forward, 512),
}
VARIANTS = ("nchw", "nhwc", "compiled")


def measure(step, seconds):
    """Median and spread of one step after two that warm up: at least 5 steps, at most 50."""
    step()
    step()
    times, end = [], time.perf_counter() + seconds
    while len(times) < 5 or (time.perf_counter() < end and len(times) < 50):
        begin = time.perf_counter()
        step()
        times.append(time.perf_counter() - begin)
    low, middle, high = statistics.quantiles(times, n=4)
    return middle, (high - low) / middle


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--workload", nargs="+", choices=WORKLOADS, default=list(WORKLOADS))
    options.add_argument("--variant", nargs="+", choices=VARIANTS, default=VARIANTS)
    options.add_argument("--threads", type=int, default=torch.get_num_threads())
    options.add_argument("--seconds", type=float, default=15, help="how long to time each variant")
    chosen = options.parse_args()
    warnings.filterwarnings("ignore")
    torch.set_num_threads(chosen.threads)
    print(f"# torch {torch.__version__}, {chosen.threads} threads, {torch.backends.cpu.get_cpu_capability()}")
    for name in chosen.workload:
        make, *sizes = WORKLOADS[name]
        found = {}
        for variant in chosen.variant:
            torch.manual_seed(0)
            try:
                found[variant] = measure(make(variant, *sizes), chosen.seconds)
            except Exception as reason:
                if variant != "compiled":
                    raise
                print(f"# {name} {variant} left out: {str(reason).splitlines()[0]}", flush=True)
        best = min(found, key=found.get)
        for variant, (median, spread) in found.items():
            print(f"{name} {median:.6f} {spread:.3f} {variant}{' best' if variant == best else ''}", flush=True)


if __name__ == "__main__":
    main()
