"""The recipe of a vision encoder trained alone (`python -m training.encoders`)."""

from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

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
class TaskSource:
    """One data set of `tasks`; its annotations decide which task it is."""

    __pydantic_config__ = NoOtherKeys

    set: str  # of data/tasks/table.py: kinetics, msrvtt, thumos, charades-sta, ytvis, mevis, ...
    folder: str  # as published: its annotations and its films
    split: Text = ""  # "": the one that papers train on
    held_split: Text = ""  # "": the one that papers test on
    # Zero-shot: the number of a split (data/tasks/splits.py) whose unseen classes are left out of
    # training and are the only ones of the held-out samples.
    zero_shot: CountOrZero | None = None
    # Few-shot recognition: so many clips of each class are trained on (`shots`), of so many classes
    # (`ways`), of which alone the held-out clips are; 0: all. `draw` numbers the choice.
    shots: CountOrZero = 0
    ways: CountOrZero = 0
    draw: CountOrZero = 0


@dataclass(frozen=True)
class EncoderRecipe:
    """Every value of a run; `--set` changes them."""

    __pydantic_config__ = NoOtherKeys

    folder: Text = ""  # of clips: FOLDER/class/clip.mp4
    output: str = ""
    # Instead of `folder`: a list of clips (data/clips/lists.py).
    data: Text = ""
    data_root: Text = ""  # where the clips of lists are; "": where their list is
    evaluation: Text = ""  # a list of held-out clips, instead of a share of `data`
    classes: Text = ""  # a file of class names in the order of their numbers
    objective: str = "classes"  # of training/encoders/objectives
    # Of `objective: tasks`, instead of clips and classes.
    tasks: tuple[TaskSource, ...] = ()
    text: Text = ""  # a text tower of vlm/heads/text/tower.py
    text_weights: Text = ""  # the folder of CLIP or SigLIP that it comes from; "": random
    loss: Literal["sigmoid", "nce"] = "sigmoid"
    # What sigmoid's logits begin with, cosine * scale + bias: SigLIP's trained pair if
    # `text_weights` has it, else the 10 and -10 that SigLIP began with.
    start_scale: Positive | None = None
    start_bias: float | None = None
    # Of all pixels without a text beside all those with one; 0: ignored, as StreamFormer's. The
    # lower, the larger masks grow (docs/tasks.md).
    background_weight: NonNegative = 0.0
    most_classes: Count = 400  # that a clip is compared with
    most_held: CountOrZero = 200  # held-out samples of each set that are scored
    # The encoder: a name or preset of vlm/encoders; without one, the tower of `model` or `preset`.
    encoder: Text = ""
    weights: Text = ""  # its published file, or the folder of its image model; "": random
    tower: dict[str, Any] = field(default_factory=dict)  # changed fields: image_size, options
    model: str = "embedded-trained"  # the model whose tower continues: the shipped one or a folder
    preset: Text = ""  # instead of `model`: a fresh tower of these sizes (vlm/presets.py)
    # What is trained under the head: what the encoder's paper trains, everything, or nothing.
    train: Literal["method", "all", "head"] = "method"
    freeze_backbone: bool = False  # of PVC's tower
    num_frames: Count | None = None  # of a clip; None: the encoder's
    held_out: Annotated[float, Field(ge=0, lt=1)] = 0.1  # share of the clips
    dropout: Share | None = None  # before the last layer; None: the encoder's
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
    decode_seconds: Positive = 30.0  # time limit for one clip; above, it is left out
    max_bad_share: Share = 0.05  # of clips left out; above it the run stops
    save_every: Count = 100
    log_every: Count = 10
    save_total_limit: Count = 2
    workers: CountOrZero = 1
    bf16: bool | Literal["auto"] = "auto"
    report_to: Annotated[tuple[Reporter, ...], ListOrOne] = ("tensorboard",)
    max_skipped: Count = 10
    seed: CountOrZero = 0

    def __post_init__(self) -> None:
        chooses = self.load_best_model_at_end or self.early_stopping_patience
        some = self.most_held if self.objective == "tasks" else self.held_out or self.evaluation
        if chooses and not some:
            raise ValueError("to choose a checkpoint, hold clips out: raise `held_out` above 0")
        if self.objective == "tasks":
            self._check_tasks()
        elif self.tasks or self.text:
            raise ValueError("`tasks` and `text` belong to `objective: tasks`")
        elif bool(self.folder) == bool(self.data):
            raise ValueError("give `data`, a list of clips, or `folder`, class folders of clips")
        if self.evaluation and not self.data:
            raise ValueError("`evaluation` is a list beside `data`; of a `folder`, give `held_out`")
        if self.encoder and self.preset:
            raise ValueError("give `encoder` or `preset`, not both")
        if (self.weights or self.tower) and not self.encoder:
            key = "weights" if self.weights else "tower"
            raise ValueError(f"`{key}` belongs to an encoder: give `encoder`")

    def _check_tasks(self) -> None:
        if not self.tasks or not self.text:
            raise ValueError("`objective: tasks` needs `tasks`, data sets, and `text`, a tower")
        if self.folder or self.data:
            raise ValueError("give `tasks`, or `folder` or `data`, not both")

    @property
    def samples_per_process(self) -> int:
        """Samples of one step in one process."""
        return self.batch_size * self.gradient_accumulation_steps
