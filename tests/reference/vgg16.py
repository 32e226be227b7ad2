"""Features of a small VGG-16 and their gradient, computed by PyTorch in float64: makes vgg16.txt.

    python vgg16.py [--dtype float32] > vgg16.txt

What it is for: an independent twin of the descriptor vgg16, from conv1_1 to fc8, as files of torchvision and of Keras
have it: the network is put together of torchvision's modules in torchvision's order, so that the numbers in the names
are PyTorch's own. With --dtype float32 it tells how far single precision alone moves the numbers.

Protocol. Every line of the table is `name value`; a name is INPUT.LAYER.QUANTITY or INPUT.grad.QUANTITY.

The picture: value(y, x, c) = (7 y y + 13 x + 101 c + (x y (c + 3)) % 97) % 256 for c = 0, 1, 2, R, G, B; 224 x 224.
INPUT    torchvision   RGB / 255, minus the mean, over std
         caffe         BGR minus 103.939, 116.779, 123.68
Weights: channels are WIDTHS, then 12, 10 and 8 for the fully connected layers. Number i of tensor t (t = 2 layer for
weights, 2 layer + 1 for biases, layers counted from 0; i in PyTorch's order) comes from 32 bits:
         u = i * 2654435761 + t * 40503;  u ^= u >> 16;  u *= 2246822519;  u ^= u >> 13   (modulo 2^32)
         r = u / 2^32 - 0.5
a weight is 2 r sqrt(6 / inputs), inputs being 9 or 1 times the channels or numbers; a bias is 0.2 r. Both in float32.
LAYER    conv1_1 .. conv5_3, pool1 .. pool5, fc6, fc7 (after their ReLU), fc8
QUANTITY mean, l2, and at0 .. at3: values at row (37 k + 5) % H, column (53 k + 11) % W, channel (7 k + 3) % C
grad     of the sum of mean(F^2) over conv1_2, conv3_3, conv5_3, fc6, fc7 and fc8, by the picture (RGB, 0 to 255): l2,
         l1, max and at0 .. at3 as above
"""
import argparse

import numpy as np
import torch
from torch import nn

WIDTHS = ((3, 4), (5, 4), (6, 5, 6), (7, 6, 7), (6, 7, 5))
LINEAR = (12, 10, 8)
SIDE = 224
LOSS = ("conv1_2", "conv3_3", "conv5_3", "fc6", "fc7", "fc8")


def numbers(tensor, count):
    u = (np.arange(count, dtype=np.uint64) * 2654435761 + tensor * 40503) % 2**32
    u ^= u >> np.uint64(16)
    u = u * np.uint64(2246822519) % np.uint64(2**32)
    u ^= u >> np.uint64(13)
    return u.astype(np.float64) / 2**32 - 0.5


def network():
    """torchvision's VGG-16, and which of its modules end our layers."""
    features, ends, channels = [], {}, 3
    for block, widths in enumerate(WIDTHS, 1):
        for i, width in enumerate(widths, 1):
            features += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU()]
            ends["features", len(features) - 1] = f"conv{block}_{i}"
            channels = width
        features.append(nn.MaxPool2d(2, 2))
        ends["features", len(features) - 1] = f"pool{block}"
    a, b, c = LINEAR
    classifier = [nn.Linear(channels * 49, a), nn.ReLU(), nn.Dropout(), nn.Linear(a, b), nn.ReLU(), nn.Dropout(),
                  nn.Linear(b, c)]
    ends.update({("classifier", 1): "fc6", ("classifier", 4): "fc7", ("classifier", 6): "fc8"})
    net = nn.ModuleDict({"features": nn.Sequential(*features), "classifier": nn.Sequential(*classifier)}).eval()
    for t, (name, value) in enumerate(net.state_dict().items()):
        r = numbers(t, value.numel())
        inputs = value.numel() / value.shape[0]
        scaled = 2 * r * np.sqrt(6 / inputs) if value.dim() > 1 else 0.2 * r
        value.copy_(torch.from_numpy(scaled.astype(np.float32)).reshape(value.shape))
    return net, ends


def picture():
    y, x, c = np.mgrid[0:SIDE, 0:SIDE, 0:3]
    return ((7 * y * y + 13 * x + 101 * c + (x * y * (c + 3)) % 97) % 256).astype(np.float64)


def prepared(image, kind):
    if kind == "torchvision":
        mean, std = (torch.tensor(v, dtype=image.dtype) for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
        return (image / 255 - mean) / std
    return image.flip(-1) - torch.tensor((103.939, 116.779, 123.68), dtype=image.dtype)


def places(h, w, c):
    return [((37 * k + 5) % h, (53 * k + 11) % w, (7 * k + 3) % c) for k in range(4)]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--dtype", default="float64")
    dtype = getattr(torch, parser.parse_args().dtype)
    net, ends = network()
    net = net.to(dtype)
    print("# made by vgg16.py")
    for i, (name, value) in enumerate(net.state_dict().items()):
        print(f"# {name} {list(value.shape)}")
    for kind in ("torchvision", "caffe"):
        image = torch.tensor(picture(), dtype=dtype, requires_grad=True)
        x, loss = prepared(image, kind).permute(2, 0, 1)[None], 0
        for part in ("features", "classifier"):
            if part == "classifier":
                x = x.flatten(1)
            for number, module in enumerate(net[part]):
                x = module(x)
                layer = ends.get((part, number))
                if not layer:
                    continue
                hwc = x.permute(0, 2, 3, 1)[0] if x.dim() == 4 else x[:, None]
                if layer in LOSS:
                    loss = loss + (hwc**2).mean()
                print(f"{kind}.{layer}.mean {hwc.mean().item():.12g}")
                print(f"{kind}.{layer}.l2 {hwc.norm().item():.12g}")
                for k, at in enumerate(places(*hwc.shape)):
                    print(f"{kind}.{layer}.at{k} {hwc[at].item():.12g}")
        loss.backward()
        g = image.grad
        print(f"{kind}.grad.l2 {g.norm().item():.12g}")
        print(f"{kind}.grad.l1 {g.abs().sum().item():.12g}")
        print(f"{kind}.grad.max {g.abs().max().item():.12g}")
        for k, at in enumerate(places(SIDE, SIDE, 3)):
            print(f"{kind}.grad.at{k} {g[at].item():.12g}")


if __name__ == "__main__":
    main()
