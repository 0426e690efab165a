"""Builds an untrained PVC from any image tower or video encoder and any causal language model.

    python -m vlm.assemble --tower google/siglip2-base-patch16-256 \\
        --language-model Qwen/Qwen2.5-0.5B-Instruct models/mine
    python -m vlm.assemble --progressive HuggingFaceTB/SmolVLM2-500M-Video-Instruct models/small
    python -m vlm.assemble --tower efficientnet-lite2 --language-model smollm2 \\
        --preset pvc-narrow --set compressor.factor=2 models/tiny
    python -m vlm.assemble --tower timesformer --language-model smollm2 models/timesformer

Writes an ordinary model folder, ready for stage 1 of the training (docs/training.md). Until then
the tower encodes each frame as the image tower did, and the language model cannot interpret the
visual tokens. --progressive adds temporal layers and AdaLN to a whole image model instead; until
they are trained, it answers as before.

Which encoder makes the better assistant? Change --tower alone: a name of vlm/encoders (its first
preset) or of a preset, such as streamformer-b16. Every encoder gets the same compressor, which is
conditioned on time. It joins the largest squares of patches that divide the encoder's grid (14 x
14: squares of 2, 49 tokens a look); where none does (7 x 7, or one token a frame) each patch is a
token. An encoder that strides time gives several looks in a row the tokens of their part of the
clip.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vlm.config_upgrade import upgrade
from vlm.ending import end
from vlm.model_options import DTYPES


def main(arguments: Sequence[str] | None = None) -> int:
    options = parser().parse_args(arguments)
    try:
        changes = read_changes(options.set)
        _check_parts(options)
        out = Path(options.out).expanduser()
        if out.exists() and (not out.is_dir() or any(out.iterdir())):
            raise ValueError(f"{out} already exists; name a new folder.")
        # Imported late, so that a mistyped option fails at once.
        import torch

        from vlm.assemble.build import assemble, write
        from vlm.assemble.progressive import make_progressive

        dtype = getattr(torch, options.dtype) if options.dtype else None
        if options.progressive:
            assembled = make_progressive(options.progressive, changes, dtype, options.seed)
        else:
            assembled = assemble(
                options.tower,
                options.language_model,
                options.preset,
                changes,
                dtype,
                options.seed,
                options.tower_weights,
            )
        for part, note in assembled.notes.items():
            print_line(part, note)
        write(assembled, out)
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    print_line("written", str(out))
    print_line("next", f"model: {out} in a recipe of training.pretrain (docs/training.md)")
    return 0


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="python -m vlm.assemble",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument(
        "--progressive",
        metavar="NAME",
        help="a folder or Hub id of a whole image model (InternVL, SmolVLM), in place of --tower"
        " and --language-model",
    )
    made.add_argument(
        "--tower",
        help="a folder or Hub id of InternVL, InternViT, CLIP, SigLIP or SigLIP2;"
        " efficientnet-lite2 (from its pip package); an encoder of vlm/encoders or one of its"
        " presets; or fresh, a ViT with random weights (set its sizes with --set"
        " tower.block.dim=...)",
    )
    made.add_argument(
        "--tower-weights",
        default="",
        metavar="FILE",
        help="of an encoder: its published file, or the folder of the CLIP or SigLIP it is built"
        " on (default: random)",
    )
    made.add_argument(
        "--language-model",
        help="a folder or Hub id of any causal language model of transformers, a GGUF file, or"
        " smollm2 (from its pip package)",
    )
    made.add_argument(
        "--preset",
        default="pvc",
        help="pvc: as in the paper; pvc-narrow: a narrow AdaLN, a quarter of the new parameters;"
        " image: no time, keeps InternVL's projector if it fits (default: pvc)",
    )
    made.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="PART.FIELD=VALUE",
        help="set a field of tower, compressor or prompt, named as in config.json; repeatable:"
        " tower.temporal.num_layers=4, compressor.factor=2, prompt.looks=4",
    )
    made.add_argument(
        "--dtype", choices=DTYPES, help="of the weights (default: that of the language model)"
    )
    made.add_argument("--seed", type=int, default=0, help="of the new weights (default: 0)")
    made.add_argument("out", help="the folder to write; must not exist")
    return made


def _check_parts(options: argparse.Namespace) -> None:
    """Raises ValueError unless the options name either two parts or one whole model."""
    parts = [options.tower, options.language_model]
    if options.progressive and any(parts):
        raise ValueError("--progressive takes a whole model: leave --tower, --language-model out.")
    if not options.progressive and not all(parts):
        raise ValueError("Name --tower and --language-model, or --progressive.")


def read_changes(given: Sequence[str]) -> dict[str, dict[str, Any]]:
    """["tower.block.dim=64"] -> {"tower": {"block": {"dim": 64}}}.

    Raises ValueError for any other form.
    """
    changes: dict[str, dict[str, Any]] = {"tower": {}, "compressor": {}, "prompt": {}}
    for one in given:
        name, equals, value = one.partition("=")
        part, dot, field = name.partition(".")
        if not equals or not dot or part not in changes:
            raise ValueError(
                f"--set {one}: this must be PART.FIELD=VALUE, where PART is one of"
                f" {', '.join(changes)}, such as tower.temporal.num_layers=4."
            )
        try:
            change = json.loads(value)
        except ValueError:
            change = value  # a word
        for inner in reversed(field.split(".")):
            change = {inner: change}
        changes[part] = upgrade(part, changes[part], change)
    return changes


def print_line(title: str, text: str) -> None:
    sys.stdout.write(f"{title + ':':16}{text}\n")


if __name__ == "__main__":
    end(main)
