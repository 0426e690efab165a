"""Reads the subtitles inside a film: the packets of a track of text, which are not decoded."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import av

from vlm.media.confined.protocol import Check, Message, Request
from vlm.media.readers.container import READ_ERRORS, open_video
from vlm.media.source import Source

TEXT_CODECS = frozenset(["subrip", "text", "webvtt", "mov_text", "ass"])
MAX_CHARACTERS = 200_000  # of a track


def read_captions(source: Source, request: Request, check: Check) -> Iterator[Message]:
    """Yields one "info" message; its `captions` are [start, end, text], in seconds."""
    captions: list[tuple[float, float, str]] = []
    with open_video(source, request) as (container, _):
        track = _track(container)
        try:
            if track is not None:
                captions = list(_captions(container, track, check))
        except READ_ERRORS:
            captions = []  # the film itself may still be readable
    yield {"event": "info", "captions": captions}, b""


def _track(container: Any) -> Any:
    """Returns the default track of text, else the first; None if missing."""
    tracks = [
        stream
        for stream in container.streams.subtitles
        if stream.codec_context is not None
        and stream.codec_context.codec.canonical_name in TEXT_CODECS
    ]
    default = av.stream.Disposition.default
    return next((t for t in tracks if t.disposition & default), tracks[0] if tracks else None)


def _captions(container: Any, track: Any, check: Check) -> Iterator[tuple[float, float, str]]:
    codec = track.codec_context.codec.canonical_name
    begin, left = (container.start_time or 0) / av.time_base, MAX_CHARACTERS
    for packet in container.demux(track):
        check()
        text = _plain(bytes(packet), codec)[:left]
        if packet.pts is None or not packet.duration or not text:
            continue
        left -= len(text)
        start = float(packet.pts * packet.time_base) - begin
        yield start, start + float(packet.duration * packet.time_base), text
        if not left:
            return


def _plain(content: bytes, codec: str) -> str:
    """Returns one line without markup."""
    if codec == "mov_text":  # its length comes first, boxes of style follow
        content = content[2 : 2 + int.from_bytes(content[:2], "big")]
    text = content.decode("utf-8", "replace")
    if codec == "ass":  # eight fields stand before the text
        text = ",".join(text.split(",")[8:])
    text = re.sub(r"\\[Nnh]", " ", re.sub(r"\{\\[^{}]*\}|<[^<>]*>", "", text))
    return " ".join(text.split())
