"""The contract of an objective: its data, its head on an encoder, its loss, its held-out score."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from training.encoders.recipe import EncoderRecipe
from training.encoders.tower import BuiltTower

Batch = Mapping[str, Any]


class Objective(ABC):
    """Reads its data once; the trainer (training/encoders/trainer.py) asks it for all else.

    A batch has `clip`, `times`, `valid` [B] (False for a sample that could not be read),
    `quarantined` and `num_samples`, and what the loss needs.
    """

    metric: str  # of the held-out samples in the journal; the higher the better
    folder = "classifier"  # of the output, that `save` writes
    mean_of_batch = False  # a step's loss is the mean of its micro-batches' means, not of samples

    @classmethod
    @abstractmethod
    def read(cls, recipe: EncoderRecipe) -> "Objective":
        """Reads the lists of a recipe; ValueError, one sentence, for what is wrong with them."""

    @property
    @abstractmethod
    def num_samples(self) -> int:
        """Samples of one epoch."""

    @property
    @abstractmethod
    def num_held(self) -> int:
        """Held-out samples."""

    @abstractmethod
    def summary(self) -> str:
        """Returns the data in a phrase."""

    @abstractmethod
    def digests(self) -> dict[str, str]:
        """What a resumed run compares of the data: names and digests."""

    @abstractmethod
    def model(self, built: BuiltTower) -> nn.Module:
        """The encoder as `tower` under a fresh head; called with `clip` and `times` of a batch."""

    @abstractmethod
    def training_data(self, built: BuiltTower, num_samples: int) -> Dataset[Any]:
        """Returns the samples of a whole run in order, as often as there are."""

    @abstractmethod
    def held_data(self, built: BuiltTower) -> Dataset[Any]:
        """Returns the held-out samples."""

    @abstractmethod
    def collator(self, built: BuiltTower) -> Callable[[Sequence[Any]], dict[str, Any]]:
        """Makes a batch of samples."""

    def model_inputs(self, batch: Batch) -> dict[str, Any]:
        """Returns the arguments of the model's `forward`."""
        return {"clip": batch["clip"], "times": batch["times"]}

    @abstractmethod
    def losses(self, outputs: Any, batch: Batch, model: nn.Module) -> Tensor:
        """Returns the loss of each sample, [B]."""

    @abstractmethod
    def scores(self, outputs: Any, batch: Batch, model: nn.Module) -> Tensor:
        """Returns the score of each sample, [B]; NaN does not count. Their mean is `metric`."""

    def group(self, batch: Batch) -> str:
        """What a held-out batch is of, if its scores have a mean of their own; "" if not."""
        return ""

    def examples(self, built: BuiltTower) -> Mapping[str, Batch]:
        """A batch of one clip without values for each kind of batch, by name; of a dry run."""
        config, T = built.config, built.num_frames
        clip = torch.empty(1, T, 3, config.image_size, config.image_size, device="meta")
        return {"": {"clip": clip, "times": torch.zeros(1, T, device="meta")}}

    @abstractmethod
    def save(self, model: nn.Module, built: BuiltTower, folder: Path) -> None:
        """Writes the trained model."""
