"""Fixed classes: cross-entropy of a linear head on the pooled feature of a clip."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import Dataset

from data.clips.dataset import ClipCollator, ClipDataset
from data.clips.folders import LabeledClip, epoch_order, find_clips, split_held_out
from data.clips.lists import read_lists
from training.checkpoints.run_identity import file_fingerprint
from training.encoders.objectives.base import Batch, Objective
from training.encoders.recipe import EncoderRecipe
from training.encoders.tower import BuiltTower
from vlm.heads.classification import VideoClassifier, save_classifier

NAMED = 2_000  # clips with a digest each; of more, their lists alone are compared


@dataclass(frozen=True)
class Classes(Objective):
    """Clips, those held out, and the names of the classes."""

    recipe: EncoderRecipe
    clips: Sequence[LabeledClip]
    held: Sequence[LabeledClip]
    names: Sequence[str]
    root: Path

    metric = "held_out_accuracy"

    @classmethod
    def read(cls, recipe: EncoderRecipe) -> "Classes":
        if recipe.folder:
            root = Path(recipe.folder).expanduser()
            clips, names = find_clips(root)
            return cls(recipe, *split_held_out(clips, recipe.held_out, root), names, root)
        lists = [Path(path).expanduser() for path in (recipe.data, recipe.evaluation) if path]
        given = Path(recipe.data_root).expanduser() if recipe.data_root else None
        of_names = Path(recipe.classes).expanduser() if recipe.classes else None
        (clips, *others), names = read_lists(lists, given, of_names)
        root = given or lists[0].parent
        if others:
            return cls(recipe, clips, others[0], names, root)
        return cls(recipe, *split_held_out(clips, recipe.held_out, root), names, root)

    @property
    def num_samples(self) -> int:
        return len(self.clips)

    @property
    def num_held(self) -> int:
        return len(self.held)

    def summary(self) -> str:
        return f"{len(self.clips)} clips of {len(self.names)} classes, {len(self.held)} held out"

    def digests(self) -> dict[str, str]:
        everything = [*self.clips, *self.held]
        recipe = self.recipe
        lists = [path for path in (recipe.data, recipe.evaluation, recipe.classes) if path]
        found = {Path(path).name: file_fingerprint(Path(path).expanduser()) for path in lists}
        if lists and len(everything) > NAMED:
            return found
        return found | {self._name(clip): file_fingerprint(clip.path) for clip in everything}

    def _name(self, clip: LabeledClip) -> str:
        inside = clip.path.is_relative_to(self.root)
        return (clip.path.relative_to(self.root) if inside else clip.path).as_posix()

    def model(self, built: BuiltTower) -> nn.Module:
        return VideoClassifier(built.tower, len(self.names), **built.head)

    def training_data(self, built: BuiltTower, num_samples: int) -> Dataset[Any]:
        return self._dataset(built, epoch_order(self.clips, num_samples, self.recipe.seed))

    def held_data(self, built: BuiltTower) -> Dataset[Any]:
        return self._dataset(built, self.held)

    def _dataset(self, built: BuiltTower, clips: Sequence[LabeledClip]) -> Dataset[Any]:
        seconds = self.recipe.decode_seconds
        return ClipDataset(clips, built.config, built.num_frames, seconds)

    def collator(self, built: BuiltTower) -> ClipCollator:
        return ClipCollator(built.config, built.num_frames, built.tower.in_channels)

    def losses(self, outputs: Any, batch: Batch, model: nn.Module) -> Tensor:
        return F.cross_entropy(outputs.float(), batch["label"], reduction="none")

    def scores(self, outputs: Any, batch: Batch, model: nn.Module) -> Tensor:
        return (outputs.argmax(dim=-1) == batch["label"]).float()

    def save(self, model: nn.Module, built: BuiltTower, folder: Path) -> None:
        assert isinstance(model, VideoClassifier)
        save_classifier(model, built.config, list(self.names), folder, built.num_frames)
