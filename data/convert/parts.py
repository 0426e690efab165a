"""Messages of other formats as ours: roles, and media in the places of their tags."""

import re
from collections.abc import Callable, Sequence
from typing import Any

from vlm.plural import plural

# What formats call who speaks; what is not here has no counterpart (tools and what they return).
ROLES = {
    **dict.fromkeys(("human", "user"), "user"),
    **dict.fromkeys(("gpt", "assistant", "chatgpt", "bot", "model"), "assistant"),
    **dict.fromkeys(("system", "developer"), "system"),
}
TAG = re.compile(r"<(image|video)>")
LABEL = re.compile(r"(?:Image|Frame|Video)[- ]?\d+: ?$")  # ours is written by the prompt

Part = dict[str, str]
Place = Callable[[str, str], str]  # (kind, name) -> where it lies from the records' folder


class CannotConvertError(ValueError):
    """A conversation that has no counterpart among our records, and why."""


def role_of(name: Any) -> str:
    """Our word for who speaks."""
    role = ROLES.get(str(name))
    if role is None:
        raise CannotConvertError(f"a turn comes from {name!r}, which has no counterpart here")
    return role


def names(value: Any, what: str) -> list[str]:
    """Media of a field: a name, a list of names, or nothing."""
    listed = value if isinstance(value, list) else [] if value in (None, "") else [value]
    for name in listed:
        if not isinstance(name, str) or not name:
            raise CannotConvertError(f'"{what}" holds {name!r}, which is no name of a file')
    return listed


def place_media(
    turns: Sequence[tuple[str, str]], images: list[str], videos: list[str], place: Place
) -> list[dict[str, Any]]:
    """(role, text with tags) by turns -> messages; each tag takes the next of its files.

    Without any tag, all media stand before the first question. `<image>` may stand for videos
    where there are no images, as in LLaVA-Video's data.
    """
    found = [tag for _, text in turns for tag in TAG.findall(text)]
    if found and not images and videos and "video" not in found:
        found = ["video"] * len(found)
        turns = [(role, text.replace("<image>", "<video>")) for role, text in turns]
    for kind, files in (("image", images), ("video", videos)):
        if found and found.count(kind) != len(files):
            raise CannotConvertError(
                f"has {plural(found.count(kind), f'<{kind}> tag')} but {plural(len(files), kind)}"
            )
    waiting = {"image": iter(images), "video": iter(videos)}
    untagged = [] if found else [("image", name) for name in images]
    untagged += [] if found else [("video", name) for name in videos]
    messages = []
    for role, text in turns:
        if role != "user" and TAG.search(text):
            raise CannotConvertError(f"a tag stands in what the {role} says")
        parts: list[Part] = []
        if role == "user":
            parts += [media_part(kind, name, place) for kind, name in untagged]
            untagged = []
        pieces = TAG.split(text)  # text, kind, text, kind, ..., text
        for index, piece in enumerate(pieces):
            if index % 2:
                parts.append(media_part(piece, next(waiting[piece]), place))
                continue
            words = LABEL.sub("", piece) if index + 1 < len(pieces) else piece
            words = words.strip("\n") if len(pieces) > 1 else words
            if words.strip():
                parts.append({"type": "text", "text": words})
        messages.append(message(role, parts))
    return messages


def media_part(kind: str, name: str, place: Place) -> Part:
    return {"type": kind, kind: place(kind, name)}


def message(role: str, parts: list[Part]) -> dict[str, Any]:
    """A message of ours; of words alone in the short form."""
    if not parts:
        raise CannotConvertError(f"a turn of the {role} says nothing")
    if len(parts) == 1 and parts[0]["type"] == "text":
        return {"role": role, "content": parts[0]["text"]}
    return {"role": role, "content": parts}
