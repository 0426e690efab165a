"""Questions that ask for another look: "look again" at a picture, "look closer" at part of a film.

They work in every front end, as typed words.

    look again
    Look closer between 0:10 and 0:20: what does the man hold?
"""

import re
from dataclasses import dataclass, replace
from pathlib import Path

from app.frame_strip import clock
from app.turns import Chat, file_key
from vlm.assistant import MediaSource
from vlm.plural import plural

CLOSER_FRAMES = 32  # of a span, if the settings name no number

_TIME = r"(\d{1,3}(?::\d{1,2}){1,2}(?:[.,]\d+)?|\d+(?:[.,]\d+)?)\s*(?:s|sec|seconds)?"
_AGAIN = re.compile(r"\s*/?look (?:again|once more)[.!]?\s*", re.I)
_CLOSER = re.compile(
    rf"\s*(?:please\s+)?look (?:closer|more closely)\s+(?:between|from)\s+{_TIME}"
    rf"\s*(?:and|to|until|-|–)\s*{_TIME}\s*[:.,;]?\s*",
    re.I,
)
Span = tuple[float, float]  # seconds


@dataclass(frozen=True)
class Wanted:
    """A question as it is to be asked.

    at: the turn that it becomes a version of, or the number of turns. again: looks at the pictures
    beyond the usual ones. span: the seconds of the film to take. notes: for below the answer.
    """

    at: int
    question: str
    files: tuple[Path, ...] = ()
    again: int = 0
    span: Span | None = None
    notes: tuple[str, ...] = ()


def understood(chat: Chat, text: str, files: tuple[Path, ...] = ()) -> Wanted:
    """Returns what a typed question asks for.

    Raises ValueError if there is nothing to look at again, or no film to look closer at.
    """
    if _AGAIN.fullmatch(text) and not files:
        return look_again(chat)
    closer = _CLOSER.match(text)
    if closer is None:
        return Wanted(len(chat.turns), text, files)
    span = seconds(closer[1]), seconds(closer[2])
    return look_closer(chat, span, text[closer.end() :].strip(), files)


def repeated(chat: Chat, at: int) -> Wanted:
    """Asks a turn once more as it was asked."""
    turn = chat.turns[at]
    return Wanted(at, turn.question, turn.files, turn.again, turn.span)


def look_again(chat: Chat, at: int | None = None) -> Wanted:
    """Asks a turn with pictures once more, with one more look; by default the last such turn."""
    seen = [i for i, turn in enumerate(chat.turns) if turn.files and has_pictures(chat, i)]
    if at is not None:
        seen = [i for i in seen if i == at]
    if not seen:
        raise ValueError("There is no picture to look at again; add one and ask.")
    wanted = repeated(chat, seen[-1])
    again = wanted.again + 1
    note = f"Seen with {plural(again, 'more look')} than at first."
    return replace(wanted, again=again, notes=(note,))


def look_closer(chat: Chat, span: Span, question: str, files: tuple[Path, ...] = ()) -> Wanted:
    """Asks about a span of a film: of the files given, or else the last film of the chat."""
    first, last = span
    if last <= first:
        raise ValueError(
            f"{clock(first)} to {clock(last)} is not a span; give the earlier time first."
        )
    if not files:
        films = [turn for turn in chat.turns if turn.files and has_film(turn.strips)]
        if not films:
            raise ValueError("There is no film to look closer at; add one and ask.")
        pictures = {strip.source for strip in films[-1].strips if strip.kind == "image"}
        files = tuple(path for path in films[-1].files if file_key(path) not in pictures)
        question = question or films[-1].question
    note = f"Looked closer between {clock(first)} and {clock(last)}."
    return Wanted(len(chat.turns), question, files, 0, span, (note,))


def has_pictures(chat: Chat, at: int) -> bool:
    """Returns whether a turn came with pictures."""
    return any(strip.kind == "image" for strip in chat.turns[at].strips)


def has_film(strips: tuple) -> bool:
    """Returns whether one of the strips is a film's."""
    return any(strip.kind == "video" for strip in strips)


def source(path: Path, again: int, span: Span | None, num_frames: int | None = None) -> MediaSource:
    """Returns a file with the looks or the span that a turn takes of it."""
    if span is None:
        return MediaSource(path, again=again)
    frames = CLOSER_FRAMES if num_frames is None else None
    return MediaSource(path, num_frames=frames, start=span[0], end=span[1], again=again)


def seconds(text: str) -> float:
    """Reads "1:02:03.5", "0:10" or "12.5" as seconds."""
    total = 0.0
    for part in text.replace(",", ".").split(":"):
        total = 60 * total + float(part)
    return total
