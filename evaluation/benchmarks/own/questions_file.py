"""A file of questions about media of your own, checked when it is read.

    [{"id": "q1", "media": ["media/cat.jpg"], "question": "What is this?", "kind": "object",
      "right": ["\\\\bcat\\\\b|kitten"], "wrong": ["\\\\bdog\\\\b"], "refusal_ok": true}, ...]

docs/evaluation.md describes the fields. Every refusal is one sentence that names the question.
"""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evaluation.answers.patterns import check_pattern
from evaluation.json_files import read_json

MAX_TEXT = 20_000  # characters of a question
MAX_LIST = 64  # entries of a list
MAX_NAME = 200  # characters of an id, a kind or the name of a file
TEXTS = {"id": MAX_NAME, "question": MAX_TEXT, "kind": MAX_NAME}
FLAGS = ("refusal_ok", "harm")
PATTERNS = ("right", "wrong", "harm_if")
FIELDS = (*TEXTS, "media", *PATTERNS, *FLAGS, "follows")


@dataclass(frozen=True)
class Entry:
    """One question of the file."""

    id: str
    media: tuple[str, ...]  # files below the folder
    question: str
    kind: str
    right: tuple[str, ...]  # an answer is right if one of these patterns matches
    wrong: tuple[str, ...] = ()  # ... and none of these
    refusal_ok: bool = False  # admitting not to know is honest, if not right
    harm: bool = False  # a wrong answer can harm
    harm_if: tuple[str, ...] = ()  # ... if one of these matches; empty: any
    follows: str = ""  # the id of an earlier question whose conversation goes on


def read_entries(path: Path) -> list[Entry]:
    """Returns the questions in order. Raises ValueError with one sentence."""
    found = read_json(path)
    if not isinstance(found, list) or not found:
        raise ValueError(f"{path} holds no list of questions.")
    entries: dict[str, Entry] = {}
    for number, values in enumerate(found, 1):
        where = f"{path}, question {number}"
        if not isinstance(values, dict):
            raise ValueError(f"{where} is not an object with fields.")
        if isinstance(values.get("id"), str):
            where += f" ({values['id'][:MAX_NAME]!r})"
        try:
            entry = _entry(values)
            if entry.id in entries:
                raise ValueError("has the id of an earlier question.")
            if entry.follows and entry.follows not in entries:
                raise ValueError(f"follows {entry.follows!r}, which is not an earlier question.")
            for name in entry.media:
                _check_file(path.parent, name)
        except ValueError as error:
            raise ValueError(f"{where}: it {error}") from None
        entries[entry.id] = entry
    return list(entries.values())


def _entry(values: Mapping[str, Any]) -> Entry:
    for key in values:
        close = difflib.get_close_matches(key, FIELDS, 1, 0.8)
        if key not in FIELDS and close:  # other keys are the user's own
            raise ValueError(f"has a field {key!r}; did you mean {close[0]!r}?")
    texts = {name: _text(values.get(name), name, most) for name, most in TEXTS.items()}
    lists = {name: _texts(values, name) for name in ("media", *PATTERNS)}
    for name in PATTERNS:
        for number, pattern in enumerate(lists[name], 1):
            try:
                check_pattern(pattern)
            except ValueError as error:
                where = f"pattern {number} of {name!r}"
                raise ValueError(f"cannot be graded: {where} {error}") from None
    if not lists["right"]:
        raise ValueError("has no pattern in 'right', so no answer could be right.")
    flags = {name: values.get(name, False) for name in FLAGS}
    for name, flag in flags.items():
        if not isinstance(flag, bool):
            raise ValueError(f"has {name!r}: {flag!r:.40}; it must be true or false.")
    follows = values.get("follows")
    if follows is not None:
        follows = _text(follows, "follows", MAX_NAME)
    checked: dict[str, Any] = {**texts, **lists, **flags}
    return Entry(**checked, follows=follows or "")


def _texts(values: Mapping[str, Any], name: str) -> tuple[str, ...]:
    found = values.get(name, [])
    if not isinstance(found, list):
        raise ValueError(f"has {name!r}: {found!r:.40}; it must be a list of texts.")
    if len(found) > MAX_LIST:
        raise ValueError(f"has {len(found)} entries in {name!r}; at most {MAX_LIST} are allowed.")
    most = MAX_NAME if name == "media" else MAX_TEXT
    return tuple(_text(value, f"{name}[{i}]", most) for i, value in enumerate(found))


def _text(value: Any, name: str, most: int) -> str:
    if value is None:
        raise ValueError(f"has no {name!r}.")
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"has {name!r}: {value!r:.40}; it must be a text.")
    if len(value) > most:
        raise ValueError(f"has {len(value):,} characters in {name!r}; the most are {most:,}.")
    if not value.isascii() and any("\ud800" <= letter <= "\udfff" for letter in value):
        raise ValueError(f"has half a character (a lone surrogate) in {name!r}.")
    return value


def _check_file(folder: Path, name: str) -> None:
    path = Path(name)
    if path.is_absolute() or ".." in path.parts or "\0" in name:
        raise ValueError(f"shows {name!r}; give a file below the folder, such as media/a.jpg.")
    if not (folder / path).is_file():
        raise ValueError(f"shows {name}, but there is no file {folder / path}.")
