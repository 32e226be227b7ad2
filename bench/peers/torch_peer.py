"""PyTorch on the workloads of `nstx bench`.

    python torch_peer.py [--workload NAME ...] [--variant NAME ...] [--threads N] [--seconds S]

Prints one line a workload and variant: `workload median_seconds spread megabytes variant`; spread is the distance of the
quartiles over the median, megabytes what the process grows by at most. Lines that begin with # say what was used.
Weights are random: they do not change the work.

    vgg19_forward_256    VGG-19 conv1_1 .. conv5_1, full width, zero padding, max pooling, one picture, no gradient
    gatys_step_256, 512  forward, losses and gradient by the picture: average pooling, style at conv1_1, 2_1, 3_1, 4_1
                         and 5_1, content at conv4_2
    train_step_256_b4    StyleNet with instance norm, batch 4: forward, VGG-19 to conv4_2 of output and input, style at
                         conv1_1, 2_1, 3_1, 4_1, content at conv4_2, backward, Adam
    stylenet_512, 1024, texnet_256, mtnet_1024
                         inference, in inference mode

Variants are a precision and a layout, fp32_nchw. Layouts: nchw, nhwc (channels_last), compiled (torch.compile over nchw,
where a compiler is at hand; in train_step of the descriptor alone, because torch 2.15 compiles the backward pass of
replication padding to code that fails). Precisions: fp32; bf16, which is what autocast makes of a step, where the
processor has instructions for it; on a CUDA device tf32 too, which is off in the others.
"""
import argparse
import logging
import os
import warnings

os.environ.setdefault("TORCH_LOGS", "-all")
warnings.filterwarnings("ignore")

import torch
import torch.nn.functional as F

import measure
from networks import INFERENCE, Vgg, stylenet

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


def gram(features):
    rows = features.flatten(2)
    return rows @ rows.transpose(1, 2) / rows.shape[2]


def loss(features, style, content):
    """The content layer's features are the last ones."""
    total = F.mse_loss(features[-1], content)
    for feature, target in zip(features, style):
        difference = gram(feature) - target
        total = total + difference.square().sum((1, 2)).mean() / (4 * target.shape[1] ** 2)
    return total


def arranged(x, variant):
    x = x.to(DEVICE)
    return x.contiguous(memory_format=torch.channels_last) if "nhwc" in variant else x


def picture(variant, *shape):
    return arranged(torch.rand(*shape) * 255 - 120, variant)


def prepared(net, variant):
    net = net.to(DEVICE)
    if "nhwc" in variant:
        return net.to(memory_format=torch.channels_last)
    return torch.compile(net) if "compiled" in variant else net


def gatys_step(variant, size):
    layers = ["1_1", "2_1", "3_1", "4_1", "5_1"]
    net = prepared(Vgg("5_1", F.avg_pool2d, layers + ["4_2"]), variant)
    with torch.no_grad():
        style = [gram(f) for f in net(picture(variant, 1, 3, size, size))[:-1]]
        content = net(picture(variant, 1, 3, size, size))[-1]
    x = picture(variant, 1, 3, size, size).requires_grad_()

    def step():
        x.grad = None
        loss(net(x), style, content).backward()

    return step


def train_step(variant, size, batch):
    layers = ["1_1", "2_1", "3_1", "4_1"]
    vgg = prepared(Vgg("4_2", F.max_pool2d, layers + ["4_2"]), variant)
    net = prepared(stylenet(), "nchw" if "compiled" in variant else variant)
    with torch.no_grad():
        style = [gram(f) for f in vgg(picture(variant, 1, 3, size, size))[:-1]]
    optimizer = torch.optim.Adam(net.parameters(), 1e-3)
    x = picture(variant, batch, 3, size, size)

    def step():
        with torch.no_grad():
            content = vgg(x)[-1]
        optimizer.zero_grad()
        loss(vgg(net(x / 255)), style, content).backward()
        optimizer.step()

    return step


def inference(name):
    def make(variant):
        network, inputs = INFERENCE[name]
        net, x = prepared(network().eval(), variant), [arranged(t, variant) for t in inputs()]

        def step():
            with torch.inference_mode():
                net(*x)

        return step

    return (make,)


WORKLOADS = {
    "gatys_step_256": (gatys_step, 256),
    "gatys_step_512": (gatys_step, 512),
    "train_step_256_b4": (train_step, 256, 4),
    **{name: inference(name) for name in INFERENCE},
}
LAYOUTS = ("nchw", "nhwc", "compiled")
# Without the instructions a convolution in bf16 is PyTorch's plain loops, minutes a step.
BF16 = DEVICE == "cuda" or torch.ops.mkldnn._is_mkldnn_bf16_supported()
PRECISIONS = ("fp32",) + ("tf32",) * (DEVICE == "cuda") + ("bf16",) * BF16
VARIANTS = tuple(f"{precision}_{layout}" for precision in PRECISIONS for layout in LAYOUTS)


def timed(step, variant):
    """The step in the variant's precision, waited for."""

    def run():
        with torch.autocast(DEVICE, torch.bfloat16, enabled="bf16" in variant):
            step()
        if DEVICE == "cuda":
            torch.cuda.synchronize()

    return run


class DeviceMemory:
    """The most that tensors take on a CUDA device, in megabytes."""

    def __init__(self):
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
        self.base = torch.cuda.memory_allocated()

    def grown(self):
        return (torch.cuda.max_memory_allocated() - self.base) / 1e6


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--workload", nargs="+", choices=WORKLOADS, default=list(WORKLOADS))
    options.add_argument("--variant", nargs="+", choices=VARIANTS, default=VARIANTS)
    options.add_argument("--threads", type=int, default=torch.get_num_threads())
    options.add_argument("--seconds", type=float, default=5, help="how long to time each variant")
    chosen = options.parse_args()
    logging.disable(logging.WARNING)
    torch.set_num_threads(chosen.threads)
    capability = torch.backends.cpu.get_cpu_capability() if DEVICE == "cpu" else torch.cuda.get_device_name()
    print(f"# torch {torch.__version__}, {chosen.threads} threads, {capability}", flush=True)
    if not BF16:
        print("# torch: bf16 is left out: this processor has no instructions for it", flush=True)
    for name in chosen.workload:
        make, *sizes = WORKLOADS[name]
        for variant in chosen.variant:
            torch.manual_seed(0)
            torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = "tf32" in variant
            memory = measure.Memory() if DEVICE == "cpu" else DeviceMemory()
            try:
                result = measure.measure(timed(make(variant, *sizes), variant), chosen.seconds)
            except Exception as reason:
                if "compiled" not in variant:
                    raise
                print(f"# {name} {variant} left out: {str(reason).splitlines()[0]}", flush=True)
                continue
            measure.show(name, variant, result, memory.grown())


if __name__ == "__main__":
    main()
