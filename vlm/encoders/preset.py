"""A preset: one published architecture of an encoder, with the facts that a user chooses by.

Each encoder's file has its presets in a table, `VideoEncoder.presets`; `vlm.encoders.PRESETS` has
those of all. The name of an encoder means the first of its table. A preset whose name ends in
`-test` is tiny and for tests. Parameter counts are exact: tests/unit/encoders/test_presets.py
builds every preset and compares.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from vlm.encoders.config import TowerConfig


@dataclass(frozen=True)
class Preset:
    """A row of an encoder's table."""

    tower: TowerConfig
    parameters: int  # of the encoder alone, without a classification head
    trainable: int | None = None  # of these; None: all
    paper: str = ""  # arXiv number
    follows: str = "paper and code"  # or "paper" or "code", where they differ
    num_frames: int = 8  # of a clip, as published
    # Arguments of vlm.heads.classification.ClassificationHead beside its sizes.
    head: Mapping[str, Any] = field(default_factory=dict)
    # Number of classes -> published parameters of encoder and head.
    with_head: Mapping[int, int] = field(default_factory=dict)
    # The same, those that are trained; empty if all are.
    trainable_with_head: Mapping[int, int] = field(default_factory=dict)
    weights: str = "none"  # where public weights are
    weights_license: str = "none"

    @property
    def num_trainable(self) -> int:
        """Parameters of the encoder that the method trains."""
        return self.parameters if self.trainable is None else self.trainable
