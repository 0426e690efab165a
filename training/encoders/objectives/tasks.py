"""Several tasks at once, each as nearness of video and text (StreamFormer, arXiv 2504.20041).

A micro-batch is of one set, a step accumulates one of each, and the step's loss is the sum of the
sets' losses without weights (divided by their number, as accumulation does). With one set it is the
training of that task alone. Efficient-Prompt's tasks are the same with `loss: nce` and a text tower
with learned vectors.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import log
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from training.checkpoints.run_identity import file_fingerprint
from training.encoders.objectives.base import Batch, Objective
from training.encoders.recipe import EncoderRecipe
from training.encoders.tasks.losses import task_losses
from training.encoders.tasks.plan import epoch_sizes, in_order, planned
from training.encoders.tasks.samples import TaskDataset, collated
from training.encoders.tasks.scores import chance, task_scores
from training.encoders.tasks.source import Source, annotation_files, read_source
from training.encoders.tower import BuiltTower
from training.loop.distributed import num_processes
from vlm.heads.folder import save_video_text, tokens_of
from vlm.heads.text.side import TextSide
from vlm.heads.text.tokens import HashedWords
from vlm.heads.text.tower import text_config
from vlm.heads.text.weights import load_text_weights, trained_alignment
from vlm.heads.video_text import VideoText


@dataclass(frozen=True)
class Tasks(Objective):
    """The sets of a recipe: what is trained on, and what is held out."""

    recipe: EncoderRecipe
    sources: Sequence[Source]
    held: Sequence[Source]

    metric = "held_out_score"
    folder = "tasks"
    mean_of_batch = True

    @classmethod
    def read(cls, recipe: EncoderRecipe) -> "Tasks":
        text_config(recipe.text)
        steps = recipe.gradient_accumulation_steps
        if steps < len(recipe.tasks):
            raise ValueError(
                f"a step accumulates over all {len(recipe.tasks)} sets of `tasks`: set"
                f" `gradient_accumulation_steps` to {len(recipe.tasks)} or more, not {steps}"
            )
        sources = [read_source(one, held=False) for one in recipe.tasks]
        most = recipe.most_held
        held = [read_source(one, held=True).limited(most) for one in recipe.tasks if most]
        return cls(recipe, sources, held)

    @property
    def num_samples(self) -> int:
        return sum(epoch_sizes(self.sizes, self.recipe.gradient_accumulation_steps))

    @property
    def sizes(self) -> list[int]:
        """Samples of each set."""
        return [len(one.annotations) for one in self.sources]

    @property
    def num_held(self) -> int:
        return sum(len(one.annotations) for one in self.held)

    def summary(self) -> str:
        seen = epoch_sizes(self.sizes, self.recipe.gradient_accumulation_steps)
        sets = zip(self.sources, self.sizes, seen, strict=True)
        listed = ", ".join(
            f"{one.name} ({one.task}) {size:,}" + (f" repeated to {used:,}" if used > size else "")
            for one, size, used in sets
        )
        return f"samples of an epoch: {listed}; {self.num_held:,} held out"

    def digests(self) -> dict[str, str]:
        return {
            f"{one.set} {path.name}": file_fingerprint(path)
            for one in self.recipe.tasks
            for path in annotation_files(one)
        }

    def model(self, built: BuiltTower) -> nn.Module:
        recipe, config = self.recipe, text_config(self.recipe.text)
        folder = Path(recipe.text_weights).expanduser() if recipe.text_weights else None
        without_values = next(built.tower.parameters()).is_meta  # a dry run reads no file
        side = TextSide(
            config, HashedWords(config.vocab_size) if without_values else tokens_of(config, folder)
        )
        background = recipe.background_weight > 0
        tasks = list(dict.fromkeys(one.task for one in self.sources))
        model = VideoText(built.tower, side, tasks, recipe.loss, background)
        if folder is not None and not without_values:
            load_text_weights(side.text_tower, config, folder)
            model.align_from(*trained_alignment(folder))
        if not without_values:
            scale = recipe.start_scale
            model.align_from(None if scale is None else log(scale), recipe.start_bias)
        return model

    def training_data(self, built: BuiltTower, num_samples: int) -> Dataset[Any]:
        recipe = self.recipe
        each, per_step = recipe.batch_size * num_processes(), recipe.gradient_accumulation_steps
        steps = num_samples // (each * per_step)
        plan = planned(self.sizes, each, per_step, steps, recipe.seed)
        return self._dataset(built, self.sources, plan, recipe.seed)

    def held_data(self, built: BuiltTower) -> Dataset[Any]:
        plan = in_order([len(one.annotations) for one in self.held], self.recipe.batch_size)
        return self._dataset(built, self.held, plan, None)

    def _dataset(
        self, built: BuiltTower, sources: Sequence[Source], plan: Any, seed: int | None
    ) -> TaskDataset:
        return TaskDataset(
            sources,
            plan,
            built.config,
            built.num_frames,
            self.recipe.decode_seconds,
            self.recipe.most_classes,
            seed,
        )

    def collator(self, built: BuiltTower) -> Callable[[Sequence[Any]], dict[str, Any]]:
        return collated

    def model_inputs(self, batch: Batch) -> dict[str, Any]:
        return {name: batch.get(name) for name in ("clip", "times", "task", "texts", "own")}

    def losses(self, outputs: Any, batch: Batch, model: nn.Module) -> Tensor:
        recipe = self.recipe
        head = model.heads[batch["task"]]  # type: ignore[index]
        return task_losses(outputs, dict(batch), recipe.loss, recipe.background_weight, head)

    def scores(self, outputs: Any, batch: Batch, model: nn.Module) -> Tensor:
        head = model.heads[batch["task"]]  # type: ignore[index]
        return task_scores(outputs, dict(batch), self.recipe.background_weight > 0, head)

    def group(self, batch: Batch) -> str:
        return str(batch["task"])

    def chance(self, batch: Batch) -> Tensor:
        """Returns the scores of answers without looking."""
        return chance(dict(batch))

    def examples(self, built: BuiltTower) -> Mapping[str, Batch]:
        S, T = built.config.image_size, built.num_frames
        found: dict[str, Batch] = {}
        for one in self.sources:
            texts = one.classes[: self.recipe.most_classes] or ("a sentence",)
            clip = torch.empty(1, T, 3, S, S, device="meta")
            times = torch.zeros(1, T, device="meta")
            own = torch.zeros(1, dtype=torch.long, device="meta")
            found[one.task] = {
                "clip": clip, "times": times, "task": one.task, "texts": texts, "own": own,
            }  # fmt: skip
        return found

    def save(self, model: nn.Module, built: BuiltTower, folder: Path) -> None:
        assert isinstance(model, VideoText)
        save_video_text(model, built.config, built.num_frames, folder)
