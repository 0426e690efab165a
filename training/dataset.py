"""Builds the samples of a run, in order: in batches of similar length, or packed into rows."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from filelock import FileLock

from data.embedded.classifier import SimulatedClassifier
from data.embedded.word_targets import WordTargets
from data.records import RecordError
from data.samples.dataset import MediaOptions, RecordDataset, RejectedSample, SamplingConfig
from data.samples.disk_cache import FrameCache
from data.samples.learnable import long_sentence, require_learnable
from data.samples.packing import WINDOW, PackedDataset, PlannedRows, StreamedRows
from data.samples.token_lengths import LengthEstimator, LengthParts, LengthTable, measure_lengths
from data.sources.mixture import GROUP, Mixture, draw_order
from data.sources.record_file import RecordFile
from data.sources.shards import ShardStream
from training.checkpoints.run_identity import LOOP_VERSION
from training.loop.distributed import num_processes
from training.recipe import Recipe
from training.sources import weighted_files
from vlm.model import PVCForConditionalGeneration
from vlm.processor import PVCProcessor
from vlm.weights.io.files import cache_dir

# Packed streams: the number of samples over which the weights are exact, and one that no run
# reaches.
WEIGHTS_PERIOD, ENDLESS = 2**16, 2**40


def build_dataset(
    recipe: Recipe,
    model: PVCForConditionalGeneration,
    processor: PVCProcessor,
    loop_version: int = LOOP_VERSION,
) -> RecordDataset | PackedDataset:
    """Returns all samples of the run, in order; with `packing`, all rows.

    Samples of about equal length are grouped by step, so that a step has the same samples however
    it is divided into batches, accumulation steps and processes.
    """
    group = recipe.batch_size
    if loop_version > 1:
        group = recipe.samples_per_process * num_processes()
    sources = open_sources(recipe, group)
    num_items = recipe.steps * recipe.samples_per_process * num_processes()
    if recipe.packing:
        return _packed(recipe, model, processor, sources, num_items)
    order = draw_order(_weights(recipe), num_items, recipe.seed)
    mixture = Mixture(sources, order, group, recipe.seed)
    return _samples(recipe, model, processor, mixture, recipe.batch_size)


def open_sources(recipe: Recipe, group: int) -> list[RecordFile | ShardStream]:
    """Opens the files and streams of records of a recipe."""
    sources: list[RecordFile | ShardStream] = []
    for position, file in enumerate(weighted_files(recipe)):
        path = file.path
        if path.suffix != ".tar":
            sources.append(RecordFile(path))
            continue
        keep = max(4 * WINDOW, GROUP * group)  # samples are shuffled within this window
        seed = f"{recipe.seed} {position}"
        sources.append(ShardStream(path, seed, recipe.shuffle_buffer, keep))
    return sources


def _weights(recipe: Recipe) -> list[float]:
    return [file.weight for file in weighted_files(recipe)]


def _samples(
    recipe: Recipe,
    model: PVCForConditionalGeneration,
    processor: PVCProcessor,
    mixture: Mixture,
    group: int,
) -> RecordDataset:
    cache = None
    if recipe.frame_cache_gb:
        cache = FrameCache(cache_dir() / "frames", int(recipe.frame_cache_gb * 2**30))
    return RecordDataset(
        mixture,
        processor,
        SimulatedClassifier.of_model(model),
        SamplingConfig(recipe.looks, (recipe.min_frames, recipe.max_frames), group, recipe.seed),
        MediaOptions(recipe.decode_seconds, recipe.max_tiles, cache),
        None if recipe.objective == "answers" else WordTargets(processor, token_grid(model)),
        longest_sample(recipe, model),
    )


def longest_sample(recipe: Recipe, model: PVCForConditionalGeneration) -> int:
    """Tokens of the longest sample that is used: `max_length`, at most the model's context."""
    context: int = model.config.get_text_config().max_position_embeddings
    return min(recipe.max_length or context, context)


def _packed(
    recipe: Recipe,
    model: PVCForConditionalGeneration,
    processor: PVCProcessor,
    sources: Sequence[RecordFile | ShardStream],
    num_rows: int,
) -> PackedDataset:
    """Rows of whole samples; sources that include a stream are packed while they are read."""
    if recipe.batch_size > 1 and "flash" in str(model.config._attn_implementation):
        raise ValueError(
            "flash attention keeps samples apart in one row only: set `batch_size: 1` and "
            f"`packing: {recipe.packing * recipe.batch_size}`"
        )
    estimator = LengthEstimator(processor, recipe.max_tiles)
    files = [source for source in sources if isinstance(source, RecordFile)]
    if len(files) == len(sources):
        return _packed_files(recipe, model, processor, files, estimator, num_rows)
    order = draw_order(_weights(recipe), WEIGHTS_PERIOD, recipe.seed)
    mixture = Mixture(sources, order, seed=recipe.seed, length=ENDLESS)
    samples = _samples(recipe, model, processor, mixture, 1)
    length_of = LengthOf(samples, estimator, recipe.packing)
    rows = StreamedRows(length_of, ENDLESS, num_rows, recipe.packing, recipe.seed)
    return PackedDataset(samples, rows)


def _packed_files(
    recipe: Recipe,
    model: PVCForConditionalGeneration,
    processor: PVCProcessor,
    files: Sequence[RecordFile],
    estimator: LengthEstimator,
    num_rows: int,
) -> PackedDataset:
    """Rows planned before the run; the number of samples that fill them is found by trying."""
    weights = _weights(recipe)
    tables = [
        _measure(file, estimator, recipe) if weight else LengthTable(())
        for file, weight in zip(files, weights, strict=True)
    ]
    num_samples = num_rows
    while True:
        order = draw_order(weights, num_samples, recipe.seed)
        samples = _samples(recipe, model, processor, Mixture(files, order, 0, recipe.seed), 1)
        length_of = LengthOf(samples, estimator, recipe.packing, tables)
        found = [length_of(position) for position in range(num_samples)]
        rejected = [bad for bad in found if isinstance(bad, RejectedSample)]
        if len(rejected) == len(found):
            first = f"{rejected[0].where}: {rejected[0].reason}"
            raise ValueError(f"no sample fits a row of {recipe.packing} tokens; {first}")
        lengths = [0 if isinstance(one, RejectedSample) else one for one in found]
        packed = PlannedRows.of(np.array(lengths, np.int32), recipe.packing, recipe.seed)
        if len(packed) >= num_rows:
            return PackedDataset(samples, packed.first(num_rows), rejected)
        num_samples = int(num_samples * 1.02 * num_rows / len(packed)) + 1


@dataclass(frozen=True)
class LengthOf:
    """The number of tokens of the sample at a position, or why it cannot be packed."""

    samples: RecordDataset
    estimator: LengthEstimator
    row: int  # tokens of a row
    tables: Sequence[LengthTable] = ()  # by source; without them, upper bounds are used

    def __call__(self, position: int) -> int | RejectedSample:
        parts = self._parts(position)
        if isinstance(parts, str):
            return RejectedSample(position, self.samples.where(position), parts)
        length = self.estimator.num_tokens(parts, self.samples.sampling.draw(position))
        longest = self.samples.max_length
        if longest and longest < length:
            reason = long_sentence(length, longest)
            return RejectedSample(position, self.samples.where(position), reason)
        if length <= self.row:
            return length
        reason = (
            f"has {length:,} tokens, a row holds {self.row:,}: raise `packing`, or lower "
            "`max_frames` or `max_tiles`"
        )
        return RejectedSample(position, self.samples.where(position), reason)

    def _parts(self, position: int) -> LengthParts | str:
        mixture = self.samples.records
        assert isinstance(mixture, Mixture)
        if self.tables:
            source, index = mixture.find(position)
            return self.tables[source][index]
        try:
            record = mixture[position]
            require_learnable(record)
            return self.estimator.upper_bound(record)
        except RecordError as error:
            return str(error)


def _measure(file: RecordFile, estimator: LengthEstimator, recipe: Recipe) -> LengthTable:
    """Returns the lengths of a whole file, measured by one process while the others wait."""
    cache_path = cache_dir() / "lengths" / f"{file.digest[:24]}-{estimator.name[:16]}.npz"
    cache_path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(cache_path.with_suffix(".lock")):
        workers = max(1, recipe.workers)
        return measure_lengths(
            file.read, len(file), estimator, workers, recipe.decode_seconds, cache_path
        )


def token_grid(model: PVCForConditionalGeneration) -> tuple[int, int] | None:
    """Rows and columns of a look's tokens if the model has a global token; otherwise None."""
    compressor = model.config.compressor_config
    rows, columns = (side // compressor.factor for side in model.config.grid)
    return (rows, columns) if compressor.global_token else None
