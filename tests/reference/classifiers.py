"""A PyTorch twin of the classifiers in float64, filled by a formula instead of random numbers: makes classifiers.txt.

    python classifiers.py [--dtype float32] > classifiers.txt

What it is for: logits, the loss with its label smoothing, gradients by parameters, running statistics, and the losses of
some updates by SGD with momentum, weight decay and a cosine rate. What it is not: a training run; dropout is left out.
With --dtype float32 it tells how far single precision alone moves the numbers.

Protocol. Every line of the table is `name value`; a name is NETWORK.NORM.HEAD.QUANTITY.

Network  alexnet: conv 11x11 stride 4 pad 2 3->8, N, ReLU, max pool 3x3 stride 2; conv 5x5 pad 2 ->24, N, ReLU, the same
         pool; conv 3x3 pad 1 ->48, N, ReLU; conv 3x3 pad 1 ->32, N, ReLU; the same again; the same pool.
         vgg16: conv 3x3 pad 1 with N and ReLU of 8, 8, P, 16, 16, P, 32, 32, 32, P, 64, 64, 64, P, 64, 64, 64, P
         channels, P a max pool 2x2 stride 2: the published ones with an eighth of the channels.
NORM     N: none; batch (epsilon 1e-5, momentum 0.1); instance (affine, epsilon 1e-5)
HEAD     full     features in the order row, column, channel; linear ->16, ReLU, linear ->16, ReLU, linear ->7
         average  mean of each channel over the picture, linear ->7
Input    batch of 3, 95x95 (vgg16: 32x32) pixels, RGB in 0 .. 255; picture n of batch b counts as m = 3 b + n:
             pixel(m, y, x, c) = (7 y y + 13 x + 101 c + 59 m + (x y (c + 3 + m)) % 97) % 256
         as (pixel / 255 - mean) / std with mean 0.485, 0.456, 0.406 and std 0.229, 0.224, 0.225. Its class is (3 m + 2) % 7.
Filling  Parameters are numbered p = 0, 1, .. in network order: weight, bias, gamma, beta, weight, ...; element i of
         parameter p is as in stylenet.py, r in -1 .. 1: weight r sqrt(6 / inputs) but in the last layer r / sqrt(inputs),
         bias 0.1 r, gamma 1 + 0.2 r, beta 0.1 r, rounded to float32. i counts in the order output, input, row, column.
QUANTITY parameters      their number
         logits.K        of batch 0 in training: K = 7 n + class
         loss            cross-entropy with label smoothing 0.1, mean over the batch
         grad.NAME.*     of dloss/dNAME: l2, and at0 .. at2, its elements 0, count / 2 and count - 1; first.weight of the
                         first convolution, second.weight and second.bias of what has parameters after it, a norm or
                         a convolution, last.weight and last.bias of the last layer
         eval.K          logits of batch 0 after that one pass in training, by running statistics where there are some
         step.T          the loss of batch T before update T = 0 .. 7 from the first parameters on, with running
                         statistics continued: SGD, momentum 0.9, weight decay 0.01 on all parameters, and the learning
                         rate 0.01 (1 + cos(pi T / 8)) / 2
To compare: loss and l2 relatively; an at against the l2 of its tensor, logits against the largest of them.
"""
import math

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

from twin import begin, mixed, three, show

BATCH, CLASSES, STEPS, SMOOTHING = 3, 7, 8, 0.1
POOL = "pool"
NETWORKS = {  # side, layers: (channels, size, stride, pad), the pool's size and stride
    "alexnet": (95, [(8, 11, 4, 2), POOL, (24, 5, 1, 2), POOL, (48, 3, 1, 1), (32, 3, 1, 1), (32, 3, 1, 1), POOL], (3, 2)),
    "vgg16": (
        32,
        [w if w == POOL else (w, 3, 1, 1) for w in
         (8, 8, POOL, 16, 16, POOL, 32, 32, 32, POOL, 64, 64, 64, POOL, 64, 64, 64, POOL)],
        (2, 2),
    ),
}
VARIANTS = (
    ("alexnet", "none", "full"), ("alexnet", "batch", "full"), ("alexnet", "instance", "full"),
    ("alexnet", "instance", "average"), ("vgg16", "batch", "average"), ("vgg16", "none", "full"),
)


class Classifier(nn.Module):
    def __init__(self, network, norm, head):
        super().__init__()
        side, layers, (size, stride) = NETWORKS[network]
        norms = {"none": None, "batch": nn.BatchNorm2d, "instance": lambda c: nn.InstanceNorm2d(c, affine=True)}
        features, channels = [], 3
        for layer in layers:
            if layer == POOL:
                features.append(nn.MaxPool2d(size, stride))
                side = (side - size) // stride + 1
                continue
            width, kernel, step, pad = layer
            features.append(nn.Conv2d(channels, width, kernel, step, pad))
            if norms[norm]:
                features.append(norms[norm](width))
            features.append(nn.ReLU())
            channels, side = width, (side + 2 * pad - kernel) // step + 1
        self.features = nn.Sequential(*features)
        self.average = head == "average"
        if self.average:
            self.classifier = nn.Sequential(nn.Linear(channels, CLASSES))
        else:
            self.classifier = nn.Sequential(
                nn.Linear(channels * side * side, 16), nn.ReLU(), nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, CLASSES))

    def forward(self, x):
        x = self.features(x)
        return self.classifier(x.mean((2, 3)) if self.average else x.permute(0, 2, 3, 1).flatten(1))


@torch.no_grad()
def fill(net):
    p, layers = 0, [m for m in net.modules() if hasattr(m, "weight") and m.weight is not None]
    for layer in layers:
        norm = not isinstance(layer, (nn.Conv2d, nn.Linear))
        for parameter, weight in ((layer.weight, True), (layer.bias, False)):
            r = mixed(p, parameter.numel()).reshape(parameter.shape)
            if weight and norm:
                r = 1 + 0.2 * r
            elif weight:
                r *= math.sqrt((1 if layer is layers[-1] else 6) / parameter[0].numel())
            else:
                r *= 0.1
            parameter.copy_(torch.from_numpy(r.astype(np.float32)))
            p += 1
    return layers


def batch(number, side, dtype):
    n, c, y, x = np.indices((BATCH, 3, side, side))
    m = BATCH * number + n
    pixels = (7 * y * y + 13 * x + 101 * c + 59 * m + (x * y * (c + 3 + m)) % 97) % 256
    mean, std = (np.array(v).reshape(1, 3, 1, 1) for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    labels = torch.tensor([(3 * (BATCH * number + i) + 2) % CLASSES for i in range(BATCH)])
    return torch.from_numpy((pixels / 255 - mean) / std).to(dtype), labels


def run(variant, dtype):
    name, side = ".".join(variant), NETWORKS[variant[0]][0]
    net = Classifier(*variant)
    layers = fill(net)
    net.to(dtype).train()
    x, labels = batch(0, side, dtype)
    logits = net(x)
    loss = F.cross_entropy(logits, labels, label_smoothing=SMOOTHING)
    loss.backward()
    show(name, {"parameters": sum(p.numel() for p in net.parameters())})
    show(f"{name}.logits", {str(k): v for k, v in enumerate(logits.flatten())})
    show(name, {"loss": loss})
    for which, parameter in (
        ("first.weight", layers[0].weight), ("second.weight", layers[1].weight), ("second.bias", layers[1].bias),
        ("last.weight", layers[-1].weight), ("last.bias", layers[-1].bias),
    ):
        show(f"{name}.grad.{which}", three(parameter.grad))
    show(f"{name}.eval", {str(k): v for k, v in enumerate(net.eval()(x).flatten())})

    net.train()
    sgd = torch.optim.SGD(net.parameters(), lr=0, momentum=0.9, weight_decay=0.01)
    for t in range(STEPS):
        sgd.param_groups[0]["lr"] = 0.01 * (1 + math.cos(math.pi * t / STEPS)) / 2
        x, labels = batch(t, side, dtype)
        sgd.zero_grad()
        loss = F.cross_entropy(net(x), labels, label_smoothing=SMOOTHING)
        loss.backward()
        sgd.step()
        show(f"{name}.step", {str(t): loss})


def main():
    dtype = begin(__doc__)
    for variant in VARIANTS:
        run(variant, dtype)


if __name__ == "__main__":
    main()
