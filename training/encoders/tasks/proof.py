"""Several tasks in one training against each alone, as a table.

    python -m training.encoders.tasks.proof RECIPE [--seeds 0 1 2] [--set KEY=VALUE] [--json FILE]

Trains the recipe, and each of its sets alone with as many samples of it, and scores all encoders on
the held-out samples of every set. Each run resumes like any other, so a stopped proof continues.
Small encoders differ more from seed to seed than together from alone: with several seeds, the table
has the means, and the difference of each seed.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean

import torch
from torch import Tensor
from torch.utils.data import DataLoader

from training.encoders.__main__ import read_arguments
from training.encoders.objectives.base import Batch
from training.encoders.objectives.tasks import Tasks
from training.encoders.recipe import EncoderRecipe
from training.encoders.run import train, with_steps
from training.encoders.tasks.scores import task_scores
from training.encoders.tower import BuiltTower, build
from training.loop.signals import StoppedError
from vlm.ending import end, sentence
from vlm.heads.folder import load_encoder_with_heads


@dataclass(frozen=True)
class Line:
    """One set: the mean held-out scores (training/encoders/tasks/scores.py), 0 to 1."""

    name: str
    task: str
    num_held: int
    chance: float
    alone: float
    together: float


def main() -> None:
    parser = argparse.ArgumentParser("python -m training.encoders.tasks.proof", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("recipe", help="a recipe with `objective: tasks` and several sets")
    parser.add_argument("--output", help="the folder to write")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument(
        "--seeds", type=int, nargs="+", metavar="N", help="train with each, into OUTPUT-N"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the table as JSON too")
    arguments = parser.parse_args()
    arguments.dry_run = False
    try:
        runs = [proof(one) for one in _seeded(read_arguments(arguments), arguments.seeds)]
    except BrokenPipeError:
        raise
    except (ValueError, OSError) as error:
        sys.exit(f"{parser.prog}: {sentence(error)}")
    except StoppedError as stopped:
        sys.exit(stopped.code)
    sys.stdout.write(table(runs))
    if arguments.json:
        lines = [vars(one) for lines in runs for one in lines]
        arguments.json.write_text(json.dumps(lines, indent=1) + "\n")


def _seeded(recipe: EncoderRecipe, seeds: Sequence[int] | None) -> list[EncoderRecipe]:
    if not seeds:
        return [recipe]
    return [replace(recipe, seed=seed, output=f"{recipe.output}-{seed}") for seed in seeds]


def proof(recipe: EncoderRecipe) -> list[Line]:
    """Trains all that is missing, and scores it."""
    if recipe.objective != "tasks":
        raise ValueError("the proof needs a recipe with `objective: tasks`")
    recipe = with_steps(recipe, Tasks.read(recipe), recipe.samples_per_process)
    recipe = replace(recipe, num_epochs=None)
    together = train(replace(recipe, output=f"{recipe.output}/together"))
    lines = []
    for one in recipe.tasks:
        single = replace(
            recipe,
            tasks=(one,),
            gradient_accumulation_steps=recipe.gradient_accumulation_steps // len(recipe.tasks),
            output=f"{recipe.output}/{one.set}",
        )
        alone = train(single)
        objective, built = Tasks.read(single), build(single)
        batches = list(_batches(objective, built))
        chances = [objective.chance(batch)[batch["valid"]] for batch in batches]
        lines.append(
            Line(
                one.set,
                objective.sources[0].task,
                objective.num_held,
                _mean(chances),
                held_score(objective, batches, alone),
                held_score(objective, batches, together),
            )
        )
    return lines


@torch.no_grad()
def held_score(objective: Tasks, batches: Sequence[Batch], folder: Path) -> float:
    """Returns the mean score of a trained encoder on the held-out samples."""
    model, recipe = load_encoder_with_heads(folder).model, objective.recipe
    found = []
    for batch in batches:
        outputs = model(**objective.model_inputs(batch))
        head = model.head(batch["task"])
        scores = task_scores(outputs, dict(batch), recipe.background_weight > 0, head)
        found.append(scores[batch["valid"]])
    return _mean(found)


def _batches(objective: Tasks, built: BuiltTower) -> DataLoader:
    return DataLoader(
        objective.held_data(built),
        objective.recipe.batch_size,
        collate_fn=objective.collator(built),
    )


def _mean(parts: Sequence[Tensor]) -> float:
    return float(torch.cat(list(parts)).nanmean())


def table(runs: Sequence[Sequence[Line]]) -> str:
    """Returns the lines of one run or the means of several as Markdown."""
    several = len(runs) > 1
    rows = [
        "| set | task | held out | chance | alone | together |" + several * " by seed |",
        "|---|---|---:|---:|---:|---:|" + several * "---|",
    ]
    for of_seeds in zip(*runs, strict=True):
        one = of_seeds[0]
        alone, together = (
            fmean(getattr(line, name) for line in of_seeds) for name in ("alone", "together")
        )
        row = f"| {one.name} | {one.task} | {one.num_held} | {one.chance:.3f} | {alone:.3f} |"
        row += f" {together:.3f} |"
        if several:
            differences = [f"{line.together - line.alone:+.2f}" for line in of_seeds]
            row += f" {', '.join(differences)} |"
        rows.append(row)
    return "\n".join(rows) + "\n"


if __name__ == "__main__":
    end(main)
