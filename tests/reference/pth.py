"""Files as torch.save writes them: makes those of pth/, which tests/io/test_pth.c reads.

    python pth.py FOLDER

What it is for: files by PyTorch itself, of every kind that is read and of some that must be refused.

Number k of the tensor with the name `name` is ((7 k + 3 length of name) % 32 - 16) / 4, which float16 and bfloat16 hold;
in the order of the tensor's rows, however they lie in memory.

plain       a convolution, a normalization with its counter, a linear layer
types       each type, a scalar and a tensor without numbers
strides     turned, cut out of a larger one, channels last, two that share a storage, and one of them again as third
parameter   Parameters in a plain dict
parallel    the state of a DataParallel
nested      a checkpoint: state_dict beside an optimizer's state and more
old, old_strides, old_nested   as types, strides and nested, in the format before PyTorch 1.6
protocol4, protocol5   as plain, in later versions of pickle
system, old_system   a call of os.system; model: a whole module; script: a module of TorchScript
complex, sparse, expanded, two   complex numbers; sparse; one number as a thousand; two dicts alike
"""
import collections
import os
import pathlib
import sys
import warnings

import torch
from torch import nn


def made(name, *shape, dtype=torch.float32):
    count = torch.Size(shape).numel()
    return (((7 * torch.arange(count) + 3 * len(name)) % 32 - 16).float() / 4).reshape(shape).to(dtype)


def fill(module):
    with torch.no_grad():
        for name, value in module.state_dict().items():
            value.copy_(made(name, *value.shape))
    return module


def network():
    return fill(nn.Sequential(nn.Conv2d(3, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(8, 3)))


def types():
    kinds = {"float": torch.float32, "half": torch.float16, "brain": torch.bfloat16, "double": torch.float64}
    floats = {name: made(name, 2, 3, dtype=dtype) for name, dtype in kinds.items()}
    whole = {str(dtype): torch.ones(3, dtype=dtype)
             for dtype in (torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool)}
    return floats | whole | {"scalar": made("scalar"), "nothing": made("nothing", 0, 4)}


def strides():
    turned = made("turned", 4, 3, 2).permute(2, 1, 0).contiguous().permute(2, 1, 0)
    large = torch.full((5, 6), 99.0)
    large[1:4, 2:6:2] = made("cut", 3, 2)
    last = made("last", 2, 3, 4, 5).to(memory_format=torch.channels_last)
    both = torch.cat([made("first", 12), made("second", 12)])
    first, second = both[:12], both[12:].view(3, 4)
    assert not (turned.is_contiguous() or last.is_contiguous())
    return {"turned": turned, "cut": large[1:4, 2:6:2], "last": last, "first": first, "second": second, "third": first}


def nested():
    net = network()
    optimizer = torch.optim.Adam(net.parameters())
    net(torch.ones(1, 3, 4, 4)).sum().backward()
    optimizer.step()
    return {"epoch": 3, "best": torch.tensor(0.5), "mean": torch.ones(3), "arch": "net", "state_dict": fill(net).state_dict(),
            "optimizer": optimizer.state_dict(), "done": (True, None, 0.25, -7, 1 << 40)}


class System:
    def __reduce__(self):
        return os.system, ("true",)


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(exist_ok=True)
    warnings.simplefilter("ignore")
    plain = network().state_dict()
    two = {"one": {"w": made("w", 2)}, "other": {"w": made("w", 2)}}
    files = {"plain": plain, "types": types(), "strides": strides(), "parallel": nn.DataParallel(network()).state_dict(),
             "parameter": {"weight": nn.Parameter(made("weight", 2, 2)), "bias": nn.Parameter(made("bias", 2))},
             "nested": nested(), "system": {"w": System()}, "model": network(), "two": two,
             "complex": {"w": torch.ones(2, dtype=torch.complex64)}, "sparse": {"w": torch.eye(2).to_sparse()},
             "expanded": {"w": torch.ones(1).expand(1000)}}
    old = {"old": types(), "old_strides": strides(), "old_nested": nested(), "old_system": {"w": System()}}
    for name, value in files.items():
        torch.save(value, folder / f"{name}.pth")
    for name, value in old.items():
        torch.save(value, folder / f"{name}.pth", _use_new_zipfile_serialization=False)
    for protocol in (4, 5):
        torch.save(plain, folder / f"protocol{protocol}.pth", pickle_protocol=protocol)
    torch.jit.script(nn.Linear(2, 2)).save(folder / "script.pth")


if __name__ == "__main__":
    main()
