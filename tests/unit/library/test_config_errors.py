"""A value of the wrong type is one sentence: which field, what it must be, what was given."""

from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field

from vlm.config_errors import checked


@dataclass(frozen=True)
class Adapter:
    rank: Annotated[int, Field(ge=1)] = 8
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0


@dataclass(frozen=True)
class Source:
    path: str
    kind: Literal["image", "video"] = "image"


@dataclass(frozen=True)
class Run:
    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012

    data: tuple[Source, ...]
    adapter: Adapter | None = None
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    width: Annotated[int | None, Field(ge=1, le=64)] = None
    precision: bool | Literal["auto"] = "auto"
    names: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        if self.adapter and len(self.names) > 2:
            raise ValueError("names and adapter exclude each other")


DATA = [{"path": "a.jsonl"}]
WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "missing": ({}, "data is missing"),
    "unknown": ({"data": DATA, "wdith": 1}, "wdith is not a field of Run; its fields are data, ad"),
    "unknown, with a guess": (
        {"data": DATA, "wdith": 1},
        "wdith is not a field of Run; its fields are data, adapter, mean, width, precision, names; "
        "did you mean width?",
    ),
    "not a list": ({"data": 3}, "data must be a list of entries, not 3"),
    "missing in a list": ({"data": [{}]}, "data.0.path is missing"),
    "choice in a list": (
        {"data": [{"path": "a", "kind": "film"}]},
        'data.0.kind must be one of image, video, not "film"',
    ),
    "text for a number": (
        {"data": DATA, "width": "wide"},
        'width must be a whole number from 1 to 64 or null, not "wide"',
    ),
    "true for a number": (
        {"data": DATA, "adapter": {"rank": True}},
        "adapter.rank must be a whole",
    ),
    "out of bounds": (
        {"data": DATA, "adapter": {"rank": 0}},
        "adapter.rank must be a whole number of at least 1, not 0",
    ),
    "half open": (
        {"data": DATA, "adapter": {"dropout": 1.0}},
        "adapter.dropout must be a number of at least 0 and below 1, not 1.0",
    ),
    "not an object": ({"data": DATA, "adapter": 3}, "adapter must be an object or null, not 3"),
    "short list": ({"data": DATA, "mean": [1, 2]}, "mean must be a list of 3 numbers, not [1, 2]"),
    "text in a list": ({"data": DATA, "names": ["a", 1]}, "names.1 must be text, not 1"),
    "union": (
        {"data": DATA, "precision": "half"},
        'precision must be true or false or auto, not "half"',
    ),
    "its own check": (
        {"data": DATA, "adapter": {}, "names": ["a", "b", "c"]},
        "names and adapter exclude each other",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_value_is_one_sentence(name: str) -> None:
    values, expected = WRONG[name]
    with pytest.raises(ValueError, match="^") as error:
        checked(Run, values)
    assert str(error.value).startswith(expected)
    assert "\n" not in str(error.value)
    assert "pydantic" not in str(error.value)


def test_lists_become_tuples_and_objects_become_dataclasses() -> None:
    run = checked(Run, {"data": DATA, "adapter": {"rank": 2}, "mean": [1, 2, 3], "width": None})
    assert run == Run((Source("a.jsonl"),), Adapter(2), (1.0, 2.0, 3.0))


def test_a_long_value_is_cut() -> None:
    with pytest.raises(ValueError, match=r'names must be a list of texts, not "x{56}\.\.\.$'):
        checked(Run, {"data": DATA, "names": "x" * 1000})


def test_the_place_of_a_value_stands_before_its_field() -> None:
    with pytest.raises(ValueError, match=r"^lora\.rank must be a whole number"):
        checked(Adapter, {"rank": "x"}, "lora")


def test_values_that_are_not_strict_may_be_texts_of_numbers() -> None:
    assert checked(Adapter, {"dropout": "1e-1"}, strict=False) == Adapter(dropout=0.1)
