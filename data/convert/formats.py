"""One function per format: an entry of the file -> its dialogue (data/convert/parts.py).

llava      conversations [{from, value}]; image / video: a name or a list; tags in the text
sharegpt   conversations [{from, value}]; images / videos: lists; system: a string
openai     messages [{role, content}]; content: a string or parts (image_url, video_url, ...)
trl        as openai, or prompt and completion; {type: image} takes the next of `images`
swift      query, response, history [[query, response]], system; alpaca's instruction, input, output
internvl   as llava; the file may be a list of such files with their folders (data/convert/read)
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from data.convert.media_names import CannotConvertError, MediaName, has_name, media_name, names
from data.convert.parts import Dialogue, Slot, Turn, loss_of, role_of

Entry = Mapping[str, Any]

LEFT_OUT = ".not-converted.jsonl"  # name of the list of what has no counterpart here
QUERY_KEYS, RESPONSE_KEYS = ("query", "instruction", "prompt"), ("response", "output", "completion")
TYPES = {"image_url": "image", "input_image": "image", "video_url": "video", "input_video": "video"}
# Tags in ms-swift's texts that its `objects` fill in.
BOXES = re.compile(r"<(?:bbox|ref-object|point)>")


def from_llava(entry: Entry) -> Dialogue:
    return _dialogue(entry, _turns(entry, "conversations"))


def from_openai(entry: Entry) -> Dialogue:
    """Media as parts of a message, or as tags in the text with the files listed beside it."""
    prompt, completion = entry.get("prompt"), entry.get("completion")
    if "messages" not in entry and isinstance(prompt, list) and isinstance(completion, list):
        context = [replace(turn, has_loss=False) for turn in _turns(entry, "prompt")]
        return _dialogue(entry, [*context, *_turns(entry, "completion")])
    found = _dialogue(entry, _turns(entry, "messages"))
    return replace(found, has_tags=bool(found.images or found.videos))


def from_swift(entry: Entry) -> Dialogue:
    """A question and an answer under names of their own, after the earlier ones."""
    turns = []
    history = entry.get("history") or []
    for pair in history if isinstance(history, list) else [history]:
        if not isinstance(pair, list) or len(pair) != 2:
            raise CannotConvertError('"history" is not a list of pairs of query and response')
        turns += [Turn("user", _content(pair[0])), Turn("assistant", _content(pair[1]))]
    query = _first(entry, QUERY_KEYS)
    if entry.get("input"):
        query = f"{query}\n{_text(entry['input'])}" if query else _text(entry["input"])
    answer = Turn("assistant", _content(_first(entry, RESPONSE_KEYS)))
    return _dialogue(entry, [*turns, Turn("user", _content(query)), answer])


FORMATS: dict[str, Callable[[Entry], Dialogue]] = {
    "llava": from_llava,
    "sharegpt": from_llava,
    "openai": from_openai,
    "internvl": from_llava,
    "trl": from_openai,
    "swift": from_swift,
}


def detect(entries: list[Entry]) -> str:
    """Returns the format of these entries. Raises ValueError if it is ambiguous or unknown."""
    keys = {key for entry in entries for key in entry}
    if "messages" in keys and "conversations" not in keys:
        return "openai"
    if "conversations" in keys and "messages" not in keys:
        listed, single = {"images", "videos", "audios"} & keys, {"image", "video"} & keys
        if listed and single:
            raise ValueError("has both `image` and `images`")
        return "sharegpt" if listed else "llava"
    if {"conversations", "messages"} <= keys:
        raise ValueError("has entries with `conversations` and entries with `messages`")
    if {"prompt", "completion"} <= keys and any(isinstance(e.get("prompt"), list) for e in entries):
        return "trl"
    if keys & set(QUERY_KEYS) and keys & set(RESPONSE_KEYS):
        return "swift"
    raise ValueError("has neither `conversations` nor `messages` nor `query` and `response`")


def _dialogue(entry: Entry, turns: list[Turn]) -> Dialogue:
    """Adds the system text and the lists of files."""
    if entry.get("audios") or entry.get("audio"):
        raise CannotConvertError("contains audio, which records cannot hold")
    texts = [item for turn in turns for item in turn.content if isinstance(item, str)]
    if entry.get("objects") and any(BOXES.search(text) for text in texts):
        raise CannotConvertError("has tags for boxes in its text, which records cannot hold")
    system = entry.get("system")
    if isinstance(system, str) and system.strip() and turns[0].role != "system":
        turns = [Turn("system", (system,)), *turns]
    if entry.get("loss") is False:
        turns = [replace(turn, has_loss=False) for turn in turns]
    files: dict[str, list[MediaName]] = {"image": [], "video": []}
    for kind, found in files.items():
        for key in (kind, f"{kind}s"):
            found += names(entry.get(key), key, kind)
    return Dialogue(tuple(turns), files["image"], files["video"])


def _turns(entry: Entry, key: str) -> list[Turn]:
    found = entry.get(key)
    if not isinstance(found, list) or not found:
        raise CannotConvertError(f'"{key}" is missing or empty')
    turns = []
    for turn in found:
        if not isinstance(turn, Mapping):
            raise CannotConvertError("a turn is not a JSON object")
        if turn.get("tool_calls") or turn.get("function_call"):
            raise CannotConvertError("calls a tool, which records cannot hold")
        role = role_of(turn["from"] if "from" in turn else turn.get("role"))
        content = _content(turn["value"] if "value" in turn else turn.get("content"))
        turns.append(Turn(role, content, loss_of(turn, role)))
    return turns


def _content(value: Any) -> tuple[str | Slot, ...]:
    if isinstance(value, str):
        return (value,) if value.strip() else ()
    if not isinstance(value, list):
        raise CannotConvertError(
            f"a turn contains {value!r:.40}, which is not a string or a list of parts"
        )
    return tuple(_part(part) for part in value)


def _part(part: Any) -> str | Slot:
    kind = part.get("type") if isinstance(part, Mapping) else None
    if kind in ("text", "input_text", "output_text"):
        return _text(part.get("text"))
    target = TYPES.get(str(kind), kind)
    if target not in ("image", "video"):
        raise CannotConvertError(f"contains a part of type {kind!r}, which records cannot hold")
    return Slot(target, media_name(part, "content", target) if has_name(part) else None)


def _first(entry: Entry, keys: tuple[str, ...]) -> str:
    value = next((entry[key] for key in keys if entry.get(key) is not None), None)
    if value is None:
        raise CannotConvertError(f'"{keys[0]}" is missing')
    return _text(value)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise CannotConvertError(f"a turn contains {value!r:.40}, which is not a string")
    return value
