"""Reads still pictures with Pillow: upright, on white, in 8 bits, within the limits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from PIL import Image

from vlm.media.confined.limits import MediaError
from vlm.media.confined.protocol import Check, Message, Request
from vlm.media.pixels import READ_ERRORS, SIDEWAYS, displayed, orientation
from vlm.media.readers.animation_index import index_frames
from vlm.media.source import Source

ANIMATED = ("GIF", "PNG", "WEBP", "AVIF")  # several frames are an animation; in TIFF they are pages


@contextmanager
def open_image(source: Source, request: Request) -> Iterator[Image.Image]:
    """Yields the opened, not yet decoded picture. Tries only the reader of its first bytes."""
    if source.kind.reader == "HEIF":
        _register_heif(source)
    try:
        with open(source.fd, "rb", closefd=False) as file:
            file.seek(0)
            try:
                image = Image.open(file, formats=(source.kind.reader,))
            except Image.DecompressionBombError:
                raise _too_large(source, request) from None
            with image:
                _check_size(image, source, request)
                yield image
    except MediaError:
        raise
    except READ_ERRORS as error:
        raise _damaged(source) from error


def probe_image(source: Source, request: Request, check: Check) -> Iterator[Message]:
    """Yields one "info" message."""
    with open_image(source, request) as image:
        lengths = []
        if is_animated(image):
            lengths = index_frames(source, image, request, check).lengths
        frames, duration = max(1, len(lengths)), sum(lengths)
        width, height = image.size[::-1] if orientation(image) >= SIDEWAYS else image.size
        yield (
            {
                "event": "info",
                "kind": "video" if frames > 1 else "image",
                "width": width,
                "height": height,
                "duration": duration,
                "num_frames": frames,
                "fps": frames / duration if duration else 0.0,
                "container": source.kind.name,
                "codec": source.kind.reader.lower(),
                "warnings": [],
            },
            b"",
        )


def read_still(source: Source, request: Request, check: Check) -> Iterator[Message]:
    """Yields "start", one "frame", "end"."""
    warnings = []
    with open_image(source, request) as image:
        frames = getattr(image, "n_frames", 1)
        if frames > 1 and image.format != "MPO":
            name = "frames" if image.format in ANIMATED else "pages"
            warnings.append(f"Only the first of {frames} {name} was used.")
        if request.size is not None and image.format in ("JPEG", "MPO"):
            image.draft(image.mode, (2 * request.size, 2 * request.size))  # decodes less
        image.load()
        check()
        turned = orientation(image)
        picture = displayed(image, turned, image.info.get("icc_profile"))
        if request.size is not None:
            picture.thumbnail((request.size, request.size), Image.Resampling.BICUBIC)
    start = {"event": "start", "total": 1, "turns": 0, "mirror": False, "duration": 0.0}
    yield {**start, "backend": "pillow"}, b""
    yield frame_message(picture, 0.0)
    yield {"event": "end", "damaged": [], "warnings": warnings}, b""


def frame_message(picture: Image.Image, time: float) -> Message:
    width, height = picture.size
    head = {"event": "frame", "time": time, "width": width, "height": height, "stride": 3 * width}
    return head, picture.tobytes()


def is_animated(image: Image.Image) -> bool:
    return image.format in ANIMATED and bool(getattr(image, "is_animated", False))


def _check_size(image: Image.Image, source: Source, request: Request) -> None:
    width, height = image.size
    if width * height > request.limits.pixels:
        raise _too_large(source, request, f" ({width} x {height})")
    if max(width, height) > request.limits.aspect_ratio * min(width, height):
        raise MediaError(
            f"{source.name} is {width} x {height}: one side is more than "
            f"{request.limits.aspect_ratio:.0f} times the other. Crop it first."
        )


def _too_large(source: Source, request: Request, size: str = "") -> MediaError:
    limit = request.limits.pixels / 1e6
    return MediaError(
        f"{source.name} is too large{size}; the limit is {limit:.0f} million pixels. "
        "Scale it down first."
    )


def _damaged(source: Source) -> MediaError:
    return MediaError(
        f"{source.name} begins like a {source.kind.name} but cannot be read to its end; it is "
        "damaged or incomplete. Copy or upload it again."
    )


def _register_heif(source: Source) -> None:
    try:
        import pillow_heif
    except ImportError:
        raise MediaError(
            f"{source.name} is a HEIC picture; run "
            'pip install "revisit-vlm[heic]", or send it as JPEG.'
        ) from None
    pillow_heif.register_heif_opener()
