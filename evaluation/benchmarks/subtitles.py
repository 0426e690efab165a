"""Subtitles of a video, and which of them belong to the frames that were seen.

Two rules. "clean" is ours: a caption belongs to a frame if start <= t < end, captions come in order
of time, each once. "official" repeats the tool Video-MME names: strictly between start and end, the
first caption that fits, one line a frame, so that a long caption is said again and again.
"""

import codecs
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True)
class Caption:
    """What is said from `start` to `end`, in seconds."""

    start: float
    end: float
    text: str  # one line, without markup
    written: str = ""  # as the official tool has it: codes like {\\i1} are left in


def read_subtitles(path: Path) -> list[Caption]:
    """The captions of an srt (or vtt, ass) file as they stand there; empty ones are left out.

    ValueError says in a sentence what is wrong with the file.
    """
    import pysubs2  # read only where subtitles are asked for

    try:
        text = decode(path.read_bytes())
    except OSError as error:
        raise ValueError(f"{path}: the subtitles cannot be read ({error.strerror}).") from error
    except UnicodeError as error:
        raise ValueError(
            f"{path}: the subtitles are neither Unicode nor in Western letters; save them as UTF-8."
        ) from error
    if not text.strip():
        return []
    try:
        events = pysubs2.SSAFile.from_string(text, format_=_format(text))
    except (pysubs2.exceptions.Pysubs2Error, ValueError) as error:
        raise ValueError(f"{path}: these are no subtitles ({error}).") from error
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
        raise ValueError(f"{path}: holds text, but no caption with a time.")
    return [caption for caption in captions if caption.text or caption.written.strip()]


def _format(text: str) -> str:
    if text.lstrip().startswith("WEBVTT"):
        return "vtt"
    return "ass" if "[Script Info]" in text else "srt"


def decode(data: bytes) -> str:
    """Text in UTF-8, UTF-16 or UTF-32 by its mark, else UTF-8, else Windows' Western letters.

    UnicodeError if it is none of them: which of the other alphabets it is, bytes alone do not say.
    """
    for mark, encoding in BOMS:
        if data.startswith(mark):
            return data.decode(encoding)
    if data.count(0) > len(data) // 4:  # UTF-16 without its mark
        little = data[1::2].count(0) > data[::2].count(0)
        return data.decode("utf-16-le" if little else "utf-16-be")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        runs = re.findall(rb"[\x80-\xff]+", data)
        if sum(map(len, runs)) > 1.5 * len(runs):  # accents stand alone, other scripts in rows
            raise
        return data.decode("cp1252", errors="replace")


def clean_rule(captions: Sequence[Caption], times: Sequence[float]) -> tuple[str, ...]:
    """Captions on show at any of the times: in order of time, each once."""
    return tuple(
        caption.text
        for caption in sorted(captions, key=lambda caption: (caption.start, caption.end))
        if caption.text and any(caption.start <= time < caption.end for time in times)
    )


def official_rule(captions: Sequence[Caption], times: Sequence[float]) -> tuple[str, ...]:
    """One line for each time that lies strictly inside a caption: the first such caption's."""
    lines = []
    for time in times:
        now = round(time * 1000)
        inside = (c for c in captions if round(c.start * 1000) < now < round(c.end * 1000))
        caption = next(inside, None)
        if caption is not None and caption.written.strip():
            lines.append(caption.written)
    return tuple(lines)


Rule = Callable[[Sequence[Caption], Sequence[float]], tuple[str, ...]]
RULES: dict[str, Rule] = {"clean": clean_rule, "official": official_rule}
