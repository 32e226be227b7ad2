"""Losses and image gradients of the trained descriptors, computed by PyTorch in float64: makes improved_texnet.txt.

    NSTX_TEST_DATA=data python improved_texnet.py [--dtype float32] > improved_texnet.txt

What it is for: an independent twin of the descriptor, the Gram losses and their gradient. What it is not: a training
run; these are the numbers of step 0. With --dtype float32 it tells how far single precision alone moves them.

Protocol. Every line of the table is `name value`; a name is NETWORK.PICTURE.POOL.PAD.QUANTITY.

NETWORK  slim        weights/vgg19_slim_to_conv5_1.safetensors, content at relu4_2, style at relu1_1 .. relu4_1
         normalised  weights/vgg19_normalised_to_conv3_1.safetensors, content at relu3_1, style at relu1_1 .. relu3_1
         Input: RGB, 0 to 255, minus the mean of the file's metadata. 3x3 convolutions with padding 1, each followed by
         a ReLU; 2x2 pooling of stride 2 after each block, odd sizes rounded down.
POOL     max, avg
PAD      reflect (the border itself is not repeated), zero
PICTURE  three pictures: the image x, the style picture a, the content target p; sizes are height x width
         photo   x = centre of content/tubingen.jpg, a = p = centre of style/starry_night_crop.png, each 128x128, cut
                 from the decoded picture at row (H - 128) / 2 and column (W - 128) / 2, not resized
         square  x = formula A at 64x64, a = p = formula B at 64x64
         odd     x = formula A at 61x47, a = formula B at 53x66, p = formula B at 61x47
         formula A: value(y, x, c) = (7 y y + 13 x + 101 c + (x y (c + 3)) % 97) % 256
         formula B: value(y, x, c) = (29 y + 5 x x + 67 c + (x y (c + 2)) % 89) % 256
         with y the row, x the column, c = 0, 1, 2 for R, G, B.
QUANTITY E.L          style loss of layer L: sum((G - A)^2) / (4 C^2), with G = F F^T / M, M = height * width of L
                      (= sum((S - S_a)^2) / (4 C^2 M^2) with S = F F^T where x and a have one size)
         D            content loss: mean((F - P)^2)
         total        D + 10 * sum of E
         grad.E.L.l2  l2 norm of the gradient of E.L by the image; likewise grad.D.l2
         grad.*       of the gradient of total by the image: l2, l1 (sum of absolute values), max (largest absolute
                      value), sum, and at0 .. at9, its values at row (37 k + 5) % H, column (53 k + 11) % W and
                      channel k % 3 for k = 0 .. 9
To compare: relatively; an at against grad.max, for some are near zero. In float32 PyTorch itself stays within 1e-4.
The lines pixels.PICTURE.x and pixels.PICTURE.a hold the mean pixel, so that a difference in decoding is seen first.
"""
import argparse
import json
import os
import pathlib
import struct

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

NETWORKS = {  # name: file, content layer, style layers
    "slim": ("vgg19_slim_to_conv5_1", "relu4_2", ("relu1_1", "relu2_1", "relu3_1", "relu4_1")),
    "normalised": ("vgg19_normalised_to_conv3_1", "relu3_1", ("relu1_1", "relu2_1", "relu3_1")),
}
BLOCKS = (2, 2, 4, 4, 4)  # convolutions in each block of VGG-19
POOLS = {"max": F.max_pool2d, "avg": F.avg_pool2d}
PADS = {"reflect": "reflect", "zero": "constant"}
CONTENT_WEIGHT, STYLE_WEIGHT = 1, 10


def read_safetensors(path):
    raw = path.read_bytes()
    length = struct.unpack("<Q", raw[:8])[0]
    header = json.loads(raw[8 : 8 + length])
    metadata = header.pop("__metadata__")
    tensors = {}
    for name, entry in header.items():
        begin, end = (8 + length + o for o in entry["data_offsets"])
        tensors[name] = torch.from_numpy(np.frombuffer(raw[begin:end], "<f4").reshape(entry["shape"]).copy())
    return tensors, metadata


def photo(path, size=128):
    pixels = np.asarray(Image.open(path).convert("RGB"))
    top, left = (pixels.shape[0] - size) // 2, (pixels.shape[1] - size) // 2
    return pixels[top : top + size, left : left + size].astype(np.float64)


def formula_a(height, width):
    y, x, c = np.indices((height, width, 3))
    return ((7 * y * y + 13 * x + 101 * c + (x * y * (c + 3)) % 97) % 256).astype(np.float64)


def formula_b(height, width):
    y, x, c = np.indices((height, width, 3))
    return ((29 * y + 5 * x * x + 67 * c + (x * y * (c + 2)) % 89) % 256).astype(np.float64)


class Descriptor:
    def __init__(self, path, pool, pad, dtype):
        tensors, metadata = read_safetensors(path)
        self.weights = {name: tensor.to(dtype) for name, tensor in tensors.items()}
        self.mean = torch.tensor([float(v) for v in metadata["mean"].split(",")], dtype=dtype).view(1, 3, 1, 1)
        self.pool, self.pad = pool, pad

    def features(self, pixels):
        """Every ReLU's output by name; pixels 1 x 3 x H x W, 0 to 255."""
        x, index, out = pixels - self.mean, 0, {}
        for block, depth in enumerate(BLOCKS, 1):
            for conv in range(1, depth + 1):
                if f"features.{index}.weight" not in self.weights:
                    return out
                weight, bias = (self.weights[f"features.{index}.{kind}"] for kind in ("weight", "bias"))
                x = F.relu(F.conv2d(F.pad(x, (1, 1, 1, 1), mode=self.pad), weight, bias))
                out[f"relu{block}_{conv}"] = x
                index += 2
            x = self.pool(x, 2)
            index += 1
        return out


def gram(features):
    rows = features.flatten(2)[0]
    return rows @ rows.T / rows.shape[1]


def case(name, network, pictures, pool, pad, dtype, data):
    file, content_layer, style_layers = NETWORKS[network]
    vgg = Descriptor(data / "weights" / f"{file}.safetensors", POOLS[pool], PADS[pad], dtype)
    image, style, target = (torch.from_numpy(p).permute(2, 0, 1)[None].to(dtype) for p in pictures)
    style_features, target_features = vgg.features(style), vgg.features(target)
    image.requires_grad_()
    features = vgg.features(image)

    terms = {}
    for layer in style_layers:
        difference = gram(features[layer]) - gram(style_features[layer])
        terms[f"E.{layer}"] = difference.square().sum() / (4 * len(difference) ** 2)
    terms["D"] = (features[content_layer] - target_features[content_layer]).square().mean()
    total = CONTENT_WEIGHT * terms["D"] + STYLE_WEIGHT * sum(v for k, v in terms.items() if k != "D")

    def gradient(loss):
        return torch.autograd.grad(loss, image, retain_graph=True)[0][0]

    values = {key: loss.item() for key, loss in terms.items()}
    values["total"] = total.item()
    values |= {f"grad.{key}.l2": gradient(loss).norm().item() for key, loss in terms.items()}
    g = gradient(total)
    values |= {"grad.l2": g.norm(), "grad.l1": g.abs().sum(), "grad.max": g.abs().max(), "grad.sum": g.sum()}
    for k in range(10):
        values[f"grad.at{k}"] = g[k % 3, (37 * k + 5) % g.shape[1], (53 * k + 11) % g.shape[2]]
    for key, value in values.items():
        print(f"{name}.{key} {torch.as_tensor(value).item():.9e}")


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--dtype", default="float64", choices=("float64", "float32"))
    dtype = getattr(torch, options.parse_args().dtype)
    data = pathlib.Path(os.environ["NSTX_TEST_DATA"])
    torch.set_num_threads(1)

    starry = photo(data / "style/starry_night_crop.png")
    pictures = {
        "photo": (photo(data / "content/tubingen.jpg"), starry, starry),
        "square": (formula_a(64, 64), formula_b(64, 64), formula_b(64, 64)),
        "odd": (formula_a(61, 47), formula_b(53, 66), formula_b(61, 47)),
    }
    print("\n".join(f"# {line}".rstrip() for line in __doc__.strip().splitlines()))
    for picture, (image, style, _) in pictures.items():
        print(f"pixels.{picture}.x {image.mean():.9e}\npixels.{picture}.a {style.mean():.9e}")
    for network in NETWORKS:
        for picture, three in pictures.items():
            for pool in POOLS:
                for pad in PADS:
                    case(f"{network}.{picture}.{pool}.{pad}", network, three, pool, pad, dtype, data)


if __name__ == "__main__":
    main()
