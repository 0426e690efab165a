"""One function for each format: an entry as it was read -> the messages of a record.

llava      conversations [{from, value}], image / video: a name or a list, tags in the text
sharegpt   conversations [{from, value}], images / videos: lists, system: a text
openai     messages [{role, content}], content a text or parts (image_url, video_url, ...)
internvl   as llava; the file may be a list of such files with their folders (data/convert/read)
"""

from collections.abc import Callable, Mapping
from typing import Any

from data.convert.parts import (
    CannotConvertError,
    Part,
    Place,
    media_part,
    message,
    names,
    place_media,
    role_of,
)

Entry = Mapping[str, Any]
Messages = list[dict[str, Any]]


def from_llava(entry: Entry, place: Place) -> Messages:
    images, videos = names(entry.get("image"), "image"), names(entry.get("video"), "video")
    return place_media(_turns(entry), images, videos, place)


def from_sharegpt(entry: Entry, place: Place) -> Messages:
    if entry.get("audios"):
        raise CannotConvertError("has sounds, which have no counterpart here")
    images, videos = names(entry.get("images"), "images"), names(entry.get("videos"), "videos")
    turns = _turns(entry)
    if entry.get("system"):
        turns.insert(0, ("system", str(entry["system"])))
    return place_media(turns, images, videos, place)


def from_openai(entry: Entry, place: Place) -> Messages:
    """Parts in place; or, where contents are texts with tags, files listed beside them."""
    messages = _list(entry, "messages")
    images, videos = names(entry.get("images"), "images"), names(entry.get("videos"), "videos")
    for turn in messages:
        if not isinstance(turn, Mapping):
            raise CannotConvertError("a message is no object")
        if turn.get("tool_calls") or turn.get("function_call"):
            raise CannotConvertError("calls a tool, which has no counterpart here")
    if images or videos:
        turns = [(role_of(turn.get("role")), _text(turn.get("content"))) for turn in messages]
        return place_media(turns, images, videos, place)
    return [_openai_message(turn, place) for turn in messages]


FORMATS: dict[str, Callable[[Entry, Place], Messages]] = {
    "llava": from_llava,
    "sharegpt": from_sharegpt,
    "openai": from_openai,
    "internvl": from_llava,
}


def detect(entries: list[Entry]) -> str:
    """The format of these entries; ValueError where that cannot be told."""
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
            raise CannotConvertError("a turn is no object")
        turns.append((role_of(turn.get("from")), _text(turn.get("value"))))
    return turns


def _list(entry: Entry, key: str) -> list[Any]:
    found = entry.get(key)
    if not isinstance(found, list) or not found:
        raise CannotConvertError(f'"{key}" is missing or empty')
    return found


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise CannotConvertError(f"a turn says {value!r:.40}, which is no text")
    return value


def _openai_message(turn: Mapping[str, Any], place: Place) -> dict[str, Any]:
    role, content = role_of(turn.get("role")), turn.get("content")
    if isinstance(content, str):
        parts: list[Part] = [{"type": "text", "text": content}] if content.strip() else []
        return message(role, parts)
    if not isinstance(content, list):
        raise CannotConvertError(f"a turn says {content!r:.40}, neither a text nor parts")
    return message(role, [_openai_part(part, place) for part in content])


def _openai_part(part: Any, place: Place) -> Part:
    kind = part.get("type") if isinstance(part, Mapping) else None
    if kind in ("text", "input_text", "output_text"):
        return {"type": "text", "text": _text(part.get("text"))}
    ours = {"image_url": "image", "input_image": "image", "video_url": "video"}.get(str(kind), kind)
    if ours not in ("image", "video"):
        raise CannotConvertError(f"has a part of type {kind!r}, which has no counterpart here")
    name = part.get(kind, part.get("image_url"))
    name = name.get("url") if isinstance(name, Mapping) else name
    if not isinstance(name, str) or not name:
        raise CannotConvertError(f"a part of type {kind!r} names no file")
    return media_part(ours, name, place)
