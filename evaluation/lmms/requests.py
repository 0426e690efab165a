"""What lmms-eval asks, in this repository's words: messages, media and generation settings.

Knows the form of lmms-eval's requests, but does not import it.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from evaluation.asking.answerer import GenerateSettings
from vlm.conversation import Conversation, Image, Message, Part, Text, Video
from vlm.media.decode import MediaReader
from vlm.media.readers.images import on_white
from vlm.media.sampling import segment_times

HARNESS_UNTIL = ("\n\n",)  # what lmms-eval asks for where a task does not say anything
UNTIL_RULES = ("task", "all", "none")
# Settings that change nothing here, and those that say what is done anyway.
KNOWN = {
    "do_sample",
    "image_aspect_ratio",
    "max_gen_toks",
    "max_new_tokens",
    "num_beams",
    "temperature",
    "top_p",
    "until",
}


def settings_from(
    wanted: Mapping[str, Any], base: GenerateSettings, until_rule: str
) -> GenerateSettings:
    """A task's `generation_kwargs` on top of the model's own settings.

    ValueError for what cannot be honoured. Draws where `do_sample` does not forbid it and the
    temperature is above 0, as lmms-eval's own models do.
    """
    beams = wanted.get("num_beams")
    if beams not in (None, 1):
        raise ValueError(f"num_beams is {beams}; this model takes the likeliest token, or draws.")
    longest = wanted.get("max_new_tokens") or wanted.get("max_gen_toks") or base.max_new_tokens
    temperature = wanted.get("temperature")
    if temperature is None:
        temperature = 1.0 if wanted.get("do_sample") else 0.0
    if wanted.get("do_sample") is False:
        temperature = 0.0
    top_p = wanted.get("top_p")
    return replace(
        base,
        max_new_tokens=int(longest),
        temperature=float(temperature),
        top_p=1.0 if top_p is None else float(top_p),
        until=until_from(wanted.get("until"), until_rule),
    )


def until_from(wanted: str | Sequence[str] | None, rule: str) -> tuple[str, ...]:
    """Where an answer ends: what a task asks for, but not lmms-eval's own blank line.

    A chat model ends its turns itself, and a blank line is part of many an answer. The rule "all"
    honours it nevertheless, "none" honours nothing.
    """
    stops = (wanted,) if isinstance(wanted, str) else tuple(wanted or ())
    stops = tuple(stop for stop in stops if stop)
    if rule == "none" or (rule == "task" and stops == HARNESS_UNTIL):
        return ()
    return stops


def unknown_settings(wanted: Mapping[str, Any]) -> list[str]:
    """Names of settings that would be ignored and might matter."""
    return sorted(name for name in wanted.keys() - KNOWN if wanted[name] is not None)


def from_chat(
    messages: Sequence[Mapping[str, Any]], reader: MediaReader, num_frames: int
) -> tuple[Conversation, str]:
    """Messages of a chat task, media read. A last word of the assistant's is how to begin."""
    turns: list[Message] = []
    for message in messages:
        content = message["content"]
        if isinstance(content, str):
            content = [{"type": "text", "text": content}]
        parts = tuple(_part(part, reader, num_frames) for part in content)
        turns.append(Message(message["role"], parts))
    reply = ""
    if turns and turns[-1].role == "assistant":
        reply = "".join(part.text for part in turns.pop().parts if isinstance(part, Text))
    return Conversation(tuple(turns)), reply


def from_simple(
    context: str, visuals: Any, reader: MediaReader, num_frames: int
) -> tuple[Conversation, str]:
    """The text and the visuals of a simple task: these first, or each where `<image>` stands."""
    media = [read_visual(visual, reader, num_frames) for visual in flat(visuals)]
    pieces = re.split("<image>", context)
    parts: list[Part]
    if len(pieces) == len(media) + 1 and media:
        parts = [Text(pieces[0])]
        for medium, piece in zip(media, pieces[1:], strict=True):
            parts += [medium, Text(piece)]
        parts = [part for part in parts if not isinstance(part, Text) or part.text]
    else:
        parts = [*media, Text(context)]
    return Conversation((Message("user", tuple(parts)),)), ""


def flat(visuals: Any) -> list[Any]:
    """Tasks hand over None, one thing, a list, or a list in a list."""
    if visuals is None:
        return []
    if isinstance(visuals, list | tuple):
        return [item for visual in visuals for item in flat(visual)]
    return [visuals]


def read_visual(visual: Any, reader: MediaReader, num_frames: int) -> Image | Video:
    """A PIL picture, or the path of a picture or a video: the file itself says which."""
    if isinstance(visual, str | Path):
        path = Path(visual)
        if reader.probe(path).kind == "video":
            return _video(path, reader, num_frames)
        return Image(reader.read_image(path).pixels)
    return _picture(visual)


def _part(part: Mapping[str, Any], reader: MediaReader, num_frames: int) -> Part:
    kind = part.get("type")
    if kind == "text":
        return Text(part["text"])
    if kind == "image":
        url = part["url"]
        if isinstance(url, str | Path):
            return Image(reader.read_image(Path(url)).pixels)
        return _picture(url)
    if kind == "video":
        url = part["url"]
        if isinstance(url, str | Path):
            times = (part.get("start_time"), part.get("end_time"))
            return _video(Path(url), reader, num_frames, *times)
        return _frames(url, num_frames)
    raise ValueError(f"this model is shown texts, pictures and videos, but a task sends {kind!r}.")


def _video(
    path: Path,
    reader: MediaReader,
    num_frames: int,
    start: float | None = None,
    end: float | None = None,
) -> Video:
    """Our own sampling: the middles of equal segments, in seconds."""
    if start is None and end is None:
        video = reader.read_video(path, num_frames=num_frames)
    else:
        duration = reader.probe(path).duration
        video = reader.read_video(path, times=segment_times(duration, num_frames, start or 0, end))
    return Video(video.frames, video.times)


def _frames(frames: Any, num_frames: int) -> Video:
    """A video that comes as a list of PIL pictures, one a second for want of better."""
    pictures = flat(frames)
    if not pictures:
        raise ValueError("a task sends a video without frames.")
    indices = [int(time) for time in segment_times(len(pictures), min(num_frames, len(pictures)))]
    pixels = np.stack([_picture(pictures[i]).pixels for i in indices])
    return Video(pixels, np.asarray(indices, np.float64))


def _picture(picture: Any) -> Image:
    if not hasattr(picture, "convert"):
        raise ValueError(
            f"a task sends a {type(picture).__name__}; pictures come as PIL pictures or as paths."
        )
    return Image(np.asarray(on_white(picture).convert("RGB")))
