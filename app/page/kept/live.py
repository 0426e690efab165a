"""Streams that visitors' browsers send, frame by frame, for questions at any moment.

A frame is raw pixels, so nothing of it is parsed. The name of a stream is random and issued by an
event of the page, which needs its login.
"""

import secrets
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.replier import Replier
from vlm.assistant import Decided, MediaSource, State, Stream
from vlm.inference.workers import release_workers

MOST = 4  # streams at once
IDLE = 120.0  # seconds without a frame, after which a stream gives its place up
LONGEST_SIDE = 640  # pixels
LATEST = 4  # frames that a watch looks at
CAMERA = Path("live picture")
YES, NO = "Yes", "No"
FULL = "Too many live pictures are followed already; try again later."
ENDED = "This live picture has ended; start it again."


@dataclass(frozen=True)
class Watch:
    """What a visitor waits for: a yes/no question, and how probable "yes" has to be."""

    question: str
    threshold: float  # 0 to 1


@dataclass
class _Followed:
    stream: Stream = field(default_factory=Stream)
    watch: Watch | None = None
    used: float = 0.0  # on the clock
    lock: threading.Lock = field(default_factory=threading.Lock)  # one frame after the other


class LiveStreams:
    """The streams of all visitors, by their names."""

    def __init__(self, assistant: Replier, now: Any = time.monotonic) -> None:
        self._assistant, self._now = assistant, now
        self._streams: OrderedDict[str, _Followed] = OrderedDict()
        self._lock = threading.Lock()

    def begin(self) -> str:
        """Returns the name of a new stream. Raises ValueError if there are too many."""
        with self._lock:
            for name in [n for n, s in self._streams.items() if s.used < self._now() - IDLE]:
                del self._streams[name]
            if len(self._streams) >= MOST:
                raise ValueError(FULL)
            name = secrets.token_urlsafe(16)
            self._streams[name] = _Followed(used=self._now())
            return name

    def end(self, name: str) -> None:
        """Forgets a stream."""
        with self._lock:
            self._streams.pop(name, None)

    def follows(self, name: str) -> bool:
        """Returns whether there is a stream of that name."""
        return name in self._streams

    def stream(self, name: str) -> Stream | None:
        """Returns what is kept of a stream; None if it has ended or shown nothing yet."""
        followed = self._streams.get(name)
        return followed.stream if followed is not None and followed.stream.frames else None

    def watch(self, name: str, watch: Watch | None) -> None:
        """Sets or ends what to wait for. Raises KeyError if the stream has ended."""
        self._streams[name].watch = watch

    def see(self, name: str, frame: NDArray[np.uint8], seconds: float) -> dict[str, Any]:
        """Looks at a frame uint8 [H, W, 3] and returns what the page shows of the stream.

        `probability` is that of what is waited for. Raises KeyError if the stream has ended, and
        ValueError if the model cannot follow one.
        """
        followed = self._streams[name]
        followed.used = self._now()
        try:
            return self._see(followed, frame, seconds)
        finally:
            release_workers()  # the thread serves other requests, too

    def _see(self, followed: _Followed, frame: NDArray[np.uint8], seconds: float) -> dict[str, Any]:
        with followed.lock:
            stream = self._assistant.see_next(followed.stream, frame, seconds)
            followed.stream = stream
            watch = followed.watch
            report: dict[str, Any] = {"seen": stream.num_seen, "kept": len(stream.frames)}
            report["since"] = stream.frames[0].time
            if watch is not None:
                report["probability"] = self._probability(stream.latest(LATEST), watch.question)
                report["found"] = report["probability"] >= watch.threshold
        return report

    def _probability(self, stream: Stream, question: str) -> float:
        source = MediaSource(CAMERA, stream=stream)
        *_, last = self._assistant.decide(State(), question, (YES, NO), [source])
        assert isinstance(last, Decided)
        yes, no = (np.exp(logprob) for logprob in last.logprobs)
        return float(yes / (yes + no))
