"""The recipe of a vision encoder trained alone (training/encoders.py)."""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from training.recipe import (
    Count,
    CountOrZero,
    ListOrOne,
    NonNegative,
    NoOtherKeys,
    Positive,
    Reporter,
    Schedule,
    Share,
    Text,
)


@dataclass(frozen=True)
class EncoderRecipe:
    """Every value of a run; `--set` changes them."""

    __pydantic_config__ = NoOtherKeys

    folder: str  # of clips: FOLDER/class/clip.mp4
    output: str
    model: str = "embedded-trained"  # the model whose tower continues: the shipped one or a folder
    preset: Text = ""  # instead of `model`: a fresh tower of these sizes (vlm/presets.py)
    num_frames: Count = 8
    held_out: Annotated[float, Field(ge=0, lt=1)] = 0.1  # share of the clips
    freeze_backbone: bool = False
    dropout: Share = 0.1  # before the last layer
    steps: Count = 500
    num_epochs: Positive | None = None  # instead of `steps`
    batch_size: Count = 8
    gradient_accumulation_steps: Count = 1
    learning_rate: NonNegative = 5e-4
    weight_decay: NonNegative = 0.05
    warmup_ratio: Share = 0.05
    lr_scheduler_type: Schedule = "cosine"
    load_best_model_at_end: bool = False  # the checkpoint with the highest held-out accuracy
    early_stopping_patience: CountOrZero = 0  # checkpoints without a higher one; 0: never
    max_grad_norm: NonNegative = 1.0
    save_every: Count = 100
    log_every: Count = 10
    save_total_limit: Count = 2
    workers: CountOrZero = 1
    bf16: bool | Literal["auto"] = "auto"
    report_to: Annotated[tuple[Reporter, ...], ListOrOne] = ("tensorboard",)
    max_skipped: Count = 10
    seed: CountOrZero = 0

    def __post_init__(self) -> None:
        if not self.held_out and (self.load_best_model_at_end or self.early_stopping_patience):
            raise ValueError("to choose a checkpoint, hold clips out: raise `held_out` above 0")

    @property
    def samples_per_process(self) -> int:
        """Samples of one step in one process."""
        return self.batch_size * self.gradient_accumulation_steps
