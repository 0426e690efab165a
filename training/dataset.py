"""The samples of a run in their order, as a recipe asks for them: in batches of about equal length,
or packed into rows."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from filelock import FileLock

from data.classifier import SimulatedClassifier
from data.frame_cache import FrameCache
from data.lengths import Measures, Ruler, measure_all
from data.mixture import GROUP, Mixture, Order, draw
from data.packing import PackedDataset, Rows
from data.record_file import RecordFile
from data.samples import Bad, Chance, Reading, RecordDataset
from data.shards import ShardStream
from training.recipe import Recipe
from vlm.encoders.efficientnet import EfficientNetLite
from vlm.model import PVCForConditionalGeneration
from vlm.processor import PVCProcessor
from vlm.weights.files import cache_dir


def build_dataset(
    recipe: Recipe, model: PVCForConditionalGeneration, processor: PVCProcessor
) -> RecordDataset | PackedDataset:
    """All samples of the run, in order; with `packing`, rows of them."""
    sources = open_sources(recipe)
    num_processes = int(os.environ.get("WORLD_SIZE", "1"))  # set by torchrun and accelerate
    num_items = recipe.steps * recipe.batch_size * recipe.accumulation * num_processes
    if recipe.packing:
        return _packed(recipe, model, processor, sources, num_items)
    order = _order(recipe, sources, num_items)
    mixture = Mixture(sources, order, recipe.batch_size, recipe.seed)
    return _samples(recipe, model, processor, mixture, recipe.batch_size)


def open_sources(recipe: Recipe) -> list[RecordFile | ShardStream]:
    """The files and streams of records that a recipe names."""
    root = cache_dir() / "training" if recipe.data_root == "cache" else Path(recipe.data_root)
    sources: list[RecordFile | ShardStream] = []
    for position, source in enumerate(recipe.data):
        path = root.expanduser() / source.path
        if path.suffix != ".tar":
            sources.append(RecordFile(path))
            continue
        keep = max(1024, GROUP * recipe.batch_size)
        seed = f"{recipe.seed} {position}"
        sources.append(ShardStream(path, seed, recipe.shuffle_buffer, keep))
    return sources


def _order(recipe: Recipe, sources: Sequence[RecordFile | ShardStream], num_samples: int) -> Order:
    sizes = [len(source) if isinstance(source, RecordFile) else None for source in sources]
    return draw(sizes, [source.weight for source in recipe.data], num_samples, recipe.seed)


def _samples(
    recipe: Recipe,
    model: PVCForConditionalGeneration,
    processor: PVCProcessor,
    mixture: Mixture,
    group: int,
) -> RecordDataset:
    classifier = None
    backbone = model.tower.backbone
    if model.config.compressor_config.concepts and isinstance(backbone, EfficientNetLite):
        grid = model.config.tower_config.grid
        classifier = SimulatedClassifier.of(backbone.classifier.weight, grid)
    cache = None
    if recipe.frame_cache_gb:
        cache = FrameCache(cache_dir() / "frames", int(recipe.frame_cache_gb * 2**30))
    return RecordDataset(
        mixture,
        processor,
        classifier,
        Chance(recipe.looks, (recipe.min_frames, recipe.max_frames), group, recipe.seed),
        Reading(recipe.decode_seconds, recipe.max_tiles, cache),
        token_grid(model),
    )


def _packed(
    recipe: Recipe,
    model: PVCForConditionalGeneration,
    processor: PVCProcessor,
    sources: Sequence[RecordFile | ShardStream],
    num_rows: int,
) -> PackedDataset:
    """As many samples as fill the rows: their number is found by trying."""
    if recipe.batch_size > 1 and "flash" in str(model.config._attn_implementation):
        raise ValueError(
            "flash attention keeps samples apart in one row only: set `batch_size: 1` and "
            f"`packing: {recipe.packing * recipe.batch_size}`"
        )
    files = [source for source in sources if isinstance(source, RecordFile)]
    if len(files) < len(sources):
        raise ValueError(
            "`packing` needs to know lengths beforehand, which streams of tar files do not tell: "
            "take files of records, or leave out `packing`"
        )
    ruler = Ruler(processor, recipe.max_tiles)
    measures = [
        _measure(file, ruler, recipe) if source.weight else Measures(())
        for file, source in zip(files, recipe.data, strict=True)
    ]
    num_samples = num_rows
    while True:
        mixture = Mixture(files, _order(recipe, files, num_samples))
        samples = _samples(recipe, model, processor, mixture, 1)
        lengths, refused = plan(samples, measures, ruler, recipe.packing)
        if not lengths.any():
            raise ValueError(
                f"no sample fits a row of {recipe.packing} tokens; {refused[0].reason}"
            )
        rows = Rows.of(lengths, recipe.packing, recipe.seed)
        if len(rows) >= num_rows:
            return PackedDataset(samples, rows.first(num_rows), refused)
        num_samples = int(num_samples * 1.02 * num_rows / len(rows)) + 1


def plan(
    samples: RecordDataset, measures: list[Measures], ruler: Ruler, row: int
) -> tuple[np.ndarray, list[Bad]]:
    """The length of each sample, 0 where it cannot be packed, and why."""
    mixture = samples.records
    assert isinstance(mixture, Mixture)
    lengths = np.zeros(len(mixture), np.int32)
    refused = []
    for place in range(len(mixture)):
        source, index = mixture.order.sources[place], int(mixture.order.indices[place])
        measure = measures[source][index]
        if isinstance(measure, str):
            refused.append(Bad(place, samples.where(place), measure))
            continue
        length = ruler.num_tokens(measure, samples.chance.draw(place))
        if length > row:
            reason = (
                f"has {length:,} tokens, a row holds {row:,}: raise `packing`, or lower "
                "`max_frames` or `max_tiles`"
            )
            refused.append(Bad(place, samples.where(place), reason))
            continue
        lengths[place] = length
    return lengths, refused


def _measure(file: RecordFile, ruler: Ruler, recipe: Recipe) -> Measures:
    """The measures of a whole file; of several processes one takes them, the others wait."""
    kept_at = cache_dir() / "lengths" / f"{file.digest[:24]}-{ruler.name[:16]}.npz"
    kept_at.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(kept_at.with_suffix(".lock")):
        workers = max(1, recipe.workers)
        return measure_all(
            file.__getitem__, len(file), ruler, workers, recipe.decode_seconds, kept_at
        )


def token_grid(model: PVCForConditionalGeneration) -> tuple[int, int] | None:
    """Rows and columns of a look's tokens, for a model whose first one tells of the whole."""
    tower, compressor = model.config.tower_config, model.config.compressor_config
    rows, columns = (side // compressor.factor for side in tower.grid)
    return (rows, columns) if compressor.summary else None
