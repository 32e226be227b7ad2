"""Models that `nstx weights export MODEL OUT.onnx` makes, run by ONNX Runtime beside nstx itself.

    python onnx_export.py NSTX [PART]

NSTX is the program; PART: only variants whose name has it. It needs numpy, onnx and onnxruntime, and says so where they
are missing. What it is for: every network, norm, upsampling and padding that training makes, on three sizes.

Each variant is trained for a few steps in a folder of its own, exported twice (the bytes must be the same), checked by
onnx.checker in full, and run on pictures or on the noise that nstx draws for seed 1. Printed are the largest difference
from the picture that nstx writes in 16 bits, in grey levels of 255, and the standard deviation of that picture's
channels. Then the networks that were released for Texture Networks, where NSTX_TEST_DATA names the folder above theirs:
their colours are BGR inside; and the checkpoints of fastneuralstyle/. A difference of more than 0.255, or a picture without contrast, which shows nothing, is a
failure: exit code 1.
"""
import itertools
import os
import pathlib
import re
import struct
import subprocess
import sys
import tempfile
import zlib

try:
    import numpy as np
    import onnx
    import onnxruntime
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(0)

MOST, CONTRAST = 0.255, 3
SIZES = ((64, 64), (45, 83), (131, 97))  # height, width
TINY = """[descriptor]
weights = random
width = 0.0625
content_layers = relu2_1
style_layers = relu1_1 relu2_1
[generator]
channels = 4
blocks = 1
output_scale = 25
[data]
content = photos
style = style.png
style_size = 32
size = 32
batch = 2
[experiment]
steps = 2
"""


def variants():
    for norm, upsample, padding in itertools.product(("instance", "batch", "instance_first", "lrn_first"),
                                                     ("transposed", "nearest"),
                                                     ("replicate", "reflect", "zero", "circular")):
        steps = 2 if norm == "instance" else 40  # batch normalization takes some to know what is usual
        yield (f"stylenet-{norm}-{upsample}-{padding}",
               f"generator.norm={norm} generator.upsample={upsample} generator.padding={padding} experiment.steps={steps}")
    texture = "experiment.task=texture"
    for upsample, padding in itertools.product(("transposed", "nearest"), ("replicate", "reflect", "zero")):
        yield (f"stylenet-start-{upsample}-{padding}",
               f"generator.padding_place=start generator.padding={padding} generator.upsample={upsample} "
               "generator.upsample_norm=true generator.input=centered generator.output=tanh generator.output_scale=150 "
               "generator.noise=1")
    for upsample, padding in itertools.product(("transposed", "nearest"), ("replicate", "reflect")):
        yield (f"stylenet-unstrided-{upsample}-{padding}",
               f"generator.padding_place=unstrided generator.padding={padding} generator.upsample={upsample}")
    yield "stylenet-paper", "generator.channels=32 generator.blocks=5 data.batch=1"
    yield "stylenet-noise", "generator.noise=2 generator.noise_scale=3"
    yield "stylenet-texture", f"{texture} generator.noise=3 generator.padding=circular generator.upsample=nearest"
    pyramid = "generator.network=pyramid experiment.paper=texture_networks"
    yield "pyramid-3", f"{pyramid} generator.scales=3"
    yield "pyramid-1", f"{pyramid} generator.scales=1"
    yield "pyramid-4-3x3", f"{pyramid} generator.scales=4 generator.pointwise=false"
    yield "pyramid-texture-5", f"{pyramid} {texture} generator.scales=5"
    yield "v2", f"{texture} generator.network=v2 generator.scales=3 generator.output_scale=1"
    for subnets, padding in itertools.product(("two_branches", "fullfanta", "felime"),
                                              ("replicate", "reflect", "circular")):
        yield (f"mtnet-{subnets}-{padding}",
               f"experiment.paper=multimodal generator.network=mtnet generator.subnets={subnets} data.batch=1 "
               f"generator.padding={padding} generator.output_scale=100")
    for stages in 1, 2:
        yield (f"mtnet-{stages}", "experiment.paper=multimodal generator.network=mtnet data.batch=1 "
                                  f"generator.stages={stages} generator.output_scale=100")


# ---- pictures ----

def write_png(path, rgb):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    height, width, _ = rgb.shape
    rows = b"".join(b"\0" + row.tobytes() for row in rgb.astype(np.uint8))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)) +
                     chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def read_png16(path):
    """RGB of 16 bits a channel as floats from 0 to 255."""
    data, at, packed = path.read_bytes(), 8, b""
    width, height, depth, color = struct.unpack(">IIBB", data[16:26])
    assert (depth, color) == (16, 2), path
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at:at + 8])
        packed += data[at + 8:at + 8 + length] if kind == b"IDAT" else b""
        at += 12 + length
    lines = np.frombuffer(zlib.decompress(packed), np.uint8).reshape(height, 1 + 6 * width)
    above = np.zeros(6 * width, np.int32)
    rows = []
    for kind, line in zip(lines[:, 0], lines[:, 1:].astype(np.int32)):
        row = np.zeros(6 * width + 6, np.int32)  # six zeros before it
        corner = np.concatenate((np.zeros(6, np.int32), above))
        if kind in (0, 2):
            row[6:] = line + (above if kind else 0) & 255
        else:
            for i in range(6 * width):
                a, b, c = int(row[i]), int(above[i]), int(corner[i])
                p = a + b - c
                near = sorted(((abs(p - a), 0, a), (abs(p - b), 1, b), (abs(p - c), 2, c)))[0][2]
                row[6 + i] = line[i] + {1: a, 3: (a + b) // 2, 4: near}[int(kind)] & 255
        above = row[6:]
        rows.append(above)
    words = np.array(rows).astype(np.uint8).reshape(height, width, 3, 2)
    return (words[..., 0] * 256.0 + words[..., 1]) * (255 / 65535)


def photo(height, width, seed):
    draw = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    waves = np.stack([np.sin(0.11 * (x + c * y) + c) for c in range(3)], -1)
    return np.clip(127.5 + 90 * waves + draw.normal(0, 15, (height, width, 3)), 0, 255)


# ---- the noise that nstx draws ----

def philox(seed, stream, count):
    """Words of Philox 4x32-10 with that key; counter: the block, the stream."""
    block = np.arange((count + 3) // 4, dtype=np.uint64)
    low = np.uint64(0xFFFFFFFF)
    c = [block & low, block >> np.uint64(32), np.full_like(block, stream & 0xFFFFFFFF), np.full_like(block, stream >> 32)]
    k0, k1 = seed & 0xFFFFFFFF, seed >> 32
    for _ in range(10):
        a, b = c[0] * np.uint64(0xD2511F53), c[2] * np.uint64(0xCD9E8D57)
        c = [b >> np.uint64(32) ^ c[1] ^ np.uint64(k0), b & low, a >> np.uint64(32) ^ c[3] ^ np.uint64(k1), a & low]
        k0, k1 = (k0 + 0x9E3779B9) & 0xFFFFFFFF, (k1 + 0xBB67AE85) & 0xFFFFFFFF
    return np.stack(c, -1).reshape(-1)[:count]


def noise(number, shape, normal):
    """Of random operation `number` of a graph, of that shape as NCHW."""
    stream = 0xCBF29CE484222325
    for letter in b"noise":
        stream = (stream ^ letter) * 0x100000001B3 % (1 << 64)
    _, channels, height, width = shape
    count = channels * height * width * (2 if normal else 1)
    u = ((philox(1, (stream + number) % (1 << 64), count) >> np.uint64(8)).astype(np.float32) + np.float32(0.5)) / (1 << 24)
    if normal:
        u = np.sqrt(-2 * np.log(u[::2])) * np.cos(2 * np.pi * u[1::2])
    return u.reshape(height, width, channels).transpose(2, 0, 1)[None].astype(np.float32)


# ---- a variant ----

def feed(model, content, height, width):
    """Every input as its own description asks for it."""
    values = {}
    for number, i in enumerate(i for i in model.graph.input if i.name != "content"):
        dims = i.type.tensor_type.shape.dim
        sides = [d.dim_value for d in dims[2:]]
        if not all(sides):
            multiple = int((re.search(r"multiples of (\d+)", i.doc_string) or (0, 1))[1])
            ratio = int((re.search(r"height / (\d+)", i.doc_string) or (0, 1))[1])
            sides = [-(-n // multiple) * multiple // ratio for n in (height, width)]
        values[i.name] = noise(number, (1, dims[1].dim_value, *sides), "normal" in i.doc_string)
    return values | ({} if content is None else {"content": content.transpose(2, 0, 1)[None].astype(np.float32)})


def run(nstx, folder, *words):
    done = subprocess.run([nstx, *words], cwd=folder, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"nstx {' '.join(words)}: {done.stderr}")


def trained(nstx, folder, name, options):
    run(nstx, folder, "run", "tiny.ini", "-o", f"{name}.h5", *(w for o in options.split() for w in ("-s", o)))
    return f"{name}.model.h5"


def compare(nstx, folder, name, weights):
    for out in "a", "b":
        run(nstx, folder, "weights", "export", weights, f"{out}.onnx")
    path = folder / "a.onnx"
    assert path.read_bytes() == (folder / "b.onnx").read_bytes(), f"{name}: exported twice, not the same"
    model = onnx.load(path)
    onnx.checker.check_model(str(path), full_check=True)
    assert model.producer_name == "nstx" and "[generator]" in {p.key: p.value for p in model.metadata_props}["options"]
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    takes_content = any(i.name == "content" for i in model.graph.input)
    fixed = [d.dim_value for d in model.graph.output[0].type.tensor_type.shape.dim[2:]]
    report, fine = [], True
    for k, (height, width) in enumerate(SIZES[:1] if all(fixed) else SIZES):
        if takes_content:
            content = photo(height, width, k).astype(np.uint8)
            write_png(folder / "content.png", content)
            run(nstx, folder, "stylize", weights, "content.png", "-o", "picture.png", "--format", "png16",
                "--seed", "1")
        else:
            content = None
            height, width = fixed if all(fixed) else (height // 32 * 32, width // 32 * 32)
            run(nstx, folder, "sample", weights, "--size", f"{width}x{height}", "-o", "picture.png",
                "--format", "png16", "--seed", "1")
        wanted = read_png16(folder / "picture.png")
        (folder / "picture.png").unlink()
        got = session.run(["picture"], feed(model, content, height, width))[0]
        assert got.shape == (1, 3, height, width), got.shape
        apart = np.abs(got[0].transpose(1, 2, 0) - wanted).max()
        contrast = wanted.std((0, 1)).max()
        fine = fine and apart <= MOST and contrast >= CONTRAST
        report.append(f"{width}x{height} {apart:.4f} ({contrast:.1f})")
    print(f"{name:45}", *report, "" if fine else "  FAILED", flush=True)
    return fine


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    nstx, part = str(pathlib.Path(sys.argv[1]).resolve()), sys.argv[2] if len(sys.argv) > 2 else ""
    print(f"onnx {onnx.__version__}, onnxruntime {onnxruntime.__version__}: largest difference (deviation)")
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "photos").mkdir()
        for k in range(4):
            write_png(folder / "photos" / f"{k}.png", photo(40 + k, 50 - k, 100 + k))
        write_png(folder / "style.png", photo(40, 36, 7))
        (folder / "tiny.ini").write_text(TINY)
        done = [compare(nstx, folder, name, trained(nstx, folder, name, options))
                for name, options in variants() if part in name]
        released = pathlib.Path(os.environ.get("NSTX_TEST_DATA", folder)).resolve() / "texture_networks"
        others = pathlib.Path(__file__).resolve().parent / "fastneuralstyle"
        done += [compare(nstx, folder, f"released-{path.stem}", str(path))
                 for path in sorted(released.glob("*.safetensors")) + sorted(others.glob("*.t7"))
                 if part in f"released-{path.stem}"]
        sys.exit(not all(done))


if __name__ == "__main__":
    main()
