"""One stage of training from its recipe to a model that chats: what both stages share.

    records -> mixture -> samples -> Trainer -> checkpoints -> trained weights -> a whole model

In the output folder: checkpoint-N/ (to go on from), journal.jsonl and curves.png (how it went),
trained/ (what was trained, alone) and model/ (adapters merged; `python -m app chat --model` and
`from_pretrained` read it).
"""

import argparse
import ctypes
import gc
import sys
from pathlib import Path

from transformers import set_seed
from transformers.trainer_utils import get_last_checkpoint

from data.collate import Collator
from data.packing import PackedDataset
from data.samples import RecordDataset
from training.dataset import build_dataset
from training.parts import load_trained, merge_lora, prepare_parts, save_trained
from training.recipe import Recipe, load_recipe
from training.start import start_model
from training.trainer import PVCTrainer
from vlm.model import PVCForConditionalGeneration
from vlm.processor import PVCProcessor


def main(stage: str, default_recipe: str) -> None:
    """The command line of a stage."""
    parser = argparse.ArgumentParser(
        prog=f"python -m training.{stage}",
        description=f"Train a model's {stage} stage as a recipe says.",
        epilog=f"example: python -m training.{stage} {default_recipe} --set steps=100",
    )
    parser.add_argument("recipe", nargs="?", default=default_recipe, help="a YAML file")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="change a value of it"
    )
    parser.add_argument(
        "--fresh", action="store_true", help="start anew although there are checkpoints"
    )
    arguments = parser.parse_args()
    try:
        recipe = load_recipe(arguments.recipe, arguments.set)
        train(recipe, resume=not arguments.fresh)
    except ValueError as error:
        sys.exit(f"{parser.prog}: {error}")


def train(recipe: Recipe, resume: bool = True) -> Path:
    """Run a stage; returns the folder of the finished model."""
    keep_freed_memory()
    set_seed(recipe.seed)
    output = Path(recipe.output)
    model, processor = start_model(recipe.model, recipe.seed)
    prepare_parts(model, recipe)
    if recipe.start_from:
        load_trained(model, Path(recipe.start_from) / "trained")
    model.config.use_cache = False

    dataset = build_dataset(recipe, model, processor)
    describe(recipe, model, dataset)
    trainer = PVCTrainer(model, recipe, dataset, Collator(processor))
    checkpoint = get_last_checkpoint(recipe.output) if resume and output.is_dir() else None
    if checkpoint:
        print(f"Going on from {checkpoint}.")
    trainer.train(resume_from_checkpoint=checkpoint)
    return write_model(model, processor, recipe)


def describe(
    recipe: Recipe, model: PVCForConditionalGeneration, dataset: RecordDataset | PackedDataset
) -> None:
    """Say what is about to happen."""
    trained = sum(p.numel() for p in model.parameters() if p.requires_grad)
    total = sum(p.numel() for p in model.parameters())
    items, note = "conversations", ""
    if isinstance(dataset, PackedDataset):
        items, note = "rows", f", {recipe.packing} tokens each"
        if dataset.padding_share is not None:
            note += f", {100 * dataset.padding_share:.1f} % of them padding"
    print(
        f"{recipe.steps} steps of {recipe.batch_size * recipe.accumulation} {items} "
        f"({len(dataset)} in all{note}, from {len(recipe.data)} sources); "
        f"training {trained / 1e6:.1f} M of {total / 1e6:.1f} M parameters; "
        f"writing to {recipe.output}"
    )


def write_model(
    model: PVCForConditionalGeneration, processor: PVCProcessor, recipe: Recipe
) -> Path:
    """The trained weights alone, and the whole model with its adapters merged."""
    output = Path(recipe.output)
    model.config.use_cache = True
    save_trained(model, output / "trained", recipe.lora)
    merge_lora(model)
    model.save_pretrained(output / "model")
    processor.save_pretrained(output / "model")
    print(f"The model is in {output / 'model'}; the curves in {output / 'curves.png'}.")
    return output / "model"


def keep_freed_memory() -> None:
    """Tell glibc to keep freed memory instead of handing it back page by page.

    A training step frees and takes hundreds of megabytes; without this, on some machines most of
    the time goes into page faults. Elsewhere than on glibc it does nothing.
    """
    M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_MAX = -1, -2, -4
    try:
        libc = ctypes.CDLL("libc.so.6")
        libc.mallopt(M_MMAP_MAX, 0)
        libc.mallopt(M_TRIM_THRESHOLD, 2**31 - 1)
        libc.mallopt(M_TOP_PAD, 2**26)
    except (OSError, AttributeError):
        return
    gc.collect()
