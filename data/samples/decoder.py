"""Media read in a process that can be killed, one process for many files.

A film that makes a decoder hang, crash or grow would take a loader's worker with it, and a worker
that dies ends the run. So each worker has one `Decoder`: a small process without torch that reads
file after file and hands back squares for the tower. What takes too long is killed, and the next
file gets a new process. (`vlm.media` starts a process for every file, which for uploads is right;
here it would cost more than the decoding. A file that takes a process over could lie about those
after it: train on files you trust to be films.)
"""

import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.records import MediaFile
from vlm.media.confined.limits import DEFAULT_LIMITS, Limits, MediaError
from vlm.media.decode import MediaInfo
from vlm.media.source import shown

KEPT = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "LANG", "LC_ALL", "TMPDIR")
ADDED = {"MALLOC_ARENA_MAX": "2", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


@dataclass(frozen=True, eq=False)
class Decoded:
    """Pixels of one file, and the seconds of its frames where it is a video."""

    frames: NDArray[np.uint8]  # [T, H, W, 3]
    times: tuple[float, ...]
    damaged: tuple[str, ...] = ()  # what could not be read, as sentences


class Decoder:
    """Reads media, each within a number of seconds. The process starts with the first file.

    A fork or a copy of a Decoder starts a process of its own.
    """

    def __init__(self, seconds: float = 30.0, limits: Limits = DEFAULT_LIMITS) -> None:
        self.seconds = seconds  # for one file, where nothing else is said
        self.limits = limits
        self._running: _Running | None = None

    def image(
        self, media: MediaFile, square: int | None = None, seconds: float | None = None
    ) -> Decoded:
        """The pixels of a picture, [1, H, W, 3]; squeezed into a square of this side if given."""
        return self._ask(media, {"do": "image", "square": square}, seconds)

    def video(
        self, media: MediaFile, num_frames: int, square: int, seconds: float | None = None
    ) -> Decoded:
        """The middles of `num_frames` segments of a video as squares, [T, S, S, 3]."""
        request = {"do": "video", "num_frames": num_frames, "square": square}
        return self._ask(media, request, seconds)

    def probe(self, media: MediaFile) -> MediaInfo:
        """What the header of a file says."""
        info = self._send_and_wait(media, {"do": "probe"}, self.seconds)["info"]
        return MediaInfo(**{**info, "warnings": tuple(info["warnings"])})

    def close(self) -> None:
        """Ends the process, whatever it is doing."""
        running, self._running = self._running, None
        if running is None:
            return
        running.connection.close()
        if running.owner == os.getpid():
            running.process.kill()
            running.process.wait()
            running.scratch.cleanup()

    def __del__(self) -> None:
        with contextlib.suppress(Exception):  # the interpreter may be half gone
            self.close()

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_running": None}

    def _ask(self, media: MediaFile, request: dict[str, Any], seconds: float | None) -> Decoded:
        head = self._send_and_wait(media, request, self.seconds if seconds is None else seconds)
        shape = tuple(int(side) for side in head["shape"])
        count = int(np.prod(shape))
        if len(shape) != 4 or not 0 < count <= self.limits.memory_bytes:
            self.close()
            raise MediaError(f"The process reading {shown(media.path)} answered nonsense.")
        frames = np.empty(shape, np.uint8)
        with self._talking(media, self.seconds) as connection:
            connection.recv_bytes_into(frames.data.cast("B"))
        return Decoded(frames, tuple(head["times"]), tuple(head["damaged"]))

    def _send_and_wait(
        self, media: MediaFile, request: dict[str, Any], seconds: float
    ) -> dict[str, Any]:
        """The head of the answer; MediaError with what went wrong."""
        place = {"path": os.path.abspath(media.path), "seconds": seconds, **media.place}
        with self._talking(media, seconds) as connection:
            connection.send_bytes(json.dumps({**request, **place}).encode())
            if not connection.poll(seconds + 1.0):  # the child notices most by itself
                raise TimeoutError
            head: dict[str, Any] = json.loads(connection.recv_bytes(2**20))
        if "error" in head:
            raise MediaError(head["error"])
        return head

    @contextlib.contextmanager
    def _talking(self, media: MediaFile, seconds: float) -> Iterator[Connection]:
        """The connection; a process that hangs, dies or talks nonsense ends as a MediaError."""
        running = self._running
        if running is None or running.owner != os.getpid() or running.process.poll() is not None:
            running = self._start()
        try:
            yield running.connection
        except TimeoutError:
            self.close()
            raise MediaError(
                f"{shown(media.path)} took longer than {seconds:.0f} seconds to read."
            ) from None
        except (EOFError, OSError, ValueError) as error:
            if isinstance(error, MediaError):
                raise
            self.close()
            raise MediaError(
                f"{shown(media.path)} made the decoder crash; it is damaged."
            ) from None

    def _start(self) -> "_Running":
        self.close()
        ours, theirs = socket.socketpair()
        root = str(Path(__file__).resolve().parents[2])
        paths = os.pathsep.join([root, *(os.path.abspath(path) for path in sys.path if path)])
        kept = {name: os.environ[name] for name in KEPT if name in os.environ}
        scratch = tempfile.TemporaryDirectory(prefix="revisit-")
        with theirs:
            process = subprocess.Popen(
                [sys.executable, "-c", "from data.samples.decoder_child import main; main()"],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={**kept, **ADDED, "TMPDIR": scratch.name, "PYTHONPATH": paths},
                cwd="/",
                start_new_session=True,  # Ctrl-C is for the program, not for this
            )
        self._running = _Running(process, Connection(ours.detach()), scratch, os.getpid())
        return self._running


@dataclass(frozen=True, eq=False)
class _Running:
    process: subprocess.Popen[bytes]
    connection: Connection
    scratch: tempfile.TemporaryDirectory[str]  # for its copies of members of tar files
    owner: int  # the process that started it
