"""The pictures and videos of messages in the common form: paths, PIL pictures, arrays of pixels."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

import numpy as np

from vlm.conversation import Image, Video
from vlm.media.decode import read_image, read_video
from vlm.media.pixels import pixels_of


def read_part(part: Mapping[str, Any], num_frames: int) -> Image | Video:
    """Reads the medium of a message part: a path, a PIL picture, or an array of pixels."""
    source = _source(part)
    if part["type"] == "image":
        if isinstance(source, str | Path):
            source = read_image(Path(source)).pixels
        elif hasattr(source, "convert"):  # a PIL picture
            source = pixels_of(source)
        return Image(source)
    if isinstance(source, str | Path):
        video = read_video(Path(source), num_frames=num_frames)
        return Video(video.frames, video.times)
    if isinstance(source, list | tuple):
        source = np.stack(
            [pixels_of(x) if hasattr(x, "convert") else np.asarray(x) for x in source]
        )
    return Video(source, np.asarray(part.get("times", range(len(source))), dtype=np.float64))


def _source(part: Mapping[str, Any]) -> Any:
    """Returns the medium of a part, under any of the keys that chat templates use."""
    kind = part["type"]
    given = [key for key in (kind, "path", "url") if part.get(key) is not None]
    if not given:
        raise ValueError(
            f"a message has a part of type {kind!r} without a medium; give a path, a PIL picture or"
            f' pixels under "{kind}", or a path under "path" or "url".'
        )
    source = part[given[0]]
    if not isinstance(source, str):
        return source
    if source.startswith("file://"):
        return url2pathname(urlsplit(source).path)
    if re.match(r"(https?|ftps?|s3|gs|data|hf):", source, re.IGNORECASE):
        raise ValueError(
            f"a message gives {source[:60]!r}; addresses are not fetched, save the file and give"
            " its path."
        )
    return source
