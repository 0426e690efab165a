"""Reads JSON field by field: wrong types and unknown fields are answered by name."""

import math
from collections.abc import Collection, Sequence
from typing import Any

from app.serve.errors import APIError, invalid

MISSING = object()


class Fields:
    """The fields of one JSON object. `where` is its place in the request, "" for the whole."""

    def __init__(self, value: Any, where: str = "") -> None:
        if not isinstance(value, dict):
            raise invalid(f"{where or 'the request'} must be an object.", where or None)
        self._value = value
        self._where = where
        self._read: set[str] = set()

    def __contains__(self, name: str) -> bool:
        """Returns whether a field is given and not null."""
        return self._value.get(name) is not None

    def place(self, name: str) -> str:
        """Returns the field's place in the request, as errors name it."""
        return f"{self._where}.{name}" if self._where else name

    def raw(self, name: str, default: Any = None) -> Any:
        """Returns the value of a field of any type; null counts as missing."""
        self._read.add(name)
        value = self._value.get(name)
        return default if value is None else value

    def text(self, name: str, default: Any = MISSING) -> Any:
        """Returns a string."""
        return self._typed(name, str, "a string", default)

    def flag(self, name: str, default: bool = False) -> bool:
        """Returns true or false."""
        return self._typed(name, bool, "true or false", default)

    def items(self, name: str, default: Any = MISSING) -> Any:
        """Returns a list."""
        return self._typed(name, list, "a list", default)

    def number(self, name: str, low: float, high: float, default: Any = None) -> Any:
        """Returns a number within [low, high]."""
        value = self.raw(name, MISSING)
        if value is MISSING:
            return default
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise invalid(f"{self.place(name)} must be a number.", self.place(name))
        if not (math.isfinite(value) and low <= value <= high):
            sentence = f"{self.place(name)} is {value}; it must be from {low:g} to {high:g}."
            raise invalid(sentence, self.place(name))
        return value

    def real(
        self, name: str, low: float, high: float, default: float | None = None
    ) -> float | None:
        """Returns a number within [low, high] as a float."""
        value = self.number(name, low, high, default)
        return None if value is None else float(value)

    def integer(self, name: str, low: int, high: int, default: Any = None) -> Any:
        """Returns a whole number within [low, high]."""
        value = self.raw(name, MISSING)
        if value is MISSING:
            return default
        if isinstance(value, bool) or not isinstance(value, int):
            raise invalid(f"{self.place(name)} must be a whole number.", self.place(name))
        if not low <= value <= high:
            sentence = f"{self.place(name)} is {value}; it must be from {low} to {high}."
            raise invalid(sentence, self.place(name))
        return value

    def choice(self, name: str, values: Sequence[str], default: Any = MISSING) -> Any:
        """Returns one of some strings."""
        value = self.text(name, default)
        if value is not default and value not in values:
            known = ", ".join(values)
            raise invalid(
                f"{self.place(name)} is {value!r:.100}; known are {known}.", self.place(name)
            )
        return value

    def ignore(self, names: Collection[str]) -> None:
        """Accepts fields that change nothing about an answer."""
        self._read.update(names)

    def refuse(self, names: Collection[str], neutral: Collection[Any] = ()) -> None:
        """Raises APIError for a known field that this server lacks, unless it asks for nothing."""
        for name in names:
            value = self.raw(name)
            if value is not None and value not in (*neutral, [], {}, False):
                sentence = f"{self.place(name)} is not supported by this server; leave it out."
                raise APIError(400, sentence, code="unsupported_parameter", param=self.place(name))

    def end(self) -> None:
        """Raises APIError that names the fields nobody read."""
        unknown = [name for name in self._value if name not in self._read]
        if unknown:
            place = self.place(str(unknown[0])[:100])
            sentence = f"unknown field {place!r}; remove it or check its spelling."
            raise APIError(400, sentence, code="unknown_parameter", param=place)

    def _typed(self, name: str, kind: type, noun: str, default: Any) -> Any:
        value = self.raw(name, MISSING)
        if value is MISSING:
            if default is MISSING:
                place = self.place(name)
                raise invalid(f"{place} is missing.", place, "missing_required_parameter")
            return default
        if not isinstance(value, kind):
            raise invalid(f"{self.place(name)} must be {noun}.", self.place(name), "invalid_type")
        return value
