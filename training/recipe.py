"""A recipe: everything that decides a training run, in one YAML file.

    model: embedded            # a preset started from its base weights, or a folder to go on from
    data:
      - {path: "scenes/records.jsonl", weight: 1.0}
    output: runs/pretrain
    steps: 1000

`--set steps=10 --set data.0.weight=0.5` changes single values from the command line. A key that
does not exist is an error that names the ones that do.
"""

from collections.abc import Iterable
from dataclasses import MISSING, asdict, dataclass, field, fields
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, get_args, get_origin

import yaml

# What of a model can be trained or frozen by itself: the image backbone under the tower's
# progressive layers, those layers, the compressor, the words of the classifier's concepts, the
# language model.
PARTS = ("backbone", "tower", "compressor", "concepts", "language_model")
REPORTERS = ("tensorboard", "trackio", "wandb")
# Keys that folders of older runs hold, and their names in transformers' Trainer.
RENAMED = {
    "accumulation": "gradient_accumulation_steps",
    "warmup": "warmup_ratio",
    "keep": "save_total_limit",
}


@dataclass(frozen=True)
class Source:
    """One file of records and how much of the run is drawn from it."""

    path: str  # relative to the recipe's `data_root`
    weight: float = 1.0  # relative to the other sources
    kind: str = ""  # image, video or text: what its samples are, for --dry-run

    def __post_init__(self) -> None:
        if self.weight < 0:
            raise ValueError(f"{self.path}: a weight cannot be negative, it is {self.weight}")
        if self.kind not in ("", "image", "video", "text"):
            raise ValueError(f'{self.path}: `kind` is image, video or text, not "{self.kind}"')


@dataclass(frozen=True)
class Lora:
    """Low-rank adapters on every linear layer of a part, trained instead of its weights (peft)."""

    rank: int = 8
    alpha: int = 16
    dropout: float = 0.0

    def __post_init__(self) -> None:
        if self.rank < 1:
            raise ValueError(f"the rank of adapters is at least 1, not {self.rank}")


@dataclass(frozen=True)
class Recipe:
    """One stage of training."""

    data: tuple[Source, ...]
    output: str
    data_root: str = "."  # where the sources' paths start; "cache" is what data.embedded writes
    model: str = "embedded"  # fresh on its base; embedded-trained: as shipped; or a model's folder
    objective: str = "answers"  # or "words" (training/word_loss.py), or "both"
    start_from: str = ""  # trained weights of an earlier stage: its output folder
    steps: int = 1000
    batch_size: int = 16  # conversations a step and process
    gradient_accumulation_steps: int = 1
    learning_rate: float = 1e-3  # of the tower's progressive layers and the compressor
    language_learning_rate: float = 3e-4  # of the language model or its adapters
    concept_learning_rate: float = 1e-4  # of the words of the classifier's concepts
    backbone_learning_rate: float | None = None  # of a ViT under them; None: as learning_rate
    compressor_learning_rate: float | None = None  # of the compressor alone
    weight_decay: float = 0.01
    warmup_ratio: float = 0.03  # share of the steps
    max_grad_norm: float = 1.0
    freeze: tuple[str, ...] = ()  # parts that stay as they are, see PARTS
    train_language_model: bool = False  # all of it, instead of adapters
    lora: Lora | None = field(default_factory=Lora)  # adapters in the language model
    tower_lora: Lora | None = None  # in the tower, backbone included, instead of its weights
    compressor_lora: Lora | None = None
    quantize: str = ""  # "4bit" or "8bit": the frozen language model under its adapters (QLoRA)
    # Chances of looking once, twice, ... at a picture.
    looks: tuple[float, ...] = (0.1, 0.1, 0.1, 0.7)
    min_frames: int = 4
    max_frames: int = 8
    # How the data are read (data/, docs/data.md).
    packing: int = 0  # tokens of a row filled with whole samples; 0: one conversation a row
    max_tiles: int = 1  # of a picture
    decode_seconds: float = 30.0  # for the media of one sample; then it is left out
    max_bad_share: float = 0.05  # of samples that cannot be used; above it the run stops
    shuffle_buffer: int = 1000  # samples of tar files that are mixed with each other
    frame_cache_gb: float = 0.0  # decoded squares kept on disk between epochs; 0: none
    feature_cache_gb: float = 0.0  # what a frozen backbone says of each picture, kept likewise
    save_every: int = 200
    log_every: int = 10
    save_total_limit: int = 2  # checkpoints kept
    evaluation: tuple[str, ...] = ()  # files of held-out records: their loss with every checkpoint
    samples: str = ""  # a file of records: answers to its first questions with every checkpoint
    num_samples: int = 8
    report_to: tuple[str, ...] = ("tensorboard",)  # also trackio, wandb
    workers: int = 1
    bf16: bool | str = "auto"  # auto: where the hardware multiplies it
    gradient_checkpointing: bool = False  # less memory for a third more time
    compile: bool = False  # torch.compile the blocks
    max_skipped: int = 10  # steps in a row with a loss or gradient that is no number, then it stops
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.data:
            raise ValueError("a recipe needs at least one source under `data`")
        if self.train_language_model and self.lora is not None:
            raise ValueError("train the whole language model or adapters (`lora: null`), not both")
        if self.objective not in ("answers", "words", "both"):
            raise ValueError(f'the objective is answers, words or both, not "{self.objective}"')
        if not 1 <= self.min_frames <= self.max_frames:
            raise ValueError(f"{self.min_frames} to {self.max_frames} frames is no range")
        if self.packing < 0 or self.max_tiles < 1 or self.decode_seconds <= 0:
            raise ValueError(
                "`packing` cannot be negative, `max_tiles` is at least 1, `decode_seconds` more "
                "than 0"
            )
        if not 0 <= self.max_bad_share <= 1:
            raise ValueError(f"`max_bad_share` is a share from 0 to 1, not {self.max_bad_share}")
        if any(chance < 0 for chance in self.looks):
            raise ValueError(f"a chance under `looks` cannot be negative: {self.looks}")
        if abs(sum(self.looks) - 1) > 1e-6:
            raise ValueError(f"the chances under `looks` add up to {sum(self.looks)}, not to 1")
        if self.quantize not in ("", "4bit", "8bit"):
            raise ValueError(f'`quantize` is 4bit, 8bit or nothing, not "{self.quantize}"')
        if self.quantize and self.lora is None:
            raise ValueError("a quantized language model is trained through adapters: give `lora`")
        for part in self.freeze:
            if part not in PARTS:
                raise ValueError(f"`freeze` knows {', '.join(PARTS)}, not {part!r}")
            if self.adapters(part) is not None and part != "backbone" and not self.start_from:
                raise ValueError(
                    f"`freeze` names {part}, which has adapters: set them to null, or `start_from` "
                    "the stage that trained them"
                )
        check_numbers(self)

    @property
    def samples_per_process(self) -> int:
        """Samples of one step in one process."""
        return self.batch_size * self.gradient_accumulation_steps

    def adapters(self, part: str) -> Lora | None:
        """The adapters that are trained instead of a part's weights."""
        of_parts = {"language_model": self.lora, "compressor": self.compressor_lora}
        of_parts |= {"tower": self.tower_lora, "backbone": self.tower_lora}
        return of_parts.get(part)


def load_recipe(path: str | Path, changes: list[str] | None = None) -> Recipe:
    """Read a recipe and apply `key=value` changes (values are read as YAML)."""
    values = read_yaml(path)
    change(values, changes or [])
    return recipe_from_values(values, str(path))


def read_yaml(path: str | Path) -> dict[str, Any]:
    """What a YAML file sets."""
    path = Path(path)
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"{path}: cannot be read ({error.strerror})") from None
    except yaml.YAMLError as error:
        raise ValueError(f"{path}: is not YAML: {str(error).splitlines()[0]}") from None
    if not isinstance(values, dict):
        raise ValueError(f"{path}: a recipe is a list of `key: value` lines")
    return values


def check_numbers(recipe: Any) -> None:
    """What the numbers of every recipe, the encoders' too, have to be."""
    counts = ("steps", "batch_size", "gradient_accumulation_steps", "save_every", "log_every")
    for name in (*counts, "save_total_limit", "max_skipped"):
        if getattr(recipe, name) < 1:
            raise ValueError(f"`{name}` is at least 1, not {getattr(recipe, name)}")
    ends = ("learning_rate", "cache_gb")
    sizes = [field.name for field in fields(recipe) if field.name.endswith(ends)]
    for name in (*sizes, "weight_decay", "max_grad_norm", "workers", "seed"):
        if (getattr(recipe, name) or 0) < 0:
            raise ValueError(f"`{name}` cannot be negative, it is {getattr(recipe, name)}")
    if not 0 <= recipe.warmup_ratio <= 1:
        raise ValueError(
            f"`warmup_ratio` is a share of the steps from 0 to 1, not {recipe.warmup_ratio}"
        )
    if recipe.bf16 not in (True, False, "auto"):
        raise ValueError(f'`bf16` is auto, true or false, not "{recipe.bf16}"')
    for name in recipe.report_to:
        if name not in REPORTERS:
            raise ValueError(f'`report_to` knows {", ".join(REPORTERS)}, not "{name}"')


def change(values: dict[str, Any], changes: list[str]) -> None:
    """Apply `key=value` of the command line, values read as YAML."""
    for given in changes:
        key, equals, value = given.partition("=")
        if not equals:
            raise ValueError(f"--set takes key=value, not {given!r}")
        try:
            _set(values, key.split("."), yaml.safe_load(value))
        except yaml.YAMLError as error:
            reason = str(error).splitlines()[0]
            raise ValueError(f"--set {given}: the value is not YAML ({reason})") from None
        except (IndexError, TypeError, ValueError, AttributeError):
            raise ValueError(f"--set {given}: the recipe has no such place") from None


def refuse_unknown(values: Iterable[str], known: Iterable[str], where: str = "") -> None:
    """Raises ValueError for the first key that is not among the known ones."""
    known = tuple(known)
    for name in values:
        if name in known:
            continue
        hint = f"its name is `{RENAMED[name]}`" if name in RENAMED else (
            f"there are {', '.join(known)}"
        )  # fmt: skip
        raise ValueError(f"{where}there is no `{name}` in a recipe; {hint}")


def with_current_keys(stored: dict[str, Any]) -> dict[str, Any]:
    """The values of a recipe that an older run has written down, under today's keys."""
    return {RENAMED.get(name, name): value for name, value in stored.items()}


def recipe_values(recipe: Recipe) -> dict[str, Any]:
    """The recipe as plain values, to be written beside a run."""
    return asdict(recipe)


def _set(values: Any, keys: list[str], value: Any) -> None:
    """values[k1][k2]... = value; numbers index lists."""
    for key in keys[:-1]:
        if isinstance(values, list):
            values = values[int(key)]
            continue
        if values.get(key) is None:
            values[key] = {}
        values = values[key]
    if isinstance(values, list):
        values[int(keys[-1])] = value
    else:
        values[keys[-1]] = value


def recipe_from_values(values: dict[str, Any], where: str) -> Recipe:
    """A recipe from plain values, such as `recipe_values` gives; `where` they come from."""
    known = {f.name: f for f in fields(Recipe)}
    refuse_unknown(values, known, f"{where}: ")
    for name, entry in known.items():
        required = entry.default is MISSING and entry.default_factory is MISSING
        if required and name not in values:
            raise ValueError(f"{where}: `{name}` is missing")
    values = dict(values)
    try:
        if not isinstance(values["data"], list):
            raise ValueError("`data` is a list, with `- {path: ..., weight: ...}` for each source")
        values["data"] = tuple(_entry(Source, "data", source) for source in values["data"])
        for name in ("lora", "tower_lora", "compressor_lora"):
            if values.get(name) is not None:
                values[name] = _entry(Lora, name, values[name])
        for name, value in values.items():
            values[name] = fitting(name, value, known[name].type)
        return Recipe(**values)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{where}: {error}") from None


def _entry(kind: type, name: str, values: Any) -> Any:
    """A source, or the settings of adapters."""
    known = {f.name: f.type for f in fields(kind)}
    if not isinstance(values, dict) or not values.keys() <= known.keys():
        raise ValueError(f"an entry of `{name}` has the keys {', '.join(known)}; this is {values}")
    return kind(**{key: fitting(key, value, known[key]) for key, value in values.items()})


def fitting(name: str, value: Any, wanted: Any) -> Any:
    """A value as its field has it: YAML makes a list of a tuple, and a text of 1e-5."""
    if get_origin(wanted) is tuple:
        several = value if isinstance(value, (list, tuple)) else [] if value is None else [value]
        return tuple(fitting(name, one, get_args(wanted)[0]) for one in several)
    kinds = get_args(wanted) if isinstance(wanted, UnionType) else (wanted,)
    if value is None and kinds == (str,):
        return ""
    if float in kinds and isinstance(value, (int, str)) and not isinstance(value, bool):
        try:
            return float(value)
        except ValueError:
            pass
    if type(value) not in kinds:
        expected = " or ".join(kind.__name__ for kind in kinds if kind is not NoneType)
        raise ValueError(f"`{name}` is {value!r}, and should be of type {expected}")
    return value
