"""What a browser stores of a conversation: writes it, and reads it back as untrusted input.

The turns are a flat list: each names the turn before it, those of one parent are versions of each
other, and of these one is shown. What comes back is hostile: anything malformed is dropped, texts
are sanitized where they are shown, and a file's key is a label. A path is only taken from an object
whose "path" the gate has checked against this browser's uploads.
"""

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

from app.frame_strip import Strip
from app.sanitize import whole_characters
from app.turns import Chat, ChatTurn, Tail, file_key, file_name
from vlm.assistant import Usage
from vlm.config import MAX_LOOKS

MAX_TURNS = 1000  # versions included
MAX_CHARACTERS = 2_000_000  # of all texts; more is refused, the browser keeps it
MAX_FILES = 20  # of a turn
MAX_FRAMES = 1024  # of a strip
MAX_LINES, LONGEST_LINE = 100, 300  # of what was read beside a file
_KEY = re.compile(r"[\w-]{22}")


class TooMuch(ValueError):  # noqa: N818  a refusal
    """The conversation is too long to be sent back."""


def write(chat: Chat) -> list[dict[str, Any]]:
    """Returns the turns of a conversation as plain values."""
    written: list[dict[str, Any]] = []
    _write(chat.turns, -1, True, written)
    return written


def _write(turns: Tail, parent: int, shown: bool, written: list[dict[str, Any]]) -> None:
    for turn in turns:
        number = -1
        for place in range(turn.num_versions):
            if place == turn.place:
                number = len(written)
                written.append({"parent": parent, "shown": True, **_plain(turn)})
            else:
                other = turn.others[place - (place > turn.place)]
                at = len(written)
                _write(other, parent, False, written)
                written[at]["shown"] = False
        parent = number


def _plain(turn: ChatTurn) -> dict[str, Any]:
    lost = [{"key": key, "name": file_name(key), "path": None} for key in turn.lost]
    here = [{"key": file_key(p), "name": p.name, "path": str(p)} for p in turn.files]
    return {
        "question": turn.question,
        "answer": turn.answer,
        "files": lost + here,
        "strips": [_plain_strip(strip) for strip in turn.strips],
        "notes": list(turn.notes),
        "stopped": turn.stopped,
        "again": turn.again,
        "span": turn.span and list(turn.span),
        "usage": asdict(turn.usage) if turn.usage else None,
    }


def _plain_strip(strip: Strip) -> dict[str, Any]:
    return {
        "key": strip.key,
        "name": strip.name,
        "kind": strip.kind,
        "count": len(strip.pictures),
        "here": bool(strip.pictures[0]),
        "times": None if strip.times is None else list(strip.times),
        "size": list(strip.size),
        "grid": list(strip.grid),
        "source": strip.source,
        "warnings": [line[:LONGEST_LINE] for line in strip.warnings[:MAX_LINES]],
        "words": [line[:LONGEST_LINE] for line in strip.words[:MAX_LINES]],
    }


def as_text(session: str, chat: Chat, **more: Any) -> str:
    """Returns the JSON that the page hands to its scripts after every change."""
    return json.dumps({"session": session, "turns": write(chat), **more})


def from_text(text: str | None) -> Chat:
    """Reads what `as_text` returned, from a page whose conversation expired. It names no files."""
    try:
        return read(json.loads(text or "{}").get("turns", []))
    except (ValueError, AttributeError, RecursionError):
        return Chat()


def read(turns: Any, holds: Callable[[Path], bool] = lambda path: False) -> Chat:
    """Returns a conversation without model state; an empty one if it is malformed.

    `holds` returns whether a path is an upload that still exists. Raises TooMuch beyond the limits.
    """
    try:
        if not isinstance(turns, list):
            return Chat()
        if len(turns) > MAX_TURNS or sum(map(_length, turns)) > MAX_CHARACTERS:
            raise TooMuch("This conversation is too long to continue; begin a new one.")
        return Chat(_Tree(turns, holds).tail(-1))
    except TooMuch:
        raise
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError):
        return Chat()


class _Tree:
    """The stored turns, each below the one before it."""

    def __init__(self, turns: list, holds: Callable[[Path], bool]) -> None:
        self.turns = [_turn(turn, holds) for turn in turns]
        self.shown = [turn.get("shown") is True for turn in turns]
        self.following: dict[int, list[int]] = {}
        for number, turn in enumerate(turns):
            parent = turn["parent"]
            if type(parent) is not int or not -1 <= parent < number:
                raise ValueError("a turn must follow an earlier one")
            self.following.setdefault(parent, []).append(number)

    def tail(self, parent: int) -> Tail:
        """Returns what follows a turn: the versions that are shown, each with the others."""
        tail: list[ChatTurn] = []
        while versions := self.following.get(parent):
            number = next((n for n in versions if self.shown[n]), versions[-1])
            others = tuple((self.turns[n], *self.tail(n)) for n in versions if n != number)
            place = versions.index(number)
            tail.append(replace(self.turns[number], others=others, place=place))
            parent = number
        return tuple(tail)


def _turn(turn: Mapping[str, Any], holds: Callable[[Path], bool]) -> ChatTurn:
    files, lost = [], []
    for file in turn["files"][:MAX_FILES]:
        path = file.get("path")
        if isinstance(path, str) and holds(Path(path)):
            files.append(Path(path))
        else:
            lost.append(_text(file["key"], 300) or _text(file["name"], 200))
    return ChatTurn(
        question=_text(turn["question"]),
        files=tuple(files),
        lost=tuple(lost),
        answer=_text(turn["answer"]),
        strips=tuple(_strip(strip) for strip in turn.get("strips", [])[:MAX_FILES]),
        usage=_usage(turn.get("usage")),
        notes=tuple(_text(note, 1000) for note in turn.get("notes", [])[:MAX_LINES]),
        stopped=turn.get("stopped") is True,
        again=int(_number(turn.get("again", 0), MAX_LOOKS)),
        span=_span(turn.get("span")),
    )


def _span(span: Any) -> tuple[float, float] | None:
    if span is None:
        return None
    first, last = (_number(time, 1e7) for time in span)
    if last <= first:
        raise ValueError("not a span")
    return first, last


def _strip(strip: Mapping[str, Any]) -> Strip:
    count, times = strip["count"], strip["times"]
    if not (type(count) is int and 1 <= count <= MAX_FRAMES and _KEY.fullmatch(strip["key"])):
        raise ValueError("not a strip")
    if times is not None and len(times) != count:
        raise ValueError("not a time for each frame")
    width, height = (_number(side, 1e6) for side in strip["size"])
    columns, rows = (_number(side, 100) for side in strip["grid"])
    return Strip(
        name=_text(strip["name"], 300),
        kind="video" if strip["kind"] == "video" else "image",
        pictures=(b"",) * count,
        times=None if times is None else tuple(_number(time, 1e7) for time in times),
        warnings=tuple(_text(line, LONGEST_LINE) for line in strip["warnings"][:MAX_LINES]),
        words=tuple(_text(line, LONGEST_LINE) for line in strip["words"][:MAX_LINES]),
        size=(int(width), int(height)),
        grid=(max(int(columns), 1), max(int(rows), 1)),
        source=_text(strip["source"], 300),
        key=strip["key"],
    )


def _usage(usage: Any) -> Usage | None:
    if not isinstance(usage, dict):
        return None
    return Usage(**{field.name: _number(usage[field.name], 1e12) for field in fields(Usage)})


def _number(value: Any, most: float) -> Any:
    if type(value) not in (int, float) or not (math.isfinite(value) and 0 <= value <= most):
        raise ValueError("not a number in range")
    return value


def _text(value: Any, longest: int = MAX_CHARACTERS) -> str:
    return whole_characters(str(value))[:longest]


def _length(turn: Mapping[str, Any]) -> int:
    return len(str(turn["question"])) + len(str(turn["answer"]))
