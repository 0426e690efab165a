"""Makes a whole model from trained weights: adapters merged, in a folder that chats.

python -m training.merge RUN OUT [--checkpoint checkpoint-200]

RUN is a recipe's `output`. A finished run already has a merged model in RUN/model; this command
makes one from any checkpoint.
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
from training.model.initial_model import model_of, stored_dtype
from training.model.trainable_parts import RECIPE, load_trained, merge_lora, prepare_parts
from training.recipe import Recipe, recipe_from_values, with_current_keys
from vlm.ending import end, sentence
from vlm.weights.io.cache import build_atomically, print_status


def merge(trained: Path, out: Path) -> Path:
    """Writes the model folder `out`, atomically, from what `save_trained` wrote to `trained`.

    Adapters are merged in float32 into the language model as it is stored, even if they were
    trained on a quantized one, and rounded once.
    """
    recipe = read_recipe(trained)
    model, processor = model_of(recipe, torch.float32)
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
    """Returns the recipe stored with trained weights."""
    path = trained / RECIPE
    try:
        values: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise ValueError(f"{trained} holds no trained weights ({RECIPE} is missing)") from None
    return recipe_from_values(with_current_keys(values), str(path))


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m training.merge",
        description="Make a whole model from what a run trained, with adapters merged into the "
        "weights. `python -m app chat --model` and `from_pretrained` read the folder.",
        epilog="example: python -m training.merge runs/embedded-instruct my-model",
    )
    parser.add_argument("run", type=Path, help="a run's output folder")
    parser.add_argument("out", type=Path, help="the folder to write; must not exist")
    parser.add_argument(
        "--checkpoint",
        help='for example checkpoint-200, or "last"; default: the weights of the finished run',
    )
    arguments = parser.parse_args()
    try:
        if arguments.out.exists():
            raise ValueError(f"{arguments.out} already exists; name another folder")
        merge(trained_folder(arguments.run, arguments.checkpoint), arguments.out)
    except BrokenPipeError:
        raise
    except (ValueError, OSError) as error:
        sys.exit(f"{parser.prog}: {sentence(error)}")
    print(f"The model is in {arguments.out}: python -m app chat --model {arguments.out}")


def trained_folder(run: Path, checkpoint: str | None) -> Path:
    """Returns the folder of trained weights: of the finished run or of a checkpoint."""
    if checkpoint is None:
        if not (run / "trained").is_dir():
            raise ValueError(f"{run} is not finished, it has no trained/: try --checkpoint last")
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
    end(main)
