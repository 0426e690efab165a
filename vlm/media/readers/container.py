"""Opens a video with FFmpeg; only allowed containers, codecs and sizes reach a decoder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import av
from av.error import FFmpegError

from vlm.media.confined.limits import MediaError
from vlm.media.confined.protocol import Check, Request
from vlm.media.kinds import CODECS, OLD_CODECS, OLD_READERS
from vlm.media.readers.timeline import Timeline, read_timeline
from vlm.media.source import Source

# PyAV itself raises UnicodeDecodeError and IndexError on damaged headers.
READ_ERRORS = (FFmpegError, OSError, ValueError, IndexError)

# FFmpeg's names.
FORMATS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,yuv4mpegpipe"
DECODERS = {"libdav1d", "libvpx", "libvpx-vp9", "flv", "msmpeg4"}  # not named as their codec

av.logging.set_level(None)  # log callbacks into Python can deadlock, and do not help a user


@contextmanager
def open_with_timeline(
    source: Source, request: Request, check: Check, strict: bool = False, exact: bool = False
) -> Iterator[tuple[Any, Any, Timeline]]:
    """Yields (container, video stream, timeline), ready to decode from the beginning."""
    with open_video(source, request, strict) as (container, stream):
        timeline = read_timeline(container, stream, source, check, exact)
        limit = request.limits.duration
        if timeline.duration > limit:
            raise MediaError(
                f"{source.name} lasts {timeline.duration / 3600:.2f} hours; the limit is "
                f"{limit / 3600:.2f}. Cut it into parts."
            )
        if not timeline.walked:
            yield container, stream, timeline
            return
    # The packets were read to the end; reopening is safer than seeking back, above all in AVI.
    with open_video(source, request, strict) as (container, stream):
        yield container, stream, timeline


@contextmanager
def open_video(source: Source, request: Request, strict: bool = False) -> Iterator[tuple[Any, Any]]:
    """Yields (container, video stream), checked against allow-lists and limits, not yet decoded."""
    allowed = CODECS | OLD_CODECS if request.isolated else CODECS
    if source.kind.reader in OLD_READERS and not request.isolated:
        raise _only_isolated(source, source.kind.name)
    options = {
        "protocol_whitelist": "file",
        "format_whitelist": f"{FORMATS},{','.join(OLD_READERS)}" if request.isolated else FORMATS,
        "codec_whitelist": ",".join(sorted(allowed | DECODERS)),  # while streams are probed
    }
    try:
        container = av.open(
            source.url, format=source.kind.reader, options=options, metadata_errors="replace"
        )
    except READ_ERRORS:
        if source.kind.reader == "mov" and not _has_box(source.fd, b"moov"):
            raise MediaError(
                f"{source.name} is incomplete: the index of the MP4, often its last part, is "
                "missing. Copy or upload it again."
            ) from None
        raise MediaError(
            f"{source.name} begins like a {source.kind.name} video but cannot be read; "
            "it is damaged. Copy or upload it again."
        ) from None
    with container:
        stream = _main_stream(container, source)
        codec = stream.codec_context.codec.canonical_name
        if codec in OLD_CODECS - allowed:
            raise _only_isolated(source, codec)
        if codec not in allowed:
            raise MediaError(
                f"{source.name} is encoded with {codec}, which is not supported; convert it to MP4 "
                "(H.264) first."
            )
        _check_size(stream.width, stream.height, source, request)
        stream.codec_context.options = {
            "max_pixels": str(request.limits.pixels),
            **({"err_detect": "explode"} if strict else {}),  # else the decoder conceals errors
        }
        stream.thread_count = request.threads
        stream.thread_type = "AUTO"
        yield container, stream


def _only_isolated(source: Source, what: str) -> MediaError:
    return MediaError(
        f"{source.name} is in an old format ({what}), which is only read in a process of its own: "
        "leave isolated=True, or convert it to MP4 (H.264) first."
    )


def _main_stream(container: Any, source: Source) -> Any:
    """Returns the film, not the cover picture: the default stream first, then the largest."""
    cover = av.stream.Disposition.attached_pic
    films = [s for s in container.streams.video if not s.disposition & cover]
    streams = [s for s in films if s.codec_context is not None]
    if films and not streams:
        raise MediaError(
            f"{source.name} uses an unknown codec or is damaged; convert it to MP4 (H.264) first."
        )
    if not streams:
        what = "only sound" if container.streams.audio else "no video"
        raise MediaError(f"{source.name} contains {what}; send a video or picture.")
    default = av.stream.Disposition.default
    return max(streams, key=lambda s: (bool(s.disposition & default), s.width * s.height))


def _check_size(width: int, height: int, source: Source, request: Request) -> None:
    limits = request.limits
    if width * height > limits.pixels:
        raise MediaError(
            f"{source.name} has frames of {width} x {height}; the limit is "
            f"{limits.pixels / 1e6:.0f} million pixels. Scale it down first."
        )
    if min(width, height) and max(width, height) / min(width, height) > limits.aspect_ratio:
        raise MediaError(
            f"{source.name} is {width} x {height}: one side is more than "
            f"{limits.aspect_ratio:.0f} times the other. Crop it first."
        )


def _has_box(fd: int, wanted: bytes) -> bool:
    """Returns whether an MP4 has this box, whole, at its top level."""
    size, at = os.fstat(fd).st_size, 0
    for _ in range(10_000):
        head = os.pread(fd, 16, at)
        if len(head) < 8:
            return False
        length = int.from_bytes(head[:4], "big")
        if length == 1:
            length = int.from_bytes(head[8:16], "big")
        if head[4:8] == wanted:
            return at + length <= size
        if length < 8:
            return False
        at += length
    return False


def readable_codecs() -> dict[str, bool]:
    """For each supported codec, whether the FFmpeg inside PyAV has a decoder."""
    other = {"flv1": "flv", "msmpeg4v3": "msmpeg4"}
    return {
        name: other.get(name, name) in av.codecs_available for name in sorted(CODECS | OLD_CODECS)
    }
