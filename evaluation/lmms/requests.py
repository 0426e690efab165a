"""Converts lmms-eval's requests: messages, media and generation settings.

Depends on the format of the requests, but does not import lmms-eval.
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
from vlm.media.pixels import pixels_of
from vlm.media.sampling import segment_times

HARNESS_UNTIL = ("\n\n",)  # lmms-eval's default for tasks without `until`
UNTIL_RULES = ("task", "all", "none")
# Settings that are applied, or that have no effect here.
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
    requested: Mapping[str, Any], base: GenerateSettings, until_rule: str
) -> GenerateSettings:
    """Applies a task's `generation_kwargs` to the model's own settings.

    Samples if the temperature is above 0 and `do_sample` is not False, as lmms-eval's own models
    do. Raises ValueError for unsupported settings.
    """
    beams = requested.get("num_beams")
    if beams not in (None, 1):
        raise ValueError(
            f"num_beams is {beams}; this model supports greedy decoding and sampling only."
        )
    longest = (
        requested.get("max_new_tokens") or requested.get("max_gen_toks") or base.max_new_tokens
    )
    temperature = requested.get("temperature")
    if temperature is None:
        temperature = 1.0 if requested.get("do_sample") else 0.0
    if requested.get("do_sample") is False:
        temperature = 0.0
    top_p = requested.get("top_p")
    return replace(
        base,
        max_new_tokens=int(longest),
        temperature=float(temperature),
        top_p=1.0 if top_p is None else float(top_p),
        until=until_from(requested.get("until"), until_rule),
    )


def until_from(requested: str | Sequence[str] | None, rule: str) -> tuple[str, ...]:
    """Returns the stop strings of a task, without lmms-eval's default blank line.

    A chat model ends its own turns, and many answers contain blank lines. The rule "all" keeps the
    default, "none" drops all stop strings.
    """
    stops = (requested,) if isinstance(requested, str) else tuple(requested or ())
    stops = tuple(stop for stop in stops if stop)
    if rule == "none" or (rule == "task" and stops == HARNESS_UNTIL):
        return ()
    return stops


def unknown_settings(requested: Mapping[str, Any]) -> list[str]:
    """Returns the names of settings that are ignored but might matter."""
    return sorted(name for name in requested.keys() - KNOWN if requested[name] is not None)


def from_chat(
    messages: Sequence[Mapping[str, Any]], reader: MediaReader, num_frames: int
) -> tuple[Conversation, str]:
    """Decodes the messages of a chat task; a final assistant message begins the reply."""
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
    """Combines text and visuals of a simple task: visuals first, or each at its `<image>` mark."""
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
    """Flattens a task's visuals: None, a single item, or nested lists."""
    if visuals is None:
        return []
    if isinstance(visuals, list | tuple):
        return [item for visual in visuals for item in flat(visual)]
    return [visuals]


def read_visual(visual: Any, reader: MediaReader, num_frames: int) -> Image | Video:
    """Reads a PIL image or the path of an image or video, by the file's contents."""
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
    raise ValueError(f"this model accepts text, images and videos, but a task sends {kind!r}.")


def _video(
    path: Path,
    reader: MediaReader,
    num_frames: int,
    start: float | None = None,
    end: float | None = None,
) -> Video:
    """Samples by our own rule: the midpoints of equal segments, in seconds."""
    if start is None and end is None:
        video = reader.read_video(path, num_frames=num_frames)
    else:
        duration = reader.probe(path).duration
        video = reader.read_video(path, times=segment_times(duration, num_frames, start or 0, end))
    return Video(video.frames, video.times)


def _frames(frames: Any, num_frames: int) -> Video:
    """Reads a video given as a list of PIL images, assuming one frame per second."""
    pictures = flat(frames)
    if not pictures:
        raise ValueError("a task sends a video without frames.")
    indices = [int(time) for time in segment_times(len(pictures), min(num_frames, len(pictures)))]
    pixels = np.stack([_picture(pictures[i]).pixels for i in indices])
    return Video(pixels, np.asarray(indices, np.float64))


def _picture(picture: Any) -> Image:
    if not hasattr(picture, "convert"):
        raise ValueError(
            f"a task sends a {type(picture).__name__}; images must be PIL images or paths."
        )
    return Image(pixels_of(picture))
