"""The process behind data/samples/decoder.py: reads one file after another until nobody asks.

It loads no torch. Its memory is limited, and it cannot write files but its own copies of members of
tar files.
"""

import contextlib
import dataclasses
import json
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vlm.media.confined.limits import DEFAULT_LIMITS, Limits, MediaError
from vlm.media.decode import probe, read_image, read_video
from vlm.media.squares import resize_frames

Answer = tuple[dict[str, Any], "NDArray[np.uint8] | None"]


def main() -> None:
    """Answers what comes over standard input, which is a socket."""
    # Schedulers send it to all processes of a job. This one ends with the socket, or is killed.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    connection = Connection(os.dup(0))
    confine(DEFAULT_LIMITS.memory_bytes)
    while True:
        try:
            request = json.loads(connection.recv_bytes())
        except EOFError:
            return
        head, frames = answer(request)
        connection.send_bytes(json.dumps(head).encode())
        if frames is not None:
            connection.send_bytes(np.ascontiguousarray(frames).data.cast("B"))


def answer(request: dict[str, Any]) -> Answer:
    """The head of the answer, and the pixels."""
    limits = dataclasses.replace(DEFAULT_LIMITS, seconds=request["seconds"])
    try:
        with as_file(request) as path:
            return read(path, request, limits)
    except MediaError as error:
        return {"error": str(error)}, None
    except MemoryError:
        return {"error": f'"{Path(request["path"]).name}" needs more memory than allowed.'}, None
    except Exception as error:  # noqa: BLE001  whatever it is, the parent shall hear of it
        name = Path(request["path"]).name
        return {"error": f'"{name}" could not be read ({type(error).__name__}: {error}).'}, None


def read(path: Path, request: dict[str, Any], limits: Limits) -> Answer:
    """One file, as it is asked for."""
    if request["do"] == "probe":
        info = dataclasses.asdict(probe(path, limits, isolated=False))
        return {"info": info}, None
    square = request["square"]
    if request["do"] == "image":
        pixels = read_image(path, limits=limits, isolated=False).pixels[None]
        times: list[float] = []
        damaged: tuple[str, ...] = ()
    else:
        # Four times the square is more than any resampling sees, and keeps 4K films small.
        video = read_video(
            path, request["num_frames"], size=4 * square, limits=limits, isolated=False
        )
        pixels, times, damaged = video.frames, video.times.tolist(), video.damaged
    if square:
        pixels = resize_frames(pixels, square)
    return {"shape": pixels.shape, "times": times, "damaged": damaged}, pixels


@contextlib.contextmanager
def as_file(request: dict[str, Any]) -> Iterator[Path]:
    """The file itself, or, of a member of a tar file, a copy under its own name."""
    path = Path(request["path"])
    if "archive" not in request:
        yield path
        return
    folder = Path(tempfile.mkdtemp(prefix="revisit-"))
    try:
        with open(request["archive"], "rb") as tar, (folder / path.name).open("wb") as copy:
            tar.seek(request["offset"])
            left = request["size"]
            while left > 0:
                piece = tar.read(min(left, 2**20))
                if not piece:
                    raise MediaError(f'"{path.name}" is cut off: its tar file ends within it.')
                copy.write(piece)
                left -= len(piece)
        yield folder / path.name
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def confine(memory_bytes: int) -> None:
    """Limits this process for the rest of its life."""
    import resource

    for name, value in (("RLIMIT_AS", memory_bytes), ("RLIMIT_CORE", 0), ("RLIMIT_NOFILE", 64)):
        with contextlib.suppress(ValueError, OSError):  # macOS refuses some
            resource.setrlimit(getattr(resource, name), (value, value))
