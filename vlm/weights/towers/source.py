"""Describes a published image tower: the sizes in its config and the names of its tensors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vlm.weights.io.rename import Rule


@dataclass(frozen=True)
class TowerSource:
    """A published image tower. In its rules `{tower}` is the prefix of the tower's names."""

    fields: dict[str, Any]  # of TowerConfig, without depth and what PVC adds
    num_layers: int
    anchor: str  # a tensor that exists once; the prefix is what stands before it
    embeddings: Sequence[Rule]
    layer: Sequence[Rule]  # with {layer}, and {target} for our layer
    final_norm: Sequence[Rule] = ()
    unused: Sequence[str] = ()  # patterns of tensors that our tower does not use


def vision_config(config: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the part of a config.json that describes the image tower."""
    return dict(config.get("vision_config") or config)


def square_side(size: Any, what: str) -> int:
    """Returns the side of a square given by one number or two."""
    sides = set(size) if isinstance(size, list | tuple) else {size}
    side = sides.pop()
    if sides or not isinstance(side, int) or side < 1:
        raise ValueError(f"{what} must be the side of a square in pixels, not {size}")
    return side
