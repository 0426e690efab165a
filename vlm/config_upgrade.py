"""Reads configs as earlier versions wrote them: old field names become the present ones.

Saved models, recipes' `--set` and revisit.json may have either. Unknown fields stay as they are, so
that the check of the whole section names them.
"""

from collections.abc import Mapping
from typing import Any

TOWER = {"temporal_prefix": "temporal_cls"}
COMPRESSOR = {"summary": "global_token"}


def upgrade_tower(values: Mapping[str, Any]) -> dict[str, Any]:
    """The `tower` section with present names."""
    return {TOWER.get(name, name): value for name, value in values.items()}


def upgrade_compressor(values: Mapping[str, Any]) -> dict[str, Any]:
    """The `compressor` section with present names."""
    return {COMPRESSOR.get(name, name): value for name, value in values.items()}


UPGRADES = {"tower": upgrade_tower, "compressor": upgrade_compressor}


def upgrade(section: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """A section of config.json, by its name, with present names."""
    return UPGRADES.get(section, dict)(values)
