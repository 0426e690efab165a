"""A recipe: everything that decides a training run, in one YAML file.

    model: embedded            # a preset started from its base weights, or a folder to continue
    data:
      - {path: "scenes/records.jsonl", weight: 1.0}
    output: runs/pretrain
    steps: 1000

`--set steps=10 --set data.0.weight=0.5` changes single values on the command line. Types and bounds
are those of the fields below; a wrong value or an unknown key raises one sentence that names it.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import yaml
from pydantic import BeforeValidator, ConfigDict, Field

from data.json_text import read_text
from vlm.config_errors import checked

# Model parts that can be trained or frozen independently: the image backbone under the tower's
# progressive layers, those layers, the compressor, the word embeddings of the classifier's classes,
# the language model.
Part = Literal["backbone", "tower", "compressor", "concepts", "language_model"]
PARTS: tuple[Part, ...] = get_args(Part)
Reporter = Literal["tensorboard", "trackio", "wandb"]
Schedule = Literal["cosine", "linear", "constant_with_warmup"]  # names of transformers
GENERAL = ("worlds", "chat")  # names of `mix_in`; their files: training/sources.py
# Other names of keys: of older runs, whose folders hold them, and of other trainers.
RENAMED = {
    "accumulation": "gradient_accumulation_steps",
    "warmup": "warmup_ratio",
    "keep": "save_total_limit",
    "num_train_epochs": "num_epochs",
    "max_steps": "steps",
}


def _parsed(value: Any) -> Any:
    """Returns a number from text: YAML reads 1e-5 as text."""
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        return value


def _listed(value: Any) -> Any:
    """Returns a tuple from a list, a single value or nothing."""
    return tuple(value) if isinstance(value, (list, tuple)) else () if value is None else (value,)


Count = Annotated[int, Field(ge=1)]
CountOrZero = Annotated[int, Field(ge=0)]
NonNegative = Annotated[float, Field(ge=0), BeforeValidator(_parsed)]
Positive = Annotated[float, Field(gt=0), BeforeValidator(_parsed)]
Share = Annotated[float, Field(ge=0, le=1), BeforeValidator(_parsed)]
NullAsEmpty = BeforeValidator(lambda value: "" if value is None else value)
Text = Annotated[str, NullAsEmpty]
ListOrOne = BeforeValidator(_listed)
NoOtherKeys = ConfigDict(extra="forbid")


@dataclass(frozen=True)
class Source:
    """One file of records and its share of the run."""

    __pydantic_config__ = NoOtherKeys

    path: str  # relative to the recipe's `data_root`
    weight: NonNegative = 1.0  # relative to the other sources
    # Of its samples, for --dry-run.
    kind: Annotated[Literal["", "image", "video", "text"], NullAsEmpty] = ""


@dataclass(frozen=True)
class Lora:
    """Low-rank adapters on every linear layer of a part, trained instead of its weights (peft)."""

    __pydantic_config__ = NoOtherKeys

    rank: Count = 8
    alpha: int = 16
    dropout: Share = 0.0


@dataclass(frozen=True)
class Recipe:
    """One stage of training."""

    __pydantic_config__ = NoOtherKeys

    data: tuple[Source, ...]
    output: str
    data_root: Text = "."  # of the sources' paths; "cache" is where data.embedded writes
    model: str = "embedded"  # fresh on its base; embedded-trained: as shipped; or a model folder
    encoder: Text = ""  # in place of the model's tower: a name or preset of vlm/encoders
    encoder_weights: Text = ""  # its published file, or the folder of its image model
    objective: Literal["answers", "words", "both"] = "answers"  # words: training/word_loss.py
    start_from: Text = ""  # trained weights of an earlier stage: its output folder
    mix_in: dict[str, Share] = field(default_factory=dict)  # shares of general records
    steps: Count = 1000
    num_epochs: Positive | None = None  # over `data`, instead of `steps`
    batch_size: Count = 16  # conversations per step and process
    gradient_accumulation_steps: Count = 1
    learning_rate: NonNegative = 1e-3  # of the tower's progressive layers and the compressor
    language_learning_rate: NonNegative = 3e-4  # of the language model or its adapters
    concept_learning_rate: NonNegative = 1e-4  # of the class word embeddings
    backbone_learning_rate: NonNegative | None = None  # of a ViT backbone; None: learning_rate
    compressor_learning_rate: NonNegative | None = None  # of the compressor; None: learning_rate
    weight_decay: NonNegative = 0.01
    warmup_ratio: Share = 0.03  # of the steps
    lr_scheduler_type: Schedule = "cosine"  # after the warm-up: to 0 by a cosine or a line, or not
    max_grad_norm: NonNegative = 1.0
    freeze: Annotated[tuple[Part, ...], ListOrOne] = ()
    train_language_model: bool = False  # all its weights, instead of adapters
    lora: Lora | None = field(default_factory=Lora)  # adapters in the language model
    tower_lora: Lora | None = None  # in the tower, backbone included, instead of its weights
    compressor_lora: Lora | None = None
    # Of the frozen language model under its adapters (QLoRA).
    quantize: Annotated[Literal["", "4bit", "8bit"], NullAsEmpty] = ""
    # Probabilities of 1, 2, ... looks at an image.
    looks: Annotated[tuple[NonNegative, ...], ListOrOne] = (0.1, 0.1, 0.1, 0.7)
    min_frames: Count = 4
    max_frames: Count = 8
    # How the data is read (data/, docs/data.md).
    packing: CountOrZero = 0  # tokens of a row filled with whole samples; 0: one conversation a row
    max_tiles: Count = 1  # of an image
    max_length: CountOrZero = 0  # tokens of the longest sample; 0 or above it: the model's context
    decode_seconds: Positive = 30.0  # time limit for the media of one sample; above, it is skipped
    max_bad_share: Share = 0.05  # of rejected samples; above it the run stops
    shuffle_buffer: int = 1000  # samples of tar files that are shuffled with each other
    frame_cache_gb: NonNegative = 0.0  # decoded frames kept on disk between epochs; 0: no cache
    feature_cache_gb: NonNegative = 0.0  # features of a frozen backbone on disk; 0: no cache
    save_every: Count = 200
    log_every: Count = 10
    save_total_limit: Count = 2  # checkpoints kept
    evaluation: Annotated[
        tuple[str, ...], ListOrOne
    ] = ()  # held-out records: a loss per checkpoint
    load_best_model_at_end: bool = False  # the checkpoint with the lowest held-out loss
    early_stopping_patience: CountOrZero = 0  # checkpoints without a lower one; 0: never stop early
    # Questions answered before and after: "facts", or files of records with `accept`.
    probe: Annotated[tuple[str, ...], ListOrOne] = ()
    samples: Text = ""  # a file of records: answers to its first questions with every checkpoint
    num_samples: int = 8
    report_to: Annotated[tuple[Reporter, ...], ListOrOne] = ("tensorboard",)
    workers: CountOrZero = 1
    bf16: bool | Literal["auto"] = "auto"  # auto: where the hardware multiplies it
    gradient_checkpointing: bool = False  # less memory for a third more time
    compile: bool = False  # torch.compile the blocks
    max_skipped: Count = 10  # steps in a row with a NaN or Inf loss or gradient; then the run stops
    seed: CountOrZero = 0

    def __post_init__(self) -> None:
        if not self.data:
            raise ValueError("a recipe needs at least one source under `data`")
        if self.train_language_model and self.lora is not None:
            raise ValueError("train the whole language model or adapters (`lora: null`), not both")
        if self.min_frames > self.max_frames:
            raise ValueError(
                f"`min_frames` ({self.min_frames}) is larger than `max_frames` ({self.max_frames})"
            )
        if abs(sum(self.looks) - 1) > 1e-6:
            raise ValueError(
                f"the probabilities under `looks` must add up to 1, not to {sum(self.looks)}"
            )
        for name in self.mix_in:
            if name not in GENERAL:
                raise ValueError(f"`mix_in` offers {' and '.join(GENERAL)}, not {name!r}")
        if sum(self.mix_in.values()) >= 1:
            raise ValueError(
                f"the shares under `mix_in` must add up to less than 1, not to "
                f"{sum(self.mix_in.values()):g}"
            )
        for key in ("load_best_model_at_end", "early_stopping_patience"):
            if getattr(self, key) and not self.evaluation:
                raise ValueError(f"`{key}` needs held-out records: give `evaluation`")
        if self.encoder_weights and not self.encoder:
            raise ValueError("`encoder_weights` are those of an encoder: give `encoder`")
        if self.quantize and self.lora is None:
            raise ValueError("a quantized language model is trained through adapters: give `lora`")
        for part in self.freeze:
            if self.adapters(part) is not None and part != "backbone" and not self.start_from:
                raise ValueError(
                    f"`freeze` names {part}, which has adapters: set them to null, or `start_from` "
                    "the stage that trained them"
                )

    @property
    def samples_per_process(self) -> int:
        """Samples of one step in one process."""
        return self.batch_size * self.gradient_accumulation_steps

    def adapters(self, part: str) -> Lora | None:
        """Returns the adapters that are trained instead of a part's weights."""
        of_parts = {"language_model": self.lora, "compressor": self.compressor_lora}
        of_parts |= {"tower": self.tower_lora, "backbone": self.tower_lora}
        return of_parts.get(part)


def load_recipe(path: str | Path, overrides: list[str] | None = None) -> Recipe:
    """Reads a recipe and applies `key=value` overrides, values parsed as YAML."""
    values = read_yaml(path)
    apply_overrides(values, overrides or [])
    refuse_two_lengths(values, str(path))
    return recipe_from_values(values, str(path))


def read_yaml(path: str | Path) -> dict[str, Any]:
    """Returns the keys and values of a YAML file."""
    path = Path(path)
    try:
        values = yaml.safe_load(read_text(path))
    except yaml.YAMLError as error:
        raise ValueError(f"{path}: is not YAML: {str(error).splitlines()[0]}") from None
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    if not isinstance(values, dict):
        raise ValueError(f"{path}: a recipe is a list of `key: value` lines")
    return values


def apply_overrides(values: dict[str, Any], overrides: list[str]) -> None:
    """Applies `key=value` of the command line in place, values parsed as YAML."""
    for given in overrides:
        key, equals, value = given.partition("=")
        if not equals:
            raise ValueError(f"--set takes key=value, not {given!r}")
        try:
            _assign(values, key.split("."), yaml.safe_load(value))
        except yaml.YAMLError as error:
            reason = str(error).splitlines()[0]
            raise ValueError(f"--set {given}: the value is not YAML ({reason})") from None
        except (IndexError, TypeError, ValueError, AttributeError):
            raise ValueError(f"--set {given}: the recipe has no such key") from None


def _assign(values: Any, keys: list[str], value: Any) -> None:
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


def recipe_values(recipe: Recipe) -> dict[str, Any]:
    """Returns a recipe as plain values, to be stored with a run."""
    return asdict(recipe)


def recipe_from_values(values: dict[str, Any], where: str) -> Recipe:
    """Returns the inverse of `recipe_values`; `where` names the source of the values in errors."""
    try:
        refuse_old_keys(values)
        return checked(Recipe, values)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None


def refuse_two_lengths(values: dict[str, Any], where: str) -> None:
    """Raises ValueError if a user has given both `steps` and `num_epochs`."""
    if values.get("steps") is not None and values.get("num_epochs") is not None:
        raise ValueError(f"{where}: give `steps` or `num_epochs`, not both")


def refuse_old_keys(values: Iterable[str]) -> None:
    """Raises ValueError with the new name of a renamed key."""
    for name in values:
        if name in RENAMED:
            raise ValueError(f"`{name}` is not a key of a recipe; its name is `{RENAMED[name]}`")


def with_current_keys(stored: dict[str, Any]) -> dict[str, Any]:
    """Returns the values of a recipe that an older run has stored, under the current keys."""
    return {RENAMED.get(name, name): value for name, value in stored.items()}
