"""One stage of training from its recipe to a model that chats: what both stages share.

    records -> mixture -> samples -> Trainer -> checkpoints -> trained weights -> a whole model

In the output folder: checkpoint-N/ (to go on from), journal.jsonl and curves.png (how it went),
samples.md (what it answered), trained/ (what was trained, alone) and model/ (adapters merged;
`python -m app chat --model` and `from_pretrained` read it).
"""

import ctypes
import gc
from pathlib import Path
from typing import Any

from transformers import set_seed
from transformers.utils import logging

from data.records import read_records
from data.samples.collate import Collator
from data.samples.dataset import MediaOptions, RecordDataset, SamplingConfig
from data.samples.disk_cache import DiskCache
from data.samples.packing import PackedDataset
from training.checkpoints import folders
from training.checkpoints.run_identity import data_root, fingerprint, refuse_changes
from training.dataset import build_dataset
from training.loop.distributed import num_processes, print_rank0
from training.loop.signals import StopOnSignal, train_until_stopped
from training.merge import merge
from training.model.card import write_card
from training.model.feature_cache import cache_backbone_features
from training.model.initial_model import load_initial_model
from training.model.qlora import quantize
from training.model.trainable_parts import prepare_parts, save_trained, start_from
from training.recipe import Recipe
from training.trainer import PVCTrainer
from training.watch.journal import Bar, Journal
from training.watch.samples import Samples
from vlm.model import PVCForConditionalGeneration
from vlm.processor import PVCProcessor
from vlm.weights.io.cache import build_atomically
from vlm.weights.io.files import cache_dir


def train(recipe: Recipe, resume: bool = True, allow_changes: bool = False) -> Path:
    """Run a stage; returns the folder of the finished model. Raises StoppedError after a signal."""
    keep_freed_memory()
    logging.disable_progress_bar()
    set_seed(recipe.seed)
    output = Path(recipe.output)
    facts = fingerprint(recipe, num_processes())
    checkpoint = find_resume_checkpoint(output, facts, allow_changes) if resume else None
    model, processor = prepare_model(recipe)
    dataset = build_dataset(recipe, model, processor)
    describe(recipe, model, dataset)
    stop = StopOnSignal()
    trainer = PVCTrainer(
        model,
        recipe,
        dataset,
        Collator(processor),
        facts,
        held_out_dataset(recipe, model, processor),
        sample_questions(recipe, processor),
        [Bar(), Journal(output), stop],
    )
    train_until_stopped(trainer, stop, checkpoint)
    return finish(trainer, recipe)


def prepare_model(recipe: Recipe) -> tuple[PVCForConditionalGeneration, PVCProcessor]:
    """The model of a recipe as its first step finds it."""
    model, processor = load_initial_model(recipe.model, recipe.seed)
    if recipe.quantize:
        quantize(model, recipe.quantize)
    prepare_parts(model, recipe)
    if recipe.start_from:
        start_from(model, Path(recipe.start_from) / "trained")
    if recipe.feature_cache_gb:
        num_bytes = int(recipe.feature_cache_gb * 2**30)
        cache_backbone_features(model, DiskCache(cache_dir() / "features", num_bytes))
    model.config.use_cache = False
    return model, processor


def find_resume_checkpoint(output: Path, facts: dict[str, Any], allow_changes: bool) -> Path | None:
    """The checkpoint to resume, if there is one; it must be of the same recipe and data."""
    checkpoint = folders.newest_valid(output, print_rank0) if output.is_dir() else None
    if checkpoint is None:
        return None
    before = folders.read_json(checkpoint / folders.FINGERPRINT)
    try:
        refuse_changes(before, facts, checkpoint)
    except ValueError as error:
        if not allow_changes:
            raise
        print_rank0(f"WARNING: resuming despite changes: {error}")
    print_rank0(f"Resuming from {checkpoint}.")
    return checkpoint


def held_out_dataset(
    recipe: Recipe, model: PVCForConditionalGeneration, processor: PVCProcessor
) -> RecordDataset | None:
    """The records of `evaluation`, looked at as often as the model does when it answers."""
    root = data_root(recipe)
    records = [record for path in recipe.evaluation for record in read_records(root / path)]
    if not records:
        return None
    frames = (recipe.max_frames, recipe.max_frames)
    sampling = SamplingConfig(None, frames, recipe.batch_size, recipe.seed)
    media_options = MediaOptions(recipe.decode_seconds, recipe.max_tiles)
    return RecordDataset(records, processor, None, sampling, media_options)


def sample_questions(recipe: Recipe, processor: PVCProcessor) -> Samples | None:
    """The questions that are answered with every checkpoint."""
    if not recipe.samples:
        return None
    records = list(read_records(data_root(recipe) / recipe.samples))[: recipe.num_samples]
    return Samples(records, processor, Path(recipe.output), recipe.batch_size)


def describe(
    recipe: Recipe, model: PVCForConditionalGeneration, dataset: RecordDataset | PackedDataset
) -> None:
    """Say what is about to happen."""
    trained = sum(p.numel() for p in model.parameters() if p.requires_grad)
    total = sum(p.numel() for p in model.parameters())
    size = recipe.samples_per_process * num_processes()
    items, note = "conversations", ""
    if isinstance(dataset, PackedDataset):
        items, note = "rows", f", {recipe.packing} tokens each"
        if dataset.padding_share is not None:
            note += f", {100 * dataset.padding_share:.1f} % of them padding"
    print_rank0(
        f"{recipe.steps} steps of {size} {items} "
        f"({len(dataset)} in all{note}, from {len(recipe.data)} sources); "
        f"training {trained:,} of {total:,} parameters; "
        f"writing to {recipe.output}"
    )


def finish(trainer: PVCTrainer, recipe: Recipe) -> Path:
    """The trained weights alone, and the whole model with its adapters merged."""
    output = Path(recipe.output)

    def write(folder: Path | None) -> None:
        save_trained(trainer.accelerator.unwrap_model(trainer.model), folder, recipe)
        if folder is not None:
            write_card(folder, recipe, output)

    if trainer.is_world_process_zero():
        build_atomically(output / "trained", {"step": str(trainer.state.global_step)}, write)
        merge(output / "trained", output / "model")
        print_rank0(f"The model is in {output / 'model'}; the curves in {output / 'curves.png'}.")
        print_cache_sizes(recipe)
    else:
        write(None)
    trainer.accelerator.wait_for_everyone()
    return output / "model"


def print_cache_sizes(recipe: Recipe) -> None:
    """What a run leaves on the disk that only another run has a use for."""
    kept = {"frames": recipe.frame_cache_gb, "features": recipe.feature_cache_gb}
    for name, limit in kept.items():
        if limit:
            folder = cache_dir() / name
            size = DiskCache(folder, 0).size() / 1e9
            print_rank0(
                f"{folder} keeps {size:.1f} GB for runs on the same pictures; it may be deleted."
            )


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
