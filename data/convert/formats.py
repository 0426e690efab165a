"""One function per format: an entry of the file -> the messages of a record.

llava      conversations [{from, value}]; image / video: a name or a list; tags in the text
sharegpt   conversations [{from, value}]; images / videos: lists; system: a string
openai     messages [{role, content}]; content: a string or parts (image_url, video_url, ...)
internvl   like llava; the file may be a list of such files with their folders (data/convert/read)
"""

from collections.abc import Callable, Mapping
from typing import Any

from data.convert.parts import (
    CannotConvertError,
    MediaPath,
    Part,
    insert_media,
    media_part,
    message,
    names,
    role_of,
)

Entry = Mapping[str, Any]
Messages = list[dict[str, Any]]


def from_llava(entry: Entry, path_of: MediaPath) -> Messages:
    images, videos = names(entry.get("image"), "image"), names(entry.get("video"), "video")
    return insert_media(_turns(entry), images, videos, path_of)


def from_sharegpt(entry: Entry, path_of: MediaPath) -> Messages:
    if entry.get("audios"):
        raise CannotConvertError("contains audio, which records cannot hold")
    images, videos = names(entry.get("images"), "images"), names(entry.get("videos"), "videos")
    turns = _turns(entry)
    if entry.get("system"):
        turns.insert(0, ("system", str(entry["system"])))
    return insert_media(turns, images, videos, path_of)


def from_openai(entry: Entry, path_of: MediaPath) -> Messages:
    """Media as parts of a message, or as tags in the text with the files listed beside it."""
    messages = _list(entry, "messages")
    images, videos = names(entry.get("images"), "images"), names(entry.get("videos"), "videos")
    for turn in messages:
        if not isinstance(turn, Mapping):
            raise CannotConvertError("a message is not a JSON object")
        if turn.get("tool_calls") or turn.get("function_call"):
            raise CannotConvertError("calls a tool, which records cannot hold")
    if images or videos:
        turns = [(role_of(turn.get("role")), _text(turn.get("content"))) for turn in messages]
        return insert_media(turns, images, videos, path_of)
    return [_openai_message(turn, path_of) for turn in messages]


FORMATS: dict[str, Callable[[Entry, MediaPath], Messages]] = {
    "llava": from_llava,
    "sharegpt": from_sharegpt,
    "openai": from_openai,
    "internvl": from_llava,
}


def detect(entries: list[Entry]) -> str:
    """The format of these entries. Raises ValueError if it is ambiguous or unknown."""
    keys = {key for entry in entries for key in entry}
    if "messages" in keys and "conversations" not in keys:
        return "openai"
    if "conversations" in keys and "messages" not in keys:
        listed, single = {"images", "videos", "audios"} & keys, {"image", "video"} & keys
        if listed and single:
            raise ValueError("has both `image` and `images`")
        return "sharegpt" if listed else "llava"
    raise ValueError("has neither `conversations` nor `messages`")


def _turns(entry: Entry) -> list[tuple[str, str]]:
    turns = []
    for turn in _list(entry, "conversations"):
        if not isinstance(turn, Mapping):
            raise CannotConvertError("a turn is not a JSON object")
        turns.append((role_of(turn.get("from")), _text(turn.get("value"))))
    return turns


def _list(entry: Entry, key: str) -> list[Any]:
    found = entry.get(key)
    if not isinstance(found, list) or not found:
        raise CannotConvertError(f'"{key}" is missing or empty')
    return found


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise CannotConvertError(f"a turn contains {value!r:.40}, which is not a string")
    return value


def _openai_message(turn: Mapping[str, Any], path_of: MediaPath) -> dict[str, Any]:
    role, content = role_of(turn.get("role")), turn.get("content")
    if isinstance(content, str):
        parts: list[Part] = [{"type": "text", "text": content}] if content.strip() else []
        return message(role, parts)
    if not isinstance(content, list):
        raise CannotConvertError(
            f"a turn contains {content!r:.40}, which is neither a string nor a list of parts"
        )
    return message(role, [_openai_part(part, path_of) for part in content])


def _openai_part(part: Any, path_of: MediaPath) -> Part:
    kind = part.get("type") if isinstance(part, Mapping) else None
    if kind in ("text", "input_text", "output_text"):
        return {"type": "text", "text": _text(part.get("text"))}
    target = {"image_url": "image", "input_image": "image", "video_url": "video"}.get(
        str(kind), kind
    )
    if target not in ("image", "video"):
        raise CannotConvertError(f"contains a part of type {kind!r}, which records cannot hold")
    name = part.get(kind, part.get("image_url"))
    name = name.get("url") if isinstance(name, Mapping) else name
    if not isinstance(name, str) or not name:
        raise CannotConvertError(f"a part of type {kind!r} does not name a file")
    return media_part(target, name, path_of)
