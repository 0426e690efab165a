"""Scores frames as they arrive, from a file that grows or from a pipe."""

import argparse
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.frame_strip import clock
from app.sanitize import for_terminal
from vlm.heads.folder import LoadedVideoText
from vlm.heads.stream import StreamState, check_streams, next_scores
from vlm.media.confined.limits import MediaError
from vlm.media.decode import MediaReader
from vlm.media.y4m import y4m_frames

PIPE, POLL = "-", 0.5  # seconds between looks at a file that grows
AT_ONCE = 32  # frames that are decoded together
TAIL = 0.25  # seconds at the end of a growing file that may not be complete
Arriving = Iterator[tuple[float, NDArray[np.uint8]]]


def follow(loaded: LoadedVideoText, name: str, words: str, args: argparse.Namespace) -> int:
    """Prints a line for each frame until the stream ends. Returns the exit code."""
    check_streams(loaded)
    frames = (
        every(y4m_frames(sys.stdin.buffer), args.every)
        if name == PIPE
        else growing(Path(name), args.every, args.wait, loaded.config.image_size)
    )
    state, found = StreamState(), False
    for second, frame in frames:
        scores, state = next_scores(loaded, frame[None], [words], state)
        score = float(scores[0, 0])
        above = score >= args.threshold
        found = found or above
        sys.stdout.write(_line(second, score, above, words, args.json))
        sys.stdout.flush()
    return 0 if found else 1


def _line(second: float, score: float, above: bool, words: str, as_json: bool) -> str:
    if as_json:
        return json.dumps({"time": second, "score": round(score, 6), "found": above}) + "\n"
    mark = for_terminal(words) if above else ""
    return f"{clock(second)}  {score:.2f}  {mark}".rstrip() + "\n"


def every(frames: Arriving, seconds: float) -> Arriving:
    """Those of a stream that are at least so many seconds apart."""
    due = 0.0
    for second, frame in frames:
        if second + 1e-9 >= due:
            yield second, frame
            due += seconds * max(1, int((second - due) / seconds + 1e-9) + 1)


def growing(path: Path, seconds: float, wait: float, size: int) -> Arriving:
    """Frames of a file as it grows, until it has not for `wait` seconds.

    Raises MediaError if it cannot be read then.
    """
    due, last_bytes, since = seconds / 2, -1, time.monotonic()
    with MediaReader() as reader:
        while True:
            now = path.stat().st_size if path.exists() else 0
            if now != last_bytes:
                last_bytes, since = now, time.monotonic()
            ended = time.monotonic() - since > wait
            more = False
            for second, frame in _ready(path, due, seconds, size, reader, ended):
                yield second, frame
                due, more = max(due, second) + seconds, True
            if more:
                continue  # of a long recording the next are there already
            if ended:
                return
            time.sleep(POLL)


def _ready(
    path: Path, due: float, seconds: float, size: int, reader: MediaReader, ended: bool
) -> Arriving:
    """The frames that are due and complete."""
    try:
        duration = reader.probe(path).duration or 0.0
        end = duration if ended else duration - TAIL
        times = np.arange(due, end, seconds)[:AT_ONCE].tolist()
        if not times:
            return
        video = reader.read_video(path, times=times, square=size)
    except MediaError:
        if ended:
            raise
        return  # its header may not be complete
    yield from zip(video.times.tolist(), video.frames, strict=True)
