"""What a family of published image towers tells of itself: its config's numbers, its names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vlm.weights.io.rename import Rule


@dataclass(frozen=True)
class TowerSource:
    """One published image tower. Rules have `{tower}` for what stands before the tower's names."""

    fields: dict[str, Any]  # of TowerConfig, but for depth and what PVC adds
    num_layers: int
    anchor: str  # a tensor that is there once, by which what stands before the names is found
    embeddings: Sequence[Rule]
    layer: Sequence[Rule]  # with {layer}, and {target} for our layer
    final_norm: Sequence[Rule] = ()
    unused: Sequence[str] = ()  # patterns of the tower's tensors that ours has no use for


def vision_config(config: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a config.json that describes the image tower."""
    return dict(config.get("vision_config") or config)


def one_side(size: Any, what: str) -> int:
    """The side of a square that is given as one number or as two."""
    sides = set(size) if isinstance(size, list | tuple) else {size}
    side = sides.pop()
    if sides or not isinstance(side, int) or side < 1:
        raise ValueError(f"{what} should be a square's side in pixels, not {size}")
    return side
