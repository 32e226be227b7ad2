"""ONNX Runtime and OpenVINO on the inference workloads of `nstx bench`: networks.py, exported to ONNX by PyTorch.

    python onnx_peer.py [--engine onnxruntime|openvino] [--workload NAME ...] [--threads N] [--seconds S]

Prints lines as torch_peer.py does; the variant is the engine. Needs torch, onnx and onnxscript for the export.
"""
import argparse
import io
import logging
import os
import tempfile
import warnings

warnings.filterwarnings("ignore")
logging.disable(logging.WARNING)

import measure
from networks import INFERENCE


def exported(name, path):
    """Writes the network, and gives its inputs as arrays."""
    import contextlib

    import torch

    network, inputs = INFERENCE[name]
    torch.manual_seed(0)
    x = inputs()
    names = [f"x{i}" for i in range(len(x))]
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()), torch.no_grad():
        torch.onnx.export(network().eval(), tuple(x), path, input_names=names, opset_version=20, external_data=False)
    return dict(zip(names, (t.numpy() for t in x)))


def onnxruntime(path, feeds, threads):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return lambda: session.run(None, feeds)


def openvino(path, feeds, threads):
    import openvino

    settings = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_NUM_THREADS": threads,
        "INFERENCE_PRECISION_HINT": "f32",
    }
    request = openvino.Core().compile_model(path, "CPU", settings).create_infer_request()
    return lambda: request.infer(feeds)


ENGINES = {"onnxruntime": onnxruntime, "openvino": openvino}


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--engine", choices=ENGINES, default="onnxruntime")
    options.add_argument("--workload", nargs="+", choices=INFERENCE, default=list(INFERENCE))
    options.add_argument("--threads", type=int, default=os.cpu_count())
    options.add_argument("--seconds", type=float, default=5)
    chosen = options.parse_args()
    print(f"# {chosen.engine} {__import__(chosen.engine).__version__}, {chosen.threads} threads", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for name in chosen.workload:
            path = os.path.join(folder, name + ".onnx")
            feeds = exported(name, path)
            memory = measure.Memory()
            step = ENGINES[chosen.engine](path, feeds, chosen.threads)
            measure.show(name, chosen.engine, measure.measure(step, chosen.seconds), memory.grown())


if __name__ == "__main__":
    main()
