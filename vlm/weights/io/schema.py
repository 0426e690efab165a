"""config.json read as data: every field asked for by name, with its type and its bounds.

Nothing in such a file is run or imported (`auto_map`, classes by name). What is missing, of the
wrong type or absurd is one sentence with the file and the field.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields as dataclass_fields
from pathlib import Path
from typing import Any

from vlm.weights.io.files import WeightsError, why_unreadable

LARGEST_FILE = 64 << 20  # bytes; a config has a few thousand
REQUIRED = object()


class Fields:
    """A JSON object of a file, read field by field."""

    def __init__(self, path: Path, values: Mapping[str, Any], where: str = "") -> None:
        self.path = path
        self.values = values
        self.where = where

    def __contains__(self, name: str) -> bool:
        return self.values.get(name) is not None

    def only(self, *names: str) -> Fields:
        """Some of the fields, as far as they are there."""
        return Fields(self.path, {n: v for n, v in self.values.items() if n in names}, self.where)

    def section(self, name: str) -> Fields:
        """An object within the object."""
        value = self._given(name, REQUIRED)
        if not isinstance(value, dict):
            raise self.wrong(name, "an object")
        return Fields(self.path, value, f"{self.where}{name}.")

    def integer(self, name: str, low: int, high: int, default: Any = REQUIRED) -> int:
        value = self._given(name, default)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise self.wrong(name, f"a whole number from {low} to {high}")
        return value

    def number(self, name: str, low: float, high: float, default: Any = REQUIRED) -> float:
        value = self._given(name, default)
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or not low <= value <= high
        ):
            raise self.wrong(name, f"a number from {low:g} to {high:g}")
        return float(value)

    def boolean(self, name: str, default: Any = REQUIRED) -> bool:
        value = self._given(name, default)
        if not isinstance(value, bool):
            raise self.wrong(name, "true or false")
        return value

    def text(self, name: str, known: Sequence[str] = (), default: Any = REQUIRED) -> str:
        """A string; one of `known` where there are any."""
        value = self._given(name, default)
        if not isinstance(value, str) or (known and value not in known):
            raise self.wrong(name, f"one of {', '.join(known)}" if known else "text")
        return value

    def wrong(self, name: str, expected: str) -> WeightsError:
        given = json.dumps(self.values.get(name))
        given = given if len(given) < 60 else given[:57] + "..."
        return WeightsError(f"{self.path}: {self.where}{name} must be {expected}, not {given}.")

    def _given(self, name: str, default: Any) -> Any:
        value = self.values.get(name)
        if value is None:
            if default is REQUIRED:
                raise WeightsError(f"{self.path}: {self.where}{name} is missing.")
            return default
        return value


def read_json(path: Path, what: str = "a config") -> Fields:
    """A file that holds one JSON object."""
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise WeightsError(f"{path}: the file is far too large to be {what}.")
        values = json.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise WeightsError(f"{path}: the file is missing. Download the folder again.") from error
    except (OSError, ValueError, RecursionError) as error:
        raise WeightsError(f"{path}: {why_unreadable(path, what)}") from error
    if not isinstance(values, dict):
        raise WeightsError(f"{path}: this is JSON, but not {what}.")
    return Fields(path, values)


# Bounds of every whole number in our own configs that is not a size of a layer.
BOUNDS = {
    "depth": (0, 512),
    "feature_layer": (-512, 512),
    "num_classes": (0, 1 << 20),
    "num_temporal_layers": (0, 512),
}


def check_dataclass(given: Fields, kind: type) -> None:
    """Refuses fields that `kind`, a config dataclass of ours, does not have or of other types."""
    known = {f.name: str(f.type).removeprefix("<class '") for f in dataclass_fields(kind)}
    unknown = sorted(given.values.keys() - known.keys())
    if unknown:
        raise WeightsError(
            f"{given.path}: {given.where}{unknown[0]} is no field of a {kind.__name__}; there are"
            f" {', '.join(known)}."
        )
    for name, value in given.values.items():
        written = known[name]
        if (value is None and "None" in written) or (isinstance(value, dict) and "dict" in written):
            continue
        if written.startswith("int"):
            given.integer(name, *BOUNDS.get(name, (1, 1 << 20)))
        elif written.startswith("float"):
            given.number(name, -1e6, 1e6)
        elif written.startswith("bool"):
            given.boolean(name)
        elif written.startswith("str"):
            given.text(name)
        elif written.startswith("tuple"):
            inner = str if "str" in written else int | float
            if not isinstance(value, list) or len(value) != 3 or not _all(value, inner):
                raise given.wrong(
                    name, "a list of three " + ("texts" if inner is str else "numbers")
                )


def _all(values: list[Any], kind: Any) -> bool:
    return all(isinstance(v, kind) and not isinstance(v, bool) for v in values)
