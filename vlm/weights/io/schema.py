"""Reads config.json as data: each field by name, with its type and its bounds.

Nothing that such a file names (`auto_map`, classes) is run or imported. A missing, mistyped or
absurd value raises one sentence with the file and the field.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import is_dataclass
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

from pydantic import Field

from vlm.config_errors import checked, quoted, unknown_field
from vlm.config_upgrade import upgrade
from vlm.weights.io.files import WeightsError, likely_cause

LARGEST_FILE = 64 << 20  # bytes; a config has a few thousand
REQUIRED = object()


class JsonObject:
    """A JSON object of a file, read field by field; null counts as missing."""

    def __init__(self, path: Path, values: Mapping[str, Any], where: str = "") -> None:
        self.path = path
        self.values = values
        self.where = where

    def __contains__(self, name: str) -> bool:
        return self.values.get(name) is not None

    def only(self, *names: str) -> JsonObject:
        """Returns the object with these fields alone, if present."""
        return JsonObject(
            self.path, {n: v for n, v in self.values.items() if n in names}, self.where
        )

    def upgraded(self, section: str) -> JsonObject:
        """Returns the fields of a section of one of our configs, under their current names."""
        return JsonObject(self.path, upgrade(section, self.values), self.where)

    def section(self, name: str) -> JsonObject:
        """Returns a nested object."""
        value = self._given(name, REQUIRED)
        if not isinstance(value, dict):
            raise self.wrong(name, "an object")
        return JsonObject(self.path, value, f"{self.where}{name}.")

    def integer(self, name: str, low: int, high: int, default: Any = REQUIRED) -> int:
        return self.checked(name, Annotated[int, Field(ge=low, le=high)], default)

    def number(self, name: str, low: float, high: float, default: Any = REQUIRED) -> float:
        return self.checked(name, Annotated[float, Field(ge=low, le=high)], default)

    def boolean(self, name: str, default: Any = REQUIRED) -> bool:
        return self.checked(name, bool, default)

    def text(self, name: str, known: Sequence[str] = (), default: Any = REQUIRED) -> str:
        """Returns a string; one of `known` unless that is empty."""
        return self.checked(name, Literal[tuple(known)] if known else str, default)

    def checked(self, name: str, kind: Any, default: Any = REQUIRED) -> Any:
        """Returns a field checked against the type `kind`; see `vlm.config_errors.checked`."""
        try:
            return checked(kind, self._given(name, default), self.where + name)
        except ValueError as error:
            raise WeightsError(f"{self.path}: {error}.") from None

    def wrong(self, name: str, expected: str) -> WeightsError:
        """Returns the error of a field with another value than `expected`."""
        given = quoted(self.values.get(name))
        return WeightsError(f"{self.path}: {self.where}{name} must be {expected}, not {given}.")

    def _given(self, name: str, default: Any) -> Any:
        value = self.values.get(name)
        if value is None:
            if default is REQUIRED:
                raise WeightsError(f"{self.path}: {self.where}{name} is missing.")
            return default
        return value


def read_json_object(path: Path, what: str = "a config") -> JsonObject:
    """Reads a file that holds one JSON object. Raises WeightsError if it does not."""
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise WeightsError(f"{path}: the file is far too large to be {what}.")
        values = json.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise WeightsError(f"{path}: the file is missing. Download the folder again.") from error
    except (OSError, ValueError, RecursionError) as error:
        raise WeightsError(f"{path}: {likely_cause(path, what)}") from error
    if not isinstance(values, dict):
        raise WeightsError(f"{path}: this is JSON, but not {what} (an object of fields).")
    return JsonObject(path, values)


# Bounds of the whole numbers in our own configs; every other one is a size of at least 1.
BOUNDS = {
    "depth": (0, 512),
    "feature_layer": (-512, 512),
    "num_classes": (0, 1 << 20),
    "num_layers": (0, 512),
}
SIZE = (1, 1 << 20)


def check_dataclass(given: JsonObject, kind: type) -> None:
    """Checks names, types and bounds of fields of a config dataclass; any of them may be missing.

    The dataclass is not built: its own checks apply to a whole config, not to a few changes.
    """
    types = get_type_hints(kind)
    unknown = sorted(given.values.keys() - types.keys())
    if unknown:
        words = unknown_field(given.where + unknown[0], kind.__name__, types)
        raise WeightsError(f"{given.path}: {words}.")
    for name, value in given.values.items():
        if is_dataclass(types[name]):
            check_dataclass(given.section(name), types[name])
        elif value is not None or NoneType not in get_args(types[name]):
            given.checked(name, _bounded(name, types[name]))


def _bounded(name: str, kind: Any) -> Any:
    """Returns the type with the bounds of a number."""
    kinds = get_args(kind) or (kind,)
    if int in kinds:
        low, high = BOUNDS.get(name, SIZE)
        return Annotated[kind, Field(ge=low, le=high)]
    if float in kinds and get_origin(kind) is not tuple:
        return Annotated[kind, Field(ge=-1e6, le=1e6)]
    return kind
