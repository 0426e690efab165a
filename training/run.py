"""Runs one stage of training, from its recipe to a model that chats.

    records -> mixture -> samples -> Trainer -> checkpoints -> trained weights -> a whole model

The output folder holds checkpoint-N/ (to resume), journal.jsonl and curves.png (losses and speed),
samples.md (answers during training), trained/ (the trained weights alone) and model/ (adapters
merged; `python -m app chat --model` and `from_pretrained` read it).
"""

import ctypes
import gc
from dataclasses import replace
from itertools import islice
from pathlib import Path

from transformers import set_seed
from transformers.utils import logging

from data.samples.collate import Collator
from data.samples.dataset import MediaOptions, RecordDataset, SamplingConfig
from data.samples.disk_cache import DiskCache
from data.samples.packing import PackedDataset
from data.sources.record_file import RecordFile
from training.checkpoints.best import load_best, num_steps
from training.checkpoints.resume import find_resume_checkpoint
from training.checkpoints.run_identity import fingerprint
from training.dataset import build_dataset, longest_sample
from training.loop.arguments import chooses
from training.loop.distributed import num_processes, print_rank0
from training.loop.signals import StopOnSignal, train_until_stopped
from training.merge import merge
from training.model.card import write_card
from training.model.feature_cache import cache_backbone_features
from training.model.initial_model import model_of
from training.model.qlora import quantize
from training.model.trainable_parts import prepare_parts, save_trained, start_from
from training.recipe import Recipe
from training.sources import JoinedFiles, data_root, steps_of_epochs, without_words
from training.trainer import PVCTrainer
from training.watch.journal import Journal, ProgressBar
from training.watch.probe import Probe, probe_records
from training.watch.samples import SampleAnswers, readable_records
from vlm.model import PVCForConditionalGeneration
from vlm.plural import plural
from vlm.processor import PVCProcessor
from vlm.weights.io.cache import build_atomically
from vlm.weights.io.files import cache_dir


def train(recipe: Recipe, resume: bool = True, allow_changes: bool = False) -> Path:
    """Runs a stage and returns the folder of its model. Raises StoppedError after a signal."""
    keep_freed_memory()
    logging.disable_progress_bar()
    set_seed(recipe.seed)
    output = Path(recipe.output)
    if recipe.num_epochs is not None:
        recipe = replace(recipe, steps=steps_of_epochs(recipe, num_processes()))
    identity = fingerprint(recipe, num_processes())
    checkpoint = find_resume_checkpoint(output, identity, allow_changes) if resume else None
    model, processor = prepare_model(recipe)
    steps = num_steps(recipe.steps, recipe.early_stopping_patience, checkpoint)
    run = replace(recipe, steps=steps)
    dataset = build_dataset(run, model, processor, identity["loop"])
    print_plan(run, model, dataset)
    if processor.prompt_config.experts and (names := without_words(recipe)):
        print_rank0(
            f"NOTE: this model reads the experts' words, which {', '.join(names)} lacks:"
            " `python -m data words IN OUT` adds them."
        )
    stop = StopOnSignal()
    trainer = PVCTrainer(
        model,
        run,
        dataset,
        Collator(processor),
        identity,
        held_out_dataset(recipe, model, processor),
        sample_questions(recipe, processor),
        probe_questions(recipe, processor),
        [ProgressBar(), Journal(output), stop],
    )
    train_until_stopped(trainer, stop, checkpoint)
    return save_model(trainer, recipe)


def prepare_model(recipe: Recipe) -> tuple[PVCForConditionalGeneration, PVCProcessor]:
    """Returns the model and processor of a recipe before the first step."""
    model, processor = model_of(recipe)
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


def held_out_dataset(
    recipe: Recipe, model: PVCForConditionalGeneration, processor: PVCProcessor
) -> RecordDataset | None:
    """The records of `evaluation`, with as many looks as the model takes when it answers."""
    root = data_root(recipe)
    if not recipe.evaluation:
        return None
    records = JoinedFiles([RecordFile(root / path) for path in recipe.evaluation])
    if not len(records):
        if chooses(recipe):
            names = ", ".join(recipe.evaluation)
            raise ValueError(f"`evaluation` names {names}, without a record to choose weights by")
        return None
    frames = (recipe.max_frames, recipe.max_frames)
    sampling = SamplingConfig(None, frames, recipe.batch_size, recipe.seed)
    media_options = MediaOptions(recipe.decode_seconds, recipe.max_tiles)
    longest = longest_sample(recipe, model)
    return RecordDataset(records, processor, None, sampling, media_options, max_length=longest)


def sample_questions(recipe: Recipe, processor: PVCProcessor) -> SampleAnswers | None:
    """Returns the questions answered with every checkpoint; None without `samples`."""
    if not recipe.samples:
        return None
    readable = readable_records(RecordFile(data_root(recipe) / recipe.samples))
    records = list(islice(readable, max(0, recipe.num_samples)))
    return SampleAnswers(records, processor, Path(recipe.output), recipe.batch_size)


def probe_questions(recipe: Recipe, processor: PVCProcessor) -> Probe | None:
    """Returns the questions asked before and after the run; None without `probe`."""
    if not recipe.probe:
        return None
    records = probe_records(recipe.probe, data_root(recipe))
    return Probe(records, processor, Path(recipe.output), recipe.batch_size)


def print_plan(
    recipe: Recipe, model: PVCForConditionalGeneration, dataset: RecordDataset | PackedDataset
) -> None:
    """Prints the size of the run before it starts."""
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


def save_model(trainer: PVCTrainer, recipe: Recipe) -> Path:
    """Saves the trained weights alone, and the whole model with its adapters merged."""
    output = Path(recipe.output)
    step = load_best(trainer)

    def write(folder: Path | None) -> None:
        save_trained(trainer.accelerator.unwrap_model(trainer.model), folder, recipe)
        if folder is not None:
            write_card(folder, recipe, output)

    if trainer.is_world_process_zero():
        build_atomically(output / "trained", {"step": str(step)}, write)
        merge(output / "trained", output / "model")
        print_rank0(f"The model is in {output / 'model'}; the curves in {output / 'curves.png'}.")
        print_outcome(trainer, recipe, step)
        print_cache_sizes(recipe)
    else:
        write(None)
    trainer.accelerator.wait_for_everyone()
    return output / "model"


def print_outcome(trainer: PVCTrainer, recipe: Recipe, step: int) -> None:
    """Prints how the run ended: which step was kept, what was left out, what was unlearned."""
    last, patience = trainer.state.global_step, recipe.early_stopping_patience
    if last < recipe.steps:
        print_rank0(
            f"Stopped early at step {last} of {recipe.steps}: {plural(patience, 'checkpoint')} in "
            f"a row had no lower held-out loss than {trainer.state.best_metric:.4f}."
        )
    if step != last:
        print_rank0(f"Kept the weights of step {step}, whose held-out loss is the lowest.")
    if summary := trainer.quarantine.summary():
        print_rank0(summary)
    if trainer.probe is not None:
        print_rank0(trainer.probe.summary(step))


def print_cache_sizes(recipe: Recipe) -> None:
    """Prints the size of caches on disk that only other runs use."""
    limits = {"frames": recipe.frame_cache_gb, "features": recipe.feature_cache_gb}
    for name, limit in limits.items():
        if limit:
            folder = cache_dir() / name
            size = DiskCache(folder, 0).size() / 1e9
            print_rank0(
                f"{folder} holds {size:.1f} GB for runs on the same media; you can delete it."
            )


def keep_freed_memory() -> None:
    """Makes glibc keep freed memory instead of returning it page by page.

    A training step frees and allocates hundreds of megabytes; without this, page faults take most
    of the time on some machines. Does nothing without glibc.
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
