"""What the twins here share: numbers for parameters, and how values are printed."""
import argparse

import numpy as np
import torch


def begin(doc):
    """The data type that is asked for, float64 unless said; prints the script's own text as a comment."""
    options = argparse.ArgumentParser()
    options.add_argument("--dtype", default="float64", choices=("float64", "float32"))
    dtype = getattr(torch, options.parse_args().dtype)
    torch.set_num_threads(1)
    print("\n".join(f"# {line}".rstrip() for line in doc.strip().splitlines()))
    return dtype


def mixed(p, count):
    """count values in -1 .. 1 for parameter p."""
    wrap = 0xFFFFFFFF
    h = (p * 2654435761 + np.arange(count, dtype=np.uint64) * 40503 + 12345) & wrap
    h ^= h >> 16
    h = h * 0x7FEB352D & wrap
    h ^= h >> 15
    h = h * 0x846CA68B & wrap
    h ^= h >> 16
    return 2 * ((h >> 8).astype(np.float64) + 0.5) / (1 << 24) - 1


def three(t):
    """The length of t, and its elements 0, count / 2 and count - 1."""
    t = t.flatten()
    return {"l2": t.norm()} | {f"at{k}": t[i] for k, i in enumerate((0, len(t) // 2, len(t) - 1))}


def show(prefix, values):
    for name, value in values.items():
        print(f"{prefix}.{name} {torch.as_tensor(value).item():.9e}")
