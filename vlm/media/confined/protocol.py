"""The messages between a program and the process that reads media for it.

A backend is a generator of `Message`s, so it is the same code whether it runs in this process or
in a worker that sends them over a socket:

    {"event": "info", ...}                      what the file is: the fields of MediaInfo
    {"event": "start", "total": T, "turns": k, "mirror": b, "duration": s, "backend": name}
    {"event": "frame", "time": s, "width": w, "height": h, "stride": n}    + rgb24 rows
    {"event": "end", "damaged": [...], "warnings": [...]}

A worker adds three that end an answer early:

    {"event": "error", "text": "..."}           a MediaError
    {"event": "memory"}                         a MemoryError
    {"event": "failed", "text": "..."}          any other exception

On the socket a question is one packet, JSON plus the open file's descriptor; a message is a fixed
header (bytes of JSON, bytes of payload), the JSON and the payload.
"""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from vlm.media.confined.limits import Limits, MediaError
from vlm.media.kinds import Kind
from vlm.media.sampling import one_for_each_frame, segment_times
from vlm.media.source import Source

Message = tuple[dict[str, Any], "memoryview | bytes"]
Check = Callable[[], None]  # a backend calls it often; it raises to stop the backend

BACKENDS = ("auto", "pyav", "pillow", "decord")

_HEADER = struct.Struct("!IQ")  # bytes of JSON, bytes of payload
_MAX_JSON = 2**20


@dataclass(frozen=True)
class Request:
    """How to read one file: at `times` (seconds from the first frame) or `num_frames` evenly."""

    do: Literal["probe", "video", "image", "captions"]
    num_frames: int | None = None
    times: tuple[float, ...] | None = None
    size: int | None = None  # longest side of the result; nothing is enlarged
    square: int | None = None  # then resized to squares of this side, aspect ratio not kept
    backend: str = "auto"
    threads: int = 1
    isolated: bool = False  # read in a process of its own; then old formats are allowed too
    limits: Limits = field(default_factory=Limits)
    until: float | None = None  # seconds; frames that are displayed later are not decoded
    page: int | None = None  # of a document, from 0; None: the first, with a warning

    def __post_init__(self) -> None:
        if self.backend not in BACKENDS:
            raise ValueError(f"unknown backend {self.backend!r}; known: {', '.join(BACKENDS)}")
        if self.num_frames is not None and self.times is not None:
            raise ValueError("give num_frames or times, not both")
        requested = len(self.times) if self.times is not None else self.num_frames
        if requested is not None and not 1 <= requested <= self.limits.num_frames:
            raise MediaError(
                f"{requested} frames were requested; the number must be between 1 and "
                f"{self.limits.num_frames}."
            )
        if self.until is not None and (self.times is None or max(self.times) > self.until):
            raise ValueError("reading up to a moment needs times, none of them later")
        if self.size is not None and self.size < 1:
            raise ValueError(f"size must be a positive number of pixels, got {self.size}")

    @property
    def count(self) -> int:
        """The number of different times requested."""
        return (self.num_frames or 16) if self.times is None else len(set(self.times))

    def times_in(self, duration: float, frames: Sequence[float] = ()) -> list[float]:
        """Returns the requested times, sorted, each once; by default 16 spread over `duration`.

        `frames` are the times at which frames begin, if known: then no two of the spread times fall
        on one frame.
        """
        if self.times is not None:
            return sorted(set(self.times))
        times = segment_times(duration, self.count)
        return one_for_each_frame(times, frames, duration) if frames else times


class BadMessageError(Exception):
    """The other side of the socket sent a message with impossible sizes."""


def send_request(connection: socket.socket, source: Source, request: Request) -> None:
    """Sends a request together with the descriptor of the file it is about."""
    question = {
        "request": {**vars(request), "limits": vars(request.limits)},
        "name": source.name,
        "size": source.size,
        "kind": vars(source.kind),
    }
    socket.send_fds(connection, [json.dumps(question).encode()], [source.fd])


def receive_request(connection: socket.socket) -> tuple[Source, Request] | None:
    """The next request and its open file; None once the other side has closed the socket."""
    text, descriptors, _, _ = socket.recv_fds(connection, 2**20, 1)
    if not text:
        return None
    question = json.loads(text)
    limits = Limits(**question["request"].pop("limits"))
    request = Request(limits=limits, **question["request"])
    kind = Kind(**question["kind"])
    return Source(descriptors[0], question["name"], question["size"], kind), request


def send_message(
    connection: socket.socket, head: dict[str, Any], payload: memoryview | bytes = b""
) -> None:
    """Sends one message of an answer."""
    body = json.dumps(head).encode()
    payload = memoryview(payload).cast("B")
    front = _HEADER.pack(len(body), len(payload)) + body
    sent = connection.sendmsg([front, payload])  # one call, so that the reader wakes once
    connection.sendall(front[sent:])
    connection.sendall(payload[max(0, sent - len(front)) :])


def receive_message(receive: Callable[[int], memoryview], max_payload: int) -> Message:
    """Reads one message by `receive(num_bytes)`. Raises BadMessageError on impossible sizes."""
    num_json, num_payload = _HEADER.unpack(receive(_HEADER.size))
    if num_json > _MAX_JSON or num_payload > max_payload:
        raise BadMessageError
    return json.loads(bytes(receive(num_json))), receive(num_payload)
