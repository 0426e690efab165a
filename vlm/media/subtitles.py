"""Reads the subtitles of a video, and selects those that are on show at given moments."""

import codecs
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vlm.media.collect import messages
from vlm.media.confined.limits import DEFAULT_LIMITS, Limits
from vlm.media.confined.protocol import Request

BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True)
class Caption:
    """Text displayed from `start` to `end`, in seconds."""

    start: float
    end: float
    text: str  # one line, without markup
    written: str = ""  # as the official tool keeps it, with codes like {\\i1}


def read_subtitles(path: Path) -> list[Caption]:
    """Returns the non-empty captions of an srt, vtt or ass file, in file order.

    Raises ValueError if the file is missing, not text or not subtitles.
    """
    import pysubs2  # optional

    try:
        text = decode(path.read_bytes())
    except OSError as error:
        raise ValueError(f"{path}: the subtitles cannot be read ({error.strerror}).") from error
    except UnicodeError as error:
        raise ValueError(
            f"{path}: the subtitles are in an unknown encoding; save them as UTF-8."
        ) from error
    if not text.strip():
        return []
    try:
        events = pysubs2.SSAFile.from_string(text, format_=_format(text))
    except (pysubs2.exceptions.Pysubs2Error, ValueError) as error:
        raise ValueError(f"{path}: not a subtitle file ({error}).") from error
    captions = [
        Caption(
            event.start / 1000,
            event.end / 1000,
            " ".join(re.sub(r"<[^<>]*>", "", event.plaintext).split()),
            event.text.replace("\\N", " "),
        )
        for event in events
        if not event.is_comment
    ]
    if not captions:
        raise ValueError(f"{path}: holds text but no caption with times.")
    return [caption for caption in captions if caption.text or caption.written.strip()]


def track_of(path: Path, limits: Limits = DEFAULT_LIMITS) -> list[Caption]:
    """Returns the captions of a film's own track of text; none if it has no such track.

    Raises MediaError if the film cannot be opened.
    """
    (head, _), *_ = messages(path, Request("captions", limits=limits))
    return [
        Caption(float(start), float(end), str(text), str(text))
        for start, end, text in head["captions"]
    ]


def _format(text: str) -> str:
    if text.lstrip().startswith("WEBVTT"):
        return "vtt"
    return "ass" if "[Script Info]" in text else "srt"


def decode(data: bytes) -> str:
    """Decodes UTF-8, UTF-16 or UTF-32 by its byte-order mark, else UTF-8, else Windows-1252.

    Raises UnicodeError for other 8-bit encodings, which the bytes alone do not identify.
    """
    for mark, encoding in BOMS:
        if data.startswith(mark):
            return data.decode(encoding)
    if data.count(0) > len(data) // 4:  # UTF-16 without a mark
        little = data[1::2].count(0) > data[::2].count(0)
        return data.decode("utf-16-le" if little else "utf-16-be")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        runs = re.findall(rb"[\x80-\xff]+", data)
        if sum(map(len, runs)) > 1.5 * len(
            runs
        ):  # accents are isolated, other scripts come in runs
            raise
        return data.decode("cp1252", errors="replace")


def clean_rule(captions: Sequence[Caption], times: Sequence[float]) -> tuple[str, ...]:
    """Returns the captions displayed at any of the times, in chronological order, each once.

    A caption is displayed if start <= time < end.
    """
    return tuple(
        caption.text
        for caption in sorted(captions, key=lambda caption: (caption.start, caption.end))
        if caption.text and any(caption.start <= time < caption.end for time in times)
    )
