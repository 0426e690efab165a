"""Builds record messages from other formats: maps roles and inserts media at their tags."""

import re
from collections.abc import Callable, Sequence
from typing import Any

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
MediaPath = Callable[[str, str], str]  # (kind, name) -> path relative to the records' folder


class CannotConvertError(ValueError):
    """A conversation that records cannot hold, with the reason."""


def role_of(name: Any) -> str:
    """The role of a record message for another format's role name."""
    role = ROLES.get(str(name))
    if role is None:
        raise CannotConvertError(f"a turn has the role {name!r}, which records cannot hold")
    return role


def names(value: Any, what: str) -> list[str]:
    """File names in a field that holds a name, a list of names or nothing."""
    listed = value if isinstance(value, list) else [] if value in (None, "") else [value]
    for name in listed:
        if not isinstance(name, str) or not name:
            raise CannotConvertError(f'"{what}" contains {name!r}, which is not a file name')
    return listed


def insert_media(
    turns: Sequence[tuple[str, str]], images: list[str], videos: list[str], path_of: MediaPath
) -> list[dict[str, Any]]:
    """Converts (role, text with tags) turns to messages; each tag takes the next of its files.

    Without any tag, all media precede the first question. `<image>` may stand for a video if there
    are no images, as in LLaVA-Video's data.
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
            raise CannotConvertError(f"a turn of the {role} contains a media tag")
        parts: list[Part] = []
        if role == "user":
            parts += [media_part(kind, name, path_of) for kind, name in untagged]
            untagged = []
        pieces = TAG.split(text)  # text, kind, text, kind, ..., text
        for index, piece in enumerate(pieces):
            if index % 2:
                parts.append(media_part(piece, next(waiting[piece]), path_of))
                continue
            words = LABEL.sub("", piece) if index + 1 < len(pieces) else piece
            words = words.strip("\n") if len(pieces) > 1 else words
            if words.strip():
                parts.append({"type": "text", "text": words})
        messages.append(message(role, parts))
    return messages


def media_part(kind: str, name: str, path_of: MediaPath) -> Part:
    return {"type": kind, kind: path_of(kind, name)}


def message(role: str, parts: list[Part]) -> dict[str, Any]:
    """A record message, in the short form if it is only text."""
    if not parts:
        raise CannotConvertError(f"a turn of the {role} is empty")
    if len(parts) == 1 and parts[0]["type"] == "text":
        return {"role": role, "content": parts[0]["text"]}
    return {"role": role, "content": parts}
