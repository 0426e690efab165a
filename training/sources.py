"""The files of records of a run: the recipe's own, and the general ones of `mix_in`.

Tuning on a narrow set alone makes a model forget the rest. `mix_in: {worlds: 0.2, chat: 0.1}` gives
a fifth of the samples to questions about drawn scenes and a tenth to conversations without media.
Both are the data that the embedded model was trained on, made once by `python -m data.embedded`.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from data.records import MediaFile, Record, RecordError, record_from_json
from data.sources.record_file import RecordFile, RecordSequence
from training.recipe import Recipe
from vlm.weights.io.files import cache_dir

FILES = {"worlds": "instruct/words.jsonl", "chat": "chat.jsonl"}
LOOKED_AT = 100  # lines of a file, to find whether its media have words


@dataclass(frozen=True)
class WeightedFile:
    """A file of records, its name in messages, and its share of the samples, not normalized."""

    name: str
    path: Path
    weight: float


def data_root(recipe: Recipe) -> Path:
    """Returns the folder that the paths of a recipe's sources are relative to."""
    root = general_folder() if recipe.data_root == "cache" else Path(recipe.data_root)
    return root.expanduser()


def general_folder() -> Path:
    """Returns where `python -m data.embedded` writes."""
    return cache_dir() / "training"


def weighted_files(recipe: Recipe) -> list[WeightedFile]:
    """Returns the recipe's files, then those of `mix_in`.

    Raises ValueError for one that is not made.
    """
    root = data_root(recipe)
    own = [WeightedFile(one.path, root / one.path, one.weight) for one in recipe.data]
    if not recipe.mix_in:
        return own
    total = sum(file.weight for file in own) / own_share(recipe)
    mixed = [
        WeightedFile(f"mix_in {name}", general_folder() / FILES[name], share * total)
        for name, share in recipe.mix_in.items()
        if share
    ]
    for file in mixed:
        if not file.path.is_file():
            raise ValueError(
                f"`mix_in` takes its records from {file.path}, which does not exist: "
                "run `python -m data.embedded` once, or remove `mix_in`"
            )
    return own + mixed


def own_share(recipe: Recipe) -> float:
    """Returns the share of a run's samples that come from the recipe's own files."""
    return 1 - sum(recipe.mix_in.values())


def steps_of_epochs(recipe: Recipe, num_processes: int) -> int:
    """Returns the steps in which the recipe's own files are read `num_epochs` times, rounded up.

    With several files of different weights, an epoch has as many samples as they have records.
    """
    assert recipe.num_epochs is not None
    root = data_root(recipe)
    paths = [root / source.path for source in recipe.data if source.weight]
    if recipe.packing or any(path.suffix == ".tar" for path in paths):
        what = "packed rows" if recipe.packing else "tar files"
        raise ValueError(f"the length of an epoch of {what} is not known in advance: give `steps`")
    num_records = sum(len(RecordFile(path)) for path in paths)
    num_samples = recipe.num_epochs * num_records / own_share(recipe)
    per_step = recipe.samples_per_process * num_processes
    return max(1, int(-(-num_samples // per_step)))


class JoinedFiles(RecordSequence):
    """The records of several files, one file after the other."""

    def __init__(self, files: Sequence[RecordFile]) -> None:
        self.files = files
        self.positions = [(file, index) for file in files for index in range(len(file))]

    def __len__(self) -> int:
        return len(self.positions)

    def read(self, index: int) -> Record:
        file, its_index = self.positions[index]
        return file.read(its_index)

    def where(self, index: int) -> str:
        file, its_index = self.positions[index]
        return file.where(its_index)


def without_words(recipe: Recipe) -> list[str]:
    """The recipe's files whose media lack the experts' words, judged by their first lines."""
    root = data_root(recipe)
    names = []
    for source in recipe.data:
        path = root / source.path
        if path.suffix == ".tar":
            continue
        media: list[MediaFile] = []
        with path.open("rb") as lines:
            for line in islice(lines, LOOKED_AT):
                with suppress(RecordError):
                    media += record_from_json(line, path.parent, source.path).media
        if media and not any(one.words for one in media):
            names.append(source.path)
    return names
