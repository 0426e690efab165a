"""Time and memory to load and to convert an original checkpoint, by its size.

    python -m benchmarks.loading [--quick]

Writes a synthetic release (the shapes of PVC-InternVL2 made narrow, random weights, the original
names) in two sizes and two number formats. Each is loaded without conversion and converted, in a
separate process whose memory is sampled every few milliseconds. Loaded weights are memory-mapped,
so every page is touched before the clock stops. Two kinds of memory are distinguished: that of the
process alone, and that with the mapped pages of files, which the system reclaims when needed.
"""

from __future__ import annotations

import argparse
import io
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil
import torch

from vlm.ending import end

GIGABYTE = 1e9
STORED = {"float32": torch.float32, "bfloat16": torch.bfloat16}
# Task -> the code of the child process. Nothing is computed in bfloat16.
TASKS = {
    "load the original": "touch(load(source, getattr(torch, dtype)))",
    "load the original as float32": "touch(load(source, torch.float32))",
    "convert": "convert(source, target)",
    "load the converted": "touch(load(target, getattr(torch, dtype)))",
}


def release_config(layers: int, width: int) -> dict[str, Any]:
    """Returns the config.json of a release like the 8B model, but narrower and shallower."""
    return {
        "model_type": "pvc_internvl",
        "downsample_ratio": 0.25,
        "force_image_size": 448,
        "template": "internlm2-chat",
        "vision_config": {
            "hidden_size": 128,
            "num_hidden_layers": 12,
            "num_attention_heads": 4,
            "intermediate_size": 512,
            "image_size": 448,
            "patch_size": 14,
        },
        "llm_config": {
            "vocab_size": 4096,
            "hidden_size": width,
            "num_hidden_layers": layers,
            "num_attention_heads": 8,
            "num_key_value_heads": 2,
            "intermediate_size": 4 * width,
            "rope_scaling": {"type": "dynamic", "factor": 2.0},
        },
    }


def write_release(folder: Path, layers: int, width: int, dtype: torch.dtype) -> None:
    """Writes the release in files of 100 MB, with the original names."""
    from safetensors.torch import save_file

    from vlm.config import PVCConfig
    from vlm.weights.io.schema import JsonObject
    from vlm.weights.io.shapes import model_shapes
    from vlm.weights.language.internlm2 import llama_config
    from vlm.weights.pvc.names import pvc_rules

    given = release_config(layers, width)
    write_tokenizer(folder)
    (folder / "config.json").write_text(json.dumps(given))
    vision = given["vision_config"]
    tower = {"dim": 128, "num_heads": 4, "mlp_dim": 512, "depth": vision["num_hidden_layers"] - 8}
    text = llama_config(JsonObject(folder / "config.json", given["llm_config"]))
    config = PVCConfig(text_config=text, tower=tower | {"temporal_heads": 4})
    shapes = model_shapes(config)
    where: dict[str, str] = {}
    part: dict[str, torch.Tensor] = {}
    torch.manual_seed(0)

    def flush() -> None:
        name = f"model-{len(set(where.values())) + 1:05}.safetensors"
        save_file(part, folder / name, {"format": "pt"})
        where.update(dict.fromkeys(part, name))
        part.clear()

    for rule in pvc_rules(config, {}):
        made = [shapes[name] for name in rule.targets]
        shape = (sum(s[0] for s in made), *made[0][1:])
        part[rule.sources[0]] = torch.randn(shape).to(dtype)
        if sum(tensor.nbytes for tensor in part.values()) > 100e6:
            flush()
    flush()
    index = {"metadata": {}, "weight_map": where}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))


def write_tokenizer(folder: Path) -> None:
    """Writes a SentencePiece model of single bytes and a few pieces."""
    import sentencepiece

    out = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(["the quick brown fox jumps over the lazy dog"] * 20),
        model_writer=out,
        model_type="bpe",
        vocab_size=320,
        byte_fallback=True,
        user_defined_symbols=["[UNUSED_TOKEN_145]", "[UNUSED_TOKEN_146]"],
        add_dummy_prefix=False,
        minloglevel=2,
    )
    (folder / "tokenizer.model").write_bytes(out.getvalue())
    marks = ("<img>", "</img>", "<IMG_CONTEXT>")
    added = {token: 320 + number for number, token in enumerate(marks)}
    (folder / "added_tokens.json").write_text(json.dumps(added))
    (folder / "tokenizer_config.json").write_text("{}")


CHILD = """
import sys, time, torch
from pathlib import Path
import transformers
from vlm.model import PVCForConditionalGeneration
from vlm.processor import PVCProcessor
from vlm.weights.pvc.convert import convert
from vlm.weights.sources import load

def touch(loaded):
    for tensor in loaded[0].state_dict().values():
        tensor.flatten()[::1024].clone()

transformers.utils.logging.disable_progress_bar()
source, target, dtype = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
print("ready", flush=True)
sys.stdin.readline()
started = time.perf_counter()
{work}
print(time.perf_counter() - started, flush=True)
"""


def measure(work: str, source: Path, target: Path, dtype: str) -> tuple[float, int, int]:
    """Returns seconds, and the peak in bytes beyond the imports: own, and with mapped files."""
    command = [sys.executable, "-c", CHILD.format(work=work), str(source), str(target), dtype]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        if child.stdout.readline().strip() != "ready":
            raise RuntimeError("the measured process did not start")
        process = psutil.Process(child.pid)
        before = process.memory_info()
        child.stdin.write("\n")
        child.stdin.flush()
        own = whole = 0
        while child.poll() is None:
            try:
                now = process.memory_info()
            except psutil.NoSuchProcess:
                break
            own = max(own, (now.rss - now.shared) - (before.rss - before.shared))
            whole = max(whole, now.rss - before.rss)
            time.sleep(0.005)
        seconds = float(child.stdout.readline())
        if child.wait():
            raise RuntimeError(f"the measured process failed: {work}")
    return seconds, own, whole


def run(quick: bool) -> list[str]:
    """Returns a section for benchmarks/results.md."""
    sizes = [(2, 256)] if quick else [(8, 512), (16, 1024)]
    lines = [
        "## Loading and converting an original checkpoint",
        "",
        "A synthetic release with the names of PVC-InternVL2. Its files were just written, so they"
        " are read from the page cache, not from a disk. Memory is beyond that of the imported"
        " libraries, as a multiple of the file size: *own* is that of the process alone, *with"
        " files* includes mapped pages of files, which the system reclaims when needed.",
        "",
        "| file | stored as | | seconds | GB per second | own | with files |",
        "|---:|---|---|---:|---:|---:|---:|",
    ]
    for layers, width in sizes:
        for dtype, stored in STORED.items():
            with tempfile.TemporaryDirectory() as place:
                source, target = Path(place) / "release", Path(place) / "ours"
                source.mkdir()
                write_release(source, layers, width, stored)
                size = sum(path.stat().st_size for path in source.glob("*.safetensors"))
                for task, work in TASKS.items():
                    if task.endswith("float32") and dtype == "float32":
                        continue
                    seconds, own, whole = measure(work, source, target, dtype)
                    lines.append(
                        f"| {size / 1e6:.0f} MB | {dtype} | {task} | {seconds:.2f}"
                        f" | {size / GIGABYTE / seconds:.2f}"
                        f" | {own / size:.2f} x | {whole / size:.2f} x |"
                    )
                shutil.rmtree(source)
    return [*lines, ""]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="one small checkpoint")
    print("\n".join(run(parser.parse_args().quick)))


if __name__ == "__main__":
    end(main)
