"""How other formats name a picture or a film: a path, an address, base64, a dict, a list of frames.

"a.png" · "file:///a.png" · "data:image/png;base64,..."
{"path": "a.png"} · {"url": ...} · {"path": null, "bytes": "base64"} · {"image": ...}
["f1.jpg", "f2.jpg"], or a folder: a film by its frames
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

NAME_KEYS = (
    *("path", "url", "image", "video", "image_url", "video_url"),
    *("file", "file_name", "filename", "image_path", "video_path"),
)
CONTENT_KEYS = ("bytes", "base64", "data")  # base64 in each
# Only a part of a film: the answer about it would be learned for the whole film.
CUT_KEYS = ("video_start", "video_end", "start_time", "end_time")
STILLS = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".avif", ".heic")
FRAMES_PER_SECOND = 2.0  # of a list of frames without `sample_fps`, as in qwen-vl-utils


class CannotConvertError(ValueError):
    """A conversation that records cannot hold, with the reason."""


@dataclass(frozen=True)
class Frames:
    """A film by the files of its frames, in order."""

    names: tuple[str, ...]
    per_second: float = FRAMES_PER_SECOND


MediaName = str | Frames


def names(value: Any, what: str, kind: str) -> list[MediaName]:
    """Returns the media in a field that holds one of them, a list of them or nothing."""
    if value in (None, "") or value != value:  # noqa: PLR0124  pandas writes NaN for nothing
        return []
    listed = value if isinstance(value, list) else [value]
    if kind == "video" and listed and all(is_still(item) for item in listed):
        return [media_name(listed, what, kind)]
    return [media_name(item, what, kind) for item in listed]


def media_name(value: Any, what: str, kind: str) -> MediaName:
    """Returns the name of one picture or film; `what` is the field, for messages."""
    if isinstance(value, Mapping):
        return _of_dict(value, what, kind)
    if isinstance(value, list) and value and kind == "video":
        frames = [media_name(item, what, "image") for item in value]
        return Frames(tuple(name for name in frames if isinstance(name, str)))
    if not isinstance(value, str) or not value.strip():
        raise CannotConvertError(f'"{what}" contains {value!r:.60}, which is not a file name')
    return value


def has_name(part: Mapping[str, Any]) -> bool:
    """Returns whether a part of a message names its file."""
    return any(part.get(key) not in (None, "") for key in (*NAME_KEYS, *CONTENT_KEYS, "source"))


def is_still(value: Any) -> bool:
    """Returns whether a name in a list of a film is that of a frame."""
    if isinstance(value, Mapping):
        value = next((value[key] for key in NAME_KEYS if value.get(key)), None)
    if not isinstance(value, str):
        return False
    return value.lower().endswith(STILLS) or value.startswith("data:image/")


def _of_dict(value: Mapping[str, Any], what: str, kind: str) -> MediaName:
    cut = next((key for key in CUT_KEYS if value.get(key) is not None), None)
    if cut is not None:
        raise CannotConvertError(f'"{cut}" names a part of a film, which records cannot hold')
    source = value.get("source")  # Anthropic's form
    if isinstance(source, Mapping):
        return _of_dict(source, what, kind)
    for key in CONTENT_KEYS:
        if value.get(key) is not None:
            if not isinstance(value[key], str):
                raise CannotConvertError(f'"{key}" of the {kind} is not base64; save it as a file')
            content = value[key]
            return content if content.startswith("data:") else f"data:;base64,{content}"
    for key in NAME_KEYS:
        if value.get(key) not in (None, ""):
            name = media_name(value[key], what, kind)
            return Frames(name.names, _rate(value)) if isinstance(name, Frames) else name
    raise CannotConvertError(f'"{what}" names no file for the {kind}')


def _rate(value: Mapping[str, Any]) -> float:
    """Frames per second of a list of frames."""
    for key in ("sample_fps", "raw_fps", "fps"):
        rate = value.get(key)
        if rate is None:
            continue
        if isinstance(rate, bool) or not isinstance(rate, int | float) or not 0 < rate <= 1000:
            raise CannotConvertError(f'"{key}" is {rate!r:.40}, which is not a frame rate')
        return float(rate)
    return FRAMES_PER_SECOND
