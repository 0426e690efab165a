"""What a dry run learns from the data, as far as it exists: kinds of samples, records too long."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from data.records import Record, RecordError
from data.samples.dataset import Draw
from data.samples.token_lengths import LengthEstimator
from data.sources.record_file import RecordFile
from training.model.initial_model import model_folder
from training.recipe import Recipe, Source
from training.sources import data_root, own_share
from vlm.plural import plural
from vlm.weights import sources
from vlm.weights.io.files import WeightsError

NUM_READ = 200  # records of a file from which the kinds of its samples are estimated
NUM_MEASURED = 10_000  # records of a file whose lengths are computed
NUM_NAMED = 5
KINDS_OF_MIXED = {"worlds": "image", "chat": "text"}  # of `mix_in`


def shares_by_kind(recipe: Recipe) -> tuple[dict[str, float], list[str]]:
    """Returns the share of each kind of sample in the run, and notes on what was assumed."""
    shares: dict[str, float] = defaultdict(float)
    notes: list[str] = []
    total = sum(source.weight for source in recipe.data) / own_share(recipe)
    for source in recipe.data:
        kinds = {source.kind: 1.0} if source.kind else kinds_of(data_root(recipe) / source.path)
        if not kinds:
            kinds = {"image": 1.0}
            notes.append(
                f"{source.path} has no `kind` and cannot be read here: its samples are assumed to "
                "have one image each."
            )
        for kind, share in kinds.items():
            shares[kind] += share * source.weight / total
    for name, share in recipe.mix_in.items():
        shares[KINDS_OF_MIXED[name]] += share
    return {kind: share for kind, share in shares.items() if share}, notes


def kinds_of(path: Path) -> dict[str, float]:
    """Returns the shares of images, videos and text alone among a file's first records."""
    counts = Counter(_kind(record) for _, record in islice(_records(path), NUM_READ))
    return {kind: number / counts.total() for kind, number in counts.items()}


def _kind(record: Record) -> str:
    kinds = {getattr(part, "kind", "text") for message in record.messages for part in message.parts}
    return next(kind for kind in ("video", "image", "text") if kind in kinds)


def _records(path: Path) -> Iterator[tuple[str, Record]]:
    """Yields a file's records and their lines; nothing if the file is missing or a tar file."""
    if path.suffix == ".tar" or not path.is_file():
        return
    file = RecordFile(path)
    for index in range(len(file)):
        try:
            yield file.where(index), file[index]
        except RecordError:
            continue  # listed by the run itself and by `data check`


def long_records(recipe: Recipe) -> list[str]:
    """Lines that name the records that may be left out for their length, in the largest draw."""
    files = [data_root(recipe) / source.path for source in recipe.data if _is_here(recipe, source)]
    if not files:
        return []
    try:
        folder = model_folder("embedded-trained" if recipe.model == "embedded" else recipe.model)
        estimator = LengthEstimator(sources.load_processor(folder), recipe.max_tiles)
    except (WeightsError, ValueError):
        return []  # sizes alone, without a tokenizer
    context: int = sources.config_of(folder).get_text_config().max_position_embeddings
    longest = min(recipe.max_length or context, recipe.packing or context, context)
    largest = Draw(len(recipe.looks), recipe.max_frames)
    found = []
    for path in files:
        for where, record in islice(_records(path), NUM_MEASURED):
            length = estimator.num_tokens(estimator.upper_bound(record), largest)
            if length > longest:
                found.append(f"- {where}: up to {length:,} tokens")
    if not found:
        return []
    more = [f"- and {len(found) - NUM_NAMED:,} more"] if len(found) > NUM_NAMED else []
    title = f"{plural(len(found), 'record')} can be longer than {longest:,} tokens and left out:"
    return [title, "", *found[:NUM_NAMED], *more, ""]


def _is_here(recipe: Recipe, source: Source) -> bool:
    path = data_root(recipe) / source.path
    return path.suffix != ".tar" and path.is_file()
