"""Trains and evaluates one of the four models, with the ordinary training loop and folders.

OUT/start/                 the initial model of all four
OUT/pvc-0/model/           a trained model: `--model OUT/pvc-0/model` of app and evaluation
OUT/pvc-0/scores.json      its scores; a run that has this file is not repeated
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from transformers import TrainerCallback, set_seed

from data.samples.collate import Collator
from training.claim.initial_model import fresh, from_start
from training.claim.samples import START_TURNS, TURNS, Worlds, accuracy, ask
from training.claim.variants import LOOKS, SCALES, VARIANTS, Variant, tokenizer
from training.claim.worlds import CELLS, KINDS, Example, example
from training.model.trainable_parts import prepare_parts
from training.recipe import Recipe
from training.trainer import PVCTrainer
from training.watch.journal import Journal, ProgressBar
from vlm.inference.batch import greedy_answers
from vlm.model import PVCForConditionalGeneration
from vlm.processor import PVCProcessor

SCORES = "scores.json"
HELD_OUT_SEED = 1_000_000  # of the questions; runs have small seeds
ANSWER_TOKENS = 2 * len(CELLS) + 2


def load_start(recipe: Recipe) -> PVCForConditionalGeneration:
    """Returns the initial model of all four, trained if it does not exist yet."""
    folder = Path(recipe.output) / "start" / "model"
    if not (folder / "config.json").is_file():
        scale = SCALES[recipe.model]
        model = fresh(VARIANTS["uncompressed"], scale, HELD_OUT_SEED)
        longer = replace(
            recipe, steps=scale.start_steps, seed=HELD_OUT_SEED, output=str(folder.parent)
        )
        train(VARIANTS["uncompressed"], model, longer, START_TURNS, [ProgressBar()])
    return PVCForConditionalGeneration.from_pretrained(folder)


def read_score(name: str, seed: int, recipe: Recipe) -> dict[str, Any] | None:
    """Returns the scores of an earlier run with as many steps; None if missing."""
    written = folder_of(name, seed, recipe) / SCORES
    if not written.is_file():
        return None
    scores = json.loads(written.read_text(encoding="utf-8"))
    if scores["steps"] != recipe.steps:
        raise ValueError(
            f"{written} is from a run of {scores['steps']} steps, not {recipe.steps}: "
            "give another folder with --set output=..."
        )
    return scores


def run(name: str, seed: int, recipe: Recipe) -> None:
    """Trains one of the four with one seed, evaluates it, and writes its scores."""
    folder = folder_of(name, seed, recipe)
    variant = VARIANTS[name]
    model = from_start(variant, SCALES[recipe.model], seed, load_start(recipe))
    train(variant, model, replace(recipe, seed=seed, output=str(folder)))
    processor = PVCProcessor.from_config(model.config, tokenizer())
    scores = score(variant, model, processor, recipe)
    result = {"variant": name, "seed": seed, "steps": recipe.steps, **asdict(variant), **scores}
    unfinished = (folder / SCORES).with_suffix(".part")
    unfinished.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    unfinished.replace(folder / SCORES)


def folder_of(name: str, seed: int, recipe: Recipe) -> Path:
    """Returns the output folder of a run."""
    return Path(recipe.output) / f"{name}-{seed}"


def train(
    variant: Variant,
    model: PVCForConditionalGeneration,
    recipe: Recipe,
    turns: Sequence[str] = TURNS,
    callbacks: Sequence[TrainerCallback] = (),
) -> None:
    """Trains a model in place by the recipe, and saves it as an ordinary model folder."""
    set_seed(recipe.seed)
    processor = PVCProcessor.from_config(model.config, tokenizer())
    prepare_parts(model, recipe)
    model.config.use_cache = False
    worlds: Any = Worlds(variant, processor, recipe, turns)
    output = Path(recipe.output)
    callbacks = [Journal(output), *callbacks]
    PVCTrainer(model, recipe, worlds, Collator(processor), callbacks=callbacks).train()
    model.config.use_cache = True
    folder = output / "model"
    model.save_pretrained(folder)
    processor.save_pretrained(folder)


def score(
    variant: Variant, model: PVCForConditionalGeneration, processor: PVCProcessor, recipe: Recipe
) -> dict[str, Any]:
    """Accuracy by kind, and on pages by number of looks (the uncompressed model has one)."""
    model.eval()
    number = SCALES[recipe.model].questions
    questions = {
        kind: [example(kind, HELD_OUT_SEED, i, full=True) for i in range(number)] for kind in KINDS
    }
    by_looks = {}
    looks = range(1, LOOKS + 1) if variant.looks > 1 else (1,)
    for n in looks:
        answers = answer(model, processor, variant, questions["page"], n)
        by_looks[str(n)] = accuracy(answers, questions["page"])
    scores: dict[str, Any] = {"looks": by_looks, "page": by_looks[str(variant.looks)]}
    for kind in KINDS[1:]:
        answers = answer(model, processor, variant, questions[kind])
        scores[kind] = accuracy(answers, questions[kind])
    return scores


def answer(
    model: PVCForConditionalGeneration,
    processor: PVCProcessor,
    variant: Variant,
    examples: list[Example],
    looks: int | None = None,
    batch_size: int = 50,
) -> list[str]:
    """Greedy answers, in order."""
    answers: list[str] = []
    for start in range(0, len(examples), batch_size):
        batch = [ask(variant, one, looks) for one in examples[start : start + batch_size]]
        answers += greedy_answers(model, processor, batch, ANSWER_TOKENS)
    return answers
