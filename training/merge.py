"""From what a run trained to a whole model: adapters merged, in a folder that chats.

python -m training.merge RUN OUT [--checkpoint checkpoint-200]

RUN is a recipe's `output`. The finished run has a merged model in RUN/model already; this makes one
of any checkpoint, or again.
"""

import argparse
import dataclasses
import json
import sys
from pathlib import Path
from typing import Any

import torch

from training.checkpoints.folders import find_problem, newest_valid
from training.model.card import write_card
from training.model.initial_model import load_initial_model, stored_dtype
from training.model.trainable_parts import RECIPE, load_trained, merge_lora, prepare_parts
from training.recipe import Recipe, recipe_from_values, with_current_keys
from vlm.weights.io.cache import build_atomically, print_status


def merge(trained: Path, out: Path) -> Path:
    """`trained` is what `save_trained` wrote; `out` becomes a model's folder, whole or not there.

    Merging is computed in float32 on the language model as it is stored, also where adapters were
    trained on a quantized one, and rounded once.
    """
    recipe = read_recipe(trained)
    model, processor = load_initial_model(recipe.model, recipe.seed, torch.float32)
    prepare_parts(model, dataclasses.replace(recipe, quantize=""))
    load_trained(model, trained)
    merge_lora(model)
    model.language_model.to(stored_dtype(recipe.model))
    model.config.use_cache = True

    def write(folder: Path) -> None:
        model.save_pretrained(folder)
        processor.save_pretrained(folder)
        write_card(folder, recipe, trained.parent, model.num_parameters())

    out.parent.mkdir(parents=True, exist_ok=True)
    build_atomically(out, {"trained": str(trained)}, write)
    return out


def read_recipe(trained: Path) -> Recipe:
    """The recipe that weights were trained by."""
    path = trained / RECIPE
    try:
        values: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise ValueError(f"{trained} holds no trained weights ({RECIPE} is missing)") from None
    return recipe_from_values(with_current_keys(values), str(path))


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m training.merge",
        description="Make a whole model of what a run trained: adapters are merged into the "
        "weights beside them. `python -m app chat --model` and `from_pretrained` read the folder.",
        epilog="example: python -m training.merge runs/embedded-instruct my-model",
    )
    parser.add_argument("run", type=Path, help="a run's output folder")
    parser.add_argument("out", type=Path, help="the folder to write; must not exist")
    parser.add_argument(
        "--checkpoint",
        help='such as checkpoint-200, or "last"; default: the finished run\'s weights',
    )
    arguments = parser.parse_args()
    try:
        if arguments.out.exists():
            raise ValueError(f"{arguments.out} exists already; name another folder")
        merge(chosen(arguments.run, arguments.checkpoint), arguments.out)
    except (ValueError, OSError) as error:
        sys.exit(f"{parser.prog}: {error}")
    print(f"The model is in {arguments.out}: python -m app chat --model {arguments.out}")


def chosen(run: Path, checkpoint: str | None) -> Path:
    """The folder of trained weights that is meant."""
    if checkpoint is None:
        if not (run / "trained").is_dir():
            raise ValueError(
                f"{run} is not finished: it has no trained/. --checkpoint last takes what there is"
            )
        return run / "trained"
    if checkpoint == "last":
        found = newest_valid(run, print_status)
        if found is None:
            raise ValueError(f"{run} has no checkpoint")
        return found
    folder = run / checkpoint
    if not folder.is_dir():
        raise ValueError(f"{run} has no {checkpoint}")
    if problem := find_problem(folder):
        raise ValueError(f"{folder}: {problem}")
    return folder


if __name__ == "__main__":
    main()
