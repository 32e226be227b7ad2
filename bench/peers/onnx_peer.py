"""ONNX Runtime and OpenVINO on the inference workloads of `nstx bench`: networks.py, exported to ONNX by PyTorch.

    python onnx_peer.py [--engine onnxruntime|openvino] [--workload NAME ...] [--threads N] [--seconds S]

Prints lines as torch_peer.py does; the variant is the precision. Needs torch, onnx and onnxscript for the export.

OpenVINO takes bf16 and fp16 as a hint; where the processor cannot, it computes in another precision, and that setting is
left out. ONNX Runtime's provider for CPUs has no convolution of 16-bit floats: fp32 alone. Its 8-bit integers are another
model, made of this one with a calibration of one's own, and no setting.
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


def onnxruntime(path, feeds, threads, precision):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return lambda: session.run(None, feeds)


def openvino(path, feeds, threads, precision):
    import openvino

    settings = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_NUM_THREADS": threads,
        "INFERENCE_PRECISION_HINT": HINTS[precision],
    }
    model = openvino.Core().compile_model(path, "CPU", settings)
    taken = model.get_property("INFERENCE_PRECISION_HINT").get_type_name()
    if taken != HINTS[precision]:
        raise ValueError(f"computes in {taken} here")
    request = model.create_infer_request()
    return lambda: request.infer(feeds)


HINTS = {"fp32": "f32", "bf16": "bf16", "fp16": "f16"}
ENGINES = {"onnxruntime": (onnxruntime, ("fp32",)), "openvino": (openvino, tuple(HINTS))}


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
            begin, precisions = ENGINES[chosen.engine]
            for precision in precisions:
                memory = measure.Memory()
                try:
                    step = begin(path, feeds, chosen.threads, precision)
                except (ValueError, RuntimeError) as reason:
                    if precision == "fp32":
                        raise
                    print(f"# {chosen.engine} {precision} left out: {str(reason).splitlines()[0]}", flush=True)
                    continue
                measure.show(name, precision, measure.measure(step, chosen.seconds), memory.grown())


if __name__ == "__main__":
    main()
