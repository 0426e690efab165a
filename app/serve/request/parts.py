"""The parts of a message: text, and media in every spelling that clients use.

    image   image_url {url, detail} or a string · input_image (Responses) · image
    video   video_url {url} or a string · input_video {data} or {url} (llama.cpp) · video
    frames  a list of pictures in place of a video's URL, with `times` or `fps`;
            data:video/jpeg;base64,A,B,C (vLLM)
    file    file {file_id} or {file_data} · input_file (Responses) · file_id in any of the above

What a client calls a file is not trusted: the decoder recognizes it by its bytes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from app.serve.errors import invalid
from app.serve.limits import ServeLimits
from app.serve.request.fields import Fields

TEXTS = ("text", "input_text", "output_text")
# Each type, and the field that holds its medium.
MEDIA = {
    "image_url": "image_url",
    "input_image": "image_url",
    "image": "image",
    "video_url": "video_url",
    "input_video": "input_video",
    "video": "video",
    "file": "file",
    "input_file": "input_file",
}
NESTED = ("image_url", "image", "video_url", "input_video", "video", "file")
ADDRESSES = ("url", "data", "file_data", "file_url", "video_url", "image_url")
FRAMES = "data:video/jpeg;base64,"  # vLLM: pictures, joined by commas
LONGEST = 10**6  # seconds of a film


@dataclass(frozen=True)
class MediaPart:
    """A file of a message, before it is fetched."""

    where: str  # its field in the request
    kind: str  # "image", "video" or "file", as the client calls it
    addresses: tuple[str, ...]  # URLs, data, or ids of files; several: the frames of a video
    times: tuple[float, ...] = ()  # seconds of the frames
    num_frames: int | None = None
    fps: float | None = None
    start: float | None = None
    end: float | None = None
    looks: int | None = None
    max_tiles: int | None = None


Part = str | MediaPart


def parse_content(content: Any, where: str, limits: ServeLimits) -> list[Part]:
    """Returns the parts of a message's content: a string, or a list of parts."""
    if isinstance(content, str):
        return [content]
    if not isinstance(content, list):
        raise invalid(f"{where} must be a string or a list of parts.", where, "invalid_type")
    return [_part(item, f"{where}[{i}]", limits) for i, item in enumerate(content)]


def _part(item: Any, where: str, limits: ServeLimits) -> Part:
    if isinstance(item, str):
        return item
    part = Fields(item, where)
    kind = part.text("type")
    part.ignore(["cache_control"])
    if kind in TEXTS:
        part.ignore(["annotations", "logprobs"])  # of a Responses answer that is sent back
        text = part.text("text")
        part.end()
        return text
    if kind not in MEDIA:
        known = ", ".join((*TEXTS, *MEDIA))
        place = part.place("type")
        raise invalid(f"{place} is {kind!r:.100}; known are {known}.", place)
    return _media(part, kind, where, limits)


def _media(part: Fields, kind: str, where: str, limits: ServeLimits) -> MediaPart:
    """Reads a medium; its options may stand in the part or beside its address."""
    name = MEDIA[kind]
    fields = [part]
    given: list[Any] = []
    if name in NESTED and isinstance(part.raw(name), dict):
        fields.append(Fields(part.raw(name), part.place(name)))
    elif name in part:
        given.append(part.raw(name))
    for source in fields:
        given += [
            source.raw(address)
            for address in (*ADDRESSES, "file_id")
            if address in source
            and (source is not part or address != name)
            and not isinstance(source.raw(address), dict)
        ]
    ids = [source.raw("file_id", "file-") for source in fields]
    if not all(isinstance(i, str) and i.startswith("file-") for i in ids):
        raise invalid(f"{where}.file_id must be an id of /v1/files, file-...", f"{where}.file_id")
    if len(given) != 1:
        many = "more than one" if given else "no"
        raise invalid(f"{where} has {many} URL, data or file_id.", where)
    options = _options(fields)
    addresses, times = _addresses(given[0], fields, options["fps"], where, limits)
    if len(addresses) > 1 or times:
        options["fps"] = None  # it spaces the frames
    for source in reversed(fields):
        source.ignore(["detail", "uuid", "format", "filename", "mime_type", "min_frames"])
        source.end()
    family = "file" if "file" in kind else "image" if "image" in kind else "video"
    return MediaPart(where, family, addresses, times, **options)


def _options(fields: Sequence[Fields]) -> dict[str, Any]:
    options: dict[str, Any] = dict.fromkeys(
        ("num_frames", "fps", "start", "end", "looks", "max_tiles")
    )
    for source in fields:
        read = {
            "num_frames": source.integer("num_frames", 1, 10**6),
            "fps": source.number("fps", 1e-3, 1000),
            "start": source.number("start", 0, LONGEST),
            "end": source.number("end", 0, LONGEST),
            "looks": source.integer("looks", 1, 10**6),
            "max_tiles": source.integer("tiles", 1, 10**6),
        }
        patches = source.integer("max_dynamic_patch", 1, 10**6)  # LMDeploy's and SGLang's word
        if read["max_tiles"] is None:
            read["max_tiles"] = patches
        most = source.integer("max_frames", 1, 10**6)
        if read["num_frames"] is None and read["fps"] is None:
            read["num_frames"] = most
        detail = source.choice("detail", ("auto", "low", "high", "original"), None)
        if read["max_tiles"] is None and detail == "low":
            read["max_tiles"] = 1
        options |= {name: value for name, value in read.items() if value is not None}
    if options["num_frames"] is not None and options["fps"] is not None:
        raise invalid(f"{fields[0].place('fps')}: give fps or num_frames, not both.")
    return options


def _addresses(
    given: Any, fields: Sequence[Fields], fps: float | None, where: str, limits: ServeLimits
) -> tuple[tuple[str, ...], tuple[float, ...]]:
    """Returns the addresses of a medium, and the times of its frames if it is a list of them."""
    listed = [source.items("times", None) for source in fields]
    times = next((item for item in listed if item is not None), None)
    if isinstance(given, str) and given.startswith(FRAMES):
        given = [f"data:image/jpeg;base64,{data}" for data in given[len(FRAMES) :].split(",")]
    if isinstance(given, str) and given:
        if times is not None:
            raise invalid(f"{where}.times is for a list of frames.", f"{where}.times")
        return (given,), ()
    if not isinstance(given, list) or not given:
        raise invalid(f"{where} needs a URL, data, or a list of frames.", where, "invalid_type")
    if len(given) > limits.frames:
        raise invalid(f"{where} has {len(given)} frames; at most {limits.frames} are taken.", where)
    frames = [_frame(item, f"{where}[{i}]") for i, item in enumerate(given)]
    own = [time for _, time in frames if time is not None]
    if times is None:
        times = own if own else [i / (fps or 1.0) for i in range(len(frames))]
    numbers = all(isinstance(t, int | float) and not isinstance(t, bool) for t in times)
    if len(times) != len(frames) or not numbers or not all(0 <= t <= LONGEST for t in times):
        sentence = f"{where}.times must be {len(frames)} numbers of seconds, one for each frame."
        raise invalid(sentence, f"{where}.times")
    if any(later <= earlier for earlier, later in zip(times, times[1:], strict=False)):
        raise invalid(f"{where}.times must increase.", f"{where}.times")
    return tuple(address for address, _ in frames), tuple(float(t) for t in times)


def _frame(item: Any, where: str) -> tuple[str, float | None]:
    """Returns the address of a frame and its time, if it has its own."""
    if isinstance(item, str):
        return item, None
    frame = Fields(item, where)
    time = frame.number("time", 0, LONGEST)
    frame.ignore(["type", "detail"])
    given = [frame.raw(name) for name in ("url", "image_url", "image", "data") if name in frame]
    frame.end()
    inner = given[0] if given else None
    if isinstance(inner, dict):
        nested = Fields(inner, frame.place("image_url"))
        inner = nested.raw("url")
        nested.ignore(["detail"])
        nested.end()
    if len(given) != 1 or not isinstance(inner, str):
        raise invalid(f"{where} must be one URL or data of a picture.", where)
    return inner, time
