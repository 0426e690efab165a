"""The memory estimate of `vlm.fit.estimate`, compared with the peak memory of a process.

    python -m benchmarks.memory [--quick]

A separate process builds a model of a few hundred megabytes with random weights and answers one
question about as many frames as its context holds. Its peak, counted by the operating system, minus
the memory of the libraries alone is compared with the estimate from the config.
"""

import argparse
import json
import subprocess
import sys
from typing import Any

from vlm.ending import end
from vlm.fit.estimate import Load, Need

# Each shape makes another part of the sum the largest: weights, encoding, keys and values.
CASES: dict[str, dict[str, int]] = {
    "weights": {"layers": 8, "width": 1024, "frames": 4, "context": 256},
    "looking": {"layers": 2, "width": 256, "frames": 32, "context": 640},
    "conversation": {"layers": 8, "width": 512, "frames": 4, "context": 8192},
}

CHILD = """
import json, sys
import torch
from benchmarks.memory import build, question
from benchmarks.peak import peak_bytes
from vlm.presets import build_model
case = json.loads(sys.argv[1])
torch.set_num_threads(1)
question(build_model("test"), 1, 64)  # the libraries and their buffers, once
before = peak_bytes()
question(build(case), case["frames"], case["context"])
print(peak_bytes() - before)
"""


def config_of(case: dict[str, int]) -> Any:
    """Returns the config of a PVC of these sizes, with many small frames."""
    from vlm.config import PVCConfig

    return PVCConfig(
        tower={
            "image_size": 112,
            "block": {"dim": 256, "num_heads": 4, "mlp_dim": 1024},
            "backbone": {"depth": 4},
            "temporal": {"num_layers": 2, "num_heads": 4},
        },
        compressor={"adaln": {"hidden_dim": 64}},
        prompt={"default_frames": case["frames"], "default_tiles": 1, "looks": 1},
        text_config={
            "model_type": "llama",
            "vocab_size": 8192,
            "hidden_size": case["width"],
            "intermediate_size": 4 * case["width"],
            "num_hidden_layers": case["layers"],
            "num_attention_heads": 8,
            "num_key_value_heads": 8,
            "max_position_embeddings": case["context"],
        },
        image_token_id=8191,
    )


def build(case: dict[str, int]) -> Any:
    import torch

    from vlm.model import PVCForConditionalGeneration

    torch.manual_seed(0)
    return PVCForConditionalGeneration(config_of(case)).eval()


def question(model: Any, frames: int, context: int) -> None:
    """Encodes a video, then prefills a prompt that fills the context, as for a reply."""
    import torch
    from transformers import DynamicCache

    from vlm.inference.decoding.generation import prefill
    from vlm.inference.visual.looking import FRAMES_AT_ONCE

    size = model.config.image_size
    with torch.inference_mode():
        pixels = torch.zeros(frames, 3, size, size)
        times = [t / frames for t in range(frames)]
        visual = torch.cat(list(model.encode_steps(pixels, frames, times, FRAMES_AT_ONCE)))
        words = torch.zeros(1, context - len(visual), dtype=torch.long)
        embeds = torch.cat([visual[None], model.get_input_embeddings()(words)], dim=1)
        cache = DynamicCache(config=model.language_model.config)
        prefill(model.language_model, embeds, cache)


def measured(case: dict[str, int]) -> int:
    """Returns the peak in bytes, measured in a separate process."""
    words = [sys.executable, "-c", CHILD, json.dumps(case)]
    return int(subprocess.run(words, check=True, capture_output=True, text=True).stdout)


def estimated(case: dict[str, int]) -> Need:
    import torch

    from vlm.fit.estimate import estimate

    config = config_of(case)
    return estimate(config, torch.float32, Load.of(config, case["context"]))


def run(quick: bool = False) -> list[str]:
    """Returns a Markdown table."""
    lines = [
        "## Estimated and measured memory",
        "",
        "| largest part | weights | conversation | encoding or prefill | estimate | measured |"
        " ratio |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, case in CASES.items():
        need, took = estimated(case), measured(case)
        parts = (need.weights, need.cache, max(need.encoding, need.prefill), need.total, took)
        cells = " | ".join(f"{size / 1e6:,.0f} MB" for size in parts)
        lines.append(f"| {name} | {cells} | {need.total / took:.2f} |")
        if quick:
            break
    return [*lines, ""]


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.memory",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--quick", action="store_true", help="one case only")
    print("\n".join(run(parser.parse_args().quick)))


if __name__ == "__main__":
    end(main)
