"""What the training of a vision encoder is told (training/encoders.py)."""

from dataclasses import dataclass

from training.recipe import check_numbers


@dataclass(frozen=True)
class EncoderRecipe:
    """Every number of a run; `--set` changes them."""

    folder: str  # of labelled clips
    output: str
    model: str = "embedded-trained"  # whose tower goes on: the shipped one, or a saved folder's
    preset: str = ""  # instead: a fresh tower of these sizes (vlm/presets.py)
    num_frames: int = 8
    held_out: float = 0.1  # share of the clips
    freeze_backbone: bool = False
    dropout: float = 0.1  # in front of the last layer
    steps: int = 500
    batch_size: int = 8
    gradient_accumulation_steps: int = 1
    learning_rate: float = 5e-4
    weight_decay: float = 0.05
    warmup_ratio: float = 0.05
    max_grad_norm: float = 1.0
    save_every: int = 100
    log_every: int = 10
    save_total_limit: int = 2
    workers: int = 1
    bf16: bool | str = "auto"
    report_to: tuple[str, ...] = ("tensorboard",)
    max_skipped: int = 10
    seed: int = 0

    def __post_init__(self) -> None:
        check_numbers(self)
        if not 0 <= self.held_out < 1:
            raise ValueError(f"`held_out` is a share from 0 to below 1, not {self.held_out}")

    @property
    def samples_per_process(self) -> int:
        """Samples of one step in one process."""
        return self.batch_size * self.gradient_accumulation_steps
