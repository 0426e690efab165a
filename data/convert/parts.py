"""Builds record messages from other formats: maps roles and inserts media.

A format becomes a `Dialogue`: turns of text and slots for media, and the files that fill the slots.
`place_media` turns it into the messages of a record.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from data.convert.media_names import CannotConvertError, MediaName
from data.loss_flag import LOSS_KEYS, has_loss
from vlm.plural import plural

# Role names of other formats; missing ones (tools and their results) cannot be converted.
ROLES = {
    **dict.fromkeys(("human", "user"), "user"),
    **dict.fromkeys(("gpt", "assistant", "chatgpt", "bot", "model"), "assistant"),
    **dict.fromkeys(("system", "developer"), "system"),
}
TAG = re.compile(r"<(image|video)>")
LABEL = re.compile(r"(?:Image|Frame|Video)[- ]?\d+: ?$")  # the prompt writes its own labels

Part = dict[str, str]
MediaPath = Callable[[str, MediaName], str]  # (kind, name) -> path relative to the records' folder


@dataclass(frozen=True)
class Slot:
    """The position of a picture or video; without a name, it takes the next of the listed files."""

    kind: str
    name: MediaName | None = None


@dataclass(frozen=True)
class Turn:
    """One turn: texts and slots for media, in order."""

    role: str
    content: tuple[str | Slot, ...]
    has_loss: bool = True


@dataclass(frozen=True)
class Dialogue:
    """A conversation of another format, and its lists of files."""

    turns: tuple[Turn, ...]
    images: list[MediaName]
    videos: list[MediaName]
    has_tags: bool = True  # `<image>` and `<video>` in its texts are slots

    @property
    def open_slots(self) -> list[Slot]:
        content = [item for turn in self.turns for item in turn.content]
        return [item for item in content if isinstance(item, Slot) and item.name is None]


def role_of(name: Any) -> str:
    """Returns the role of a record message for another format's role name."""
    role = ROLES.get(str(name))
    if role is None:
        raise CannotConvertError(f"a turn has the role {name!r:.60}, which records cannot hold")
    return role


def loss_of(turn: Mapping[str, Any], role: str) -> bool:
    """Returns whether a turn is learned if it is an answer."""
    try:
        return role != "assistant" or has_loss(turn)
    except ValueError as error:
        raise CannotConvertError(f"a turn has a flag that records cannot hold: {error}") from None


def without_opening(dialogue: Dialogue) -> tuple[Dialogue, int]:
    """Drops the assistant's turns before the first question; returns their number.

    LLaVA's trainer does the same: there is no question that they answer.
    """
    turns: list[Turn] = []
    opening = 0
    for turn in dialogue.turns:
        if turn.role == "assistant" and all(one.role == "system" for one in turns):
            if any(isinstance(item, Slot) or TAG.search(item) for item in turn.content):
                raise CannotConvertError("the assistant opens it with media")
            opening += 1
            continue
        turns.append(turn)
    # An answer alone is not an opening: nothing would be left.
    return (replace(dialogue, turns=tuple(turns)), opening) if len(turns) > 1 else (dialogue, 0)


def place_media(dialogue: Dialogue, path_of: MediaPath) -> list[dict[str, Any]]:
    """Converts turns to messages; each open slot takes the next of its files.

    Without a slot, all media precede the first question. `<image>` may stand for a video if there
    are not images, as in LLaVA-Video's data.
    """
    if dialogue.open_slots:
        _require_equal(dialogue, "{kind} part", " without a file")
    elif dialogue.has_tags:
        dialogue = _tags_as_slots(dialogue)
        _require_equal(dialogue, "<{kind}> tag")
    files = {"image": dialogue.images, "video": dialogue.videos}
    waiting = {kind: iter(names) for kind, names in files.items()}
    unplaced = [(kind, name) for kind, names in files.items() for name in names]
    unplaced = [] if dialogue.open_slots else unplaced
    messages = []
    for turn in dialogue.turns:
        parts: list[Part] = []
        if turn.role == "user":
            parts += [media_part(kind, name, path_of) for kind, name in unplaced]
            unplaced = []
        for item in turn.content:
            if isinstance(item, Slot):
                name = next(waiting[item.kind]) if item.name is None else item.name
                parts.append(media_part(item.kind, name, path_of))
            else:
                parts.append({"type": "text", "text": item})
        messages.append(message(turn, parts))
    return messages


def _require_equal(dialogue: Dialogue, noun: str, after: str = "") -> None:
    """Raises CannotConvertError if slots and files differ in number, unless there is no slot."""
    found = [slot.kind for slot in dialogue.open_slots]
    for kind, files in (("image", dialogue.images), ("video", dialogue.videos)):
        if found and found.count(kind) != len(files):
            slots = plural(found.count(kind), noun.format(kind=kind))
            raise CannotConvertError(f"has {slots}{after} but {plural(len(files), kind)}")


def _tags_as_slots(dialogue: Dialogue) -> Dialogue:
    texts = [item for turn in dialogue.turns for item in turn.content if isinstance(item, str)]
    found = [tag for text in texts for tag in TAG.findall(text)]
    # LLaVA-Video writes <image> for its videos.
    as_videos = not dialogue.images and bool(dialogue.videos) and "video" not in found
    turns = []
    for turn in dialogue.turns:
        if turn.role != "user" and any(TAG.search(str(item)) for item in turn.content):
            raise CannotConvertError(f"a turn of the {turn.role} contains a media tag")
        content: list[str | Slot] = []
        for item in turn.content:
            content += _pieces(item, as_videos) if isinstance(item, str) else [item]
        turns.append(replace(turn, content=tuple(content)))
    return replace(dialogue, turns=tuple(turns))


def _pieces(text: str, as_videos: bool) -> Iterator[str | Slot]:
    """Splits a text at its tags; drops labels and line breaks next to them."""
    pieces = TAG.split(text)  # text, kind, text, kind, ..., text
    for index, piece in enumerate(pieces):
        if index % 2:
            yield Slot("video" if as_videos else piece)
            continue
        words = LABEL.sub("", piece) if index + 1 < len(pieces) else piece
        words = words.strip("\n") if len(pieces) > 1 else words
        if words.strip():
            yield words


def media_part(kind: str, name: MediaName, path_of: MediaPath) -> Part:
    return {"type": kind, kind: path_of(kind, name)}


def message(turn: Turn, parts: list[Part]) -> dict[str, Any]:
    """Returns a record message, in the short form if it is only text."""
    if not parts or all(part["type"] == "text" and not part["text"].strip() for part in parts):
        raise CannotConvertError(f"a turn of the {turn.role} is empty")
    flag = {} if turn.has_loss else {LOSS_KEYS[0]: False}
    if len(parts) == 1 and parts[0]["type"] == "text":
        return {"role": turn.role, "content": parts[0]["text"], **flag}
    return {"role": turn.role, "content": parts, **flag}
