"""Train a vision encoder alone: classification of clips in folders, FOLDER/class/clip.mp4.

python -m training.encoders FOLDER --output runs/clips [--set KEY=VALUE ...]

The same trainer as for the assistant (training/steady.py), so the same checkpoints, resume, guard
and curves. What comes out is a classifier (`vlm.heads.classification.load_classifier`), and its
tower can go on in an assistant: `start_from: runs/clips` in a recipe whose model has such a tower.
"""

import argparse
import sys
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader, default_collate

from data.labelled import ClipDataset, LabelledClip, find_clips, in_order, split
from training.arguments import training_arguments
from training.changes import fingerprint
from training.journal import Bar, Journal
from training.processes import num_processes, tell
from training.recipe import change, fitting, read_values, refuse_numbers
from training.run import going_on_from
from training.steady import SteadyTrainer
from training.stopping import StopOnSignal, StoppedError, train_until_stopped
from training.whole import fill_parameter, read_tensors, whole_parameter, write_tensors
from vlm.config import TowerConfig
from vlm.heads.classification import VideoClassifier, save_classifier
from vlm.model import build_tower
from vlm.presets import preset_config
from vlm.weights.cache import make_whole


@dataclass(frozen=True)
class EncoderRecipe:
    """Every number of a run; `--set` changes them."""

    folder: str  # of labelled clips
    output: str
    preset: str = "test"  # whose tower: see vlm/presets.py
    model: str = ""  # or a saved model's folder, whose tower goes on
    num_frames: int = 8
    held_out: float = 0.1  # share of the clips
    freeze_backbone: bool = False
    dropout: float = 0.1  # in front of the last layer
    steps: int = 500
    batch_size: int = 8
    accumulation: int = 1
    learning_rate: float = 5e-4
    weight_decay: float = 0.05
    warmup: float = 0.05
    max_grad_norm: float = 1.0
    save_every: int = 100
    log_every: int = 10
    keep: int = 2
    workers: int = 1
    bf16: bool | str = "auto"
    report_to: tuple[str, ...] = ("tensorboard",)
    max_skipped: int = 10
    seed: int = 0

    def __post_init__(self) -> None:
        refuse_numbers(self)
        if not 0 <= self.held_out < 1:
            raise ValueError(f"`held_out` is a share from 0 to below 1, not {self.held_out}")


class EncoderTrainer(SteadyTrainer):
    """Cross-entropy on a clip's class, accuracy on held-out clips with every checkpoint."""

    def __init__(self, recipe: EncoderRecipe, held_out: ClipDataset, **options: Any) -> None:
        self.recipe, self.held_out = recipe, held_out
        arguments = training_arguments(recipe)
        super().__init__(
            args=arguments,
            keep=recipe.keep,
            max_skipped=recipe.max_skipped,
            data_collator=default_collate,
            **options,
        )

    def parameter_groups(self) -> list[dict[str, Any]]:
        trained = [p for p in self.model.parameters() if p.requires_grad]
        return [
            {
                "params": [p for p in trained if (p.ndim > 1) == decays],
                "lr": self.recipe.learning_rate,
                "weight_decay": self.recipe.weight_decay if decays else 0.0,
            }
            for decays in (True, False)
        ]

    def write_weights(self, folder: Path | None) -> None:
        named = self.accelerator.unwrap_model(self.model).named_parameters()
        write_tensors(((name, whole_parameter(p)) for name, p in named), folder)

    def read_weights(self, folder: Path) -> None:
        found = read_tensors(folder)
        for name, parameter in self.accelerator.unwrap_model(self.model).named_parameters():
            fill_parameter(parameter, found[name])

    def compute_loss(
        self, model: Any, inputs: dict[str, Tensor], return_outputs: bool = False, **kwargs: Any
    ) -> Any:
        logits = model(inputs["clip"], inputs["times"])
        loss = F.cross_entropy(logits.float(), inputs["label"])
        return (loss, {"logits": logits}) if return_outputs else loss

    def look_at(self, model: Any) -> None:
        if len(self.held_out):
            self.log({"held_out_accuracy": self.accuracy(model)})

    def accuracy(self, model: nn.Module) -> float:
        """Of the held-out clips; each process computes all, for they are few."""
        model.eval()
        right = 0
        loader = DataLoader(self.held_out, self.recipe.batch_size)
        for batch in loader:
            batch = self._prepare_inputs(batch)
            with torch.no_grad(), self.compute_loss_context_manager():
                guesses = model(batch["clip"], batch["times"]).argmax(dim=-1)
            right += int((guesses == batch["label"]).sum())
        model.train()
        return right / len(self.held_out)


def train(recipe: EncoderRecipe, resume: bool = True, allow_changes: bool = False) -> Path:
    """Run it; returns the folder of the trained classifier. Raises StoppedError after a signal."""
    output, folder = Path(recipe.output), Path(recipe.folder)
    clips, classes = find_clips(folder)
    facts = made_of(recipe, clips)
    checkpoint = going_on_from(output, facts, allow_changes) if resume else None
    model, config = build(recipe, len(classes))
    trained_on, held = split(clips, recipe.held_out, folder)
    if not trained_on:
        raise ValueError(f"all {len(clips)} clips of {folder} are held out; lower `held_out`")
    size = recipe.batch_size * recipe.accumulation * num_processes()
    tell(
        f"{recipe.steps} steps of {size} clips; {len(trained_on)} of {len(classes)} classes to "
        f"train on, {len(held)} held out; writing to {recipe.output}"
    )
    order = in_order(trained_on, recipe.steps * size, recipe.seed)
    stop = StopOnSignal()
    trainer = EncoderTrainer(
        recipe,
        ClipDataset(held, config, recipe.num_frames),
        model=model,
        made_of=facts,
        callbacks=[Bar(), Journal(output), stop],
        train_dataset=ClipDataset(order, config, recipe.num_frames),
    )
    train_until_stopped(trainer, stop, checkpoint)
    return write(trainer, config, classes, output)


def build(recipe: EncoderRecipe, num_classes: int) -> tuple[VideoClassifier, TowerConfig]:
    """The tower, fresh or from a saved model, under a fresh head."""
    torch.manual_seed(recipe.seed)
    if recipe.model:
        from training.start import start_model

        saved, _ = start_model(recipe.model, recipe.seed, torch.float32)
        config, tower = saved.config.tower_config, saved.tower
    else:
        config = preset_config(recipe.preset).tower_config
        tower = build_tower(config)
    model = VideoClassifier(tower, num_classes, recipe.dropout)
    if recipe.freeze_backbone:
        tower.backbone.requires_grad_(False)
    return model, config


def write(trainer: EncoderTrainer, config: TowerConfig, classes: list[str], output: Path) -> Path:
    """classifier/ for use, trained/ for `start_from` in an assistant's recipe."""
    model = trainer.accelerator.unwrap_model(trainer.model)
    if trainer.is_world_process_zero():

        def tower_alone(folder: Path) -> None:
            named = model.named_parameters()
            write_tensors(((n, p.detach()) for n, p in named if n.startswith("tower.")), folder)

        source = {"step": str(trainer.state.global_step)}
        make_whole(output / "trained", source, tower_alone)
        make_whole(
            output / "classifier",
            source,
            lambda folder: save_classifier(model, config, classes, folder),
        )
        tell(f"The classifier is in {output / 'classifier'}; the curves in {output}/curves.png.")
    trainer.accelerator.wait_for_everyone()
    return output / "classifier"


def made_of(recipe: EncoderRecipe, clips: list[LabelledClip]) -> dict[str, Any]:
    """What a resumed run must agree with (training/changes.py)."""
    values = asdict(recipe) | {"report_to": list(recipe.report_to)}
    values["samples_per_step"] = recipe.batch_size * recipe.accumulation * num_processes()
    root = Path(recipe.folder)
    data = {clip.path.relative_to(root).as_posix(): fingerprint(clip.path) for clip in clips}
    return {"recipe": values, "data": data}


def main() -> None:
    names = ", ".join(f.name for f in fields(EncoderRecipe) if f.name not in ("folder", "output"))
    parser = argparse.ArgumentParser(
        prog="python -m training.encoders",
        description="Train a vision encoder alone, to tell apart the classes of clips in folders: "
        "FOLDER/class/clip.mp4 (pictures count as clips of one frame).",
        epilog="example: python -m training.encoders clips --output runs/clips --set steps=200.  "
        f"Keys of --set: {names} (explained in training/encoders.py).",
    )
    parser.add_argument("folder", help="FOLDER/class/clip.mp4, or a YAML file with these keys")
    parser.add_argument("--output", help="the folder to write")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument(
        "--fresh", action="store_true", help="start anew although there are checkpoints"
    )
    parser.add_argument(
        "--allow-changes", action="store_true", help="go on with other values or data"
    )
    arguments = parser.parse_args()
    try:
        recipe = read_arguments(arguments)
        train(recipe, not arguments.fresh, arguments.allow_changes)
    except StoppedError as stopped:
        sys.exit(stopped.code)
    except (ValueError, OSError) as error:
        sys.exit(f"{parser.prog}: {error}")


def read_arguments(arguments: argparse.Namespace) -> EncoderRecipe:
    """A folder or a YAML file, and what `--set` changes."""
    values: dict[str, Any] = {"folder": arguments.folder}
    if Path(arguments.folder).is_file():
        values = read_values(arguments.folder)
    if arguments.output:
        values["output"] = arguments.output
    change(values, arguments.set)
    known = {f.name: f.type for f in fields(EncoderRecipe)}
    for name in values:
        if name not in known:
            raise ValueError(f"there is no `{name}`; there are {', '.join(known)}")
    if "output" not in values:
        raise ValueError("--output is missing: the folder to write")
    return EncoderRecipe(**{n: fitting(n, value, known[n]) for n, value in values.items()})


if __name__ == "__main__":
    main()
