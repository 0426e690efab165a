"""The program's side of the reading process: starts it, sends requests, kills it in time."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from vlm.media.confined.limits import MediaError
from vlm.media.confined.protocol import (
    BadMessageError,
    Check,
    Message,
    Request,
    receive_message,
    send_request,
)
from vlm.media.source import Source

WORKER = Path(__file__).with_name("worker.py")
LISTEN = 0.05  # seconds between calls of `check`
CRASHES = (signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL)

# All that the process inherits of the environment: what finds libraries; no keys, no tokens.
ENV_ALLOWLIST = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "LANG", "LC_ALL", "TMPDIR")
# By default glibc returns the memory of every picture to the kernel and fetches it again, which
# takes a third of the time to read a small one.
ENV_ADDED = {
    "MALLOC_ARENA_MAX": "2",
    "MALLOC_MMAP_THRESHOLD_": str(32 * 2**20),
    "MALLOC_TRIM_THRESHOLD_": str(64 * 2**20),
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
}


class Child:
    """A reading process. Starting it returns at once; it loads in the background.

    It reads one file and ends. With `reuse` it reads one file after another until it is closed or
    one of them goes wrong; a file that takes such a process over could forge the frames of those
    after it, so it is for files one trusts.

    `family` is what it will read and therefore loads: "video", "image" or "any".
    """

    def __init__(self, family: str = "any", reuse: bool = False) -> None:
        self.reuse = reuse
        self.owner = os.getpid()  # a fork has the socket too, but may neither use nor kill it
        self.socket, other = socket.socketpair()
        paths = [str(Path(__file__).resolve().parents[3]), *map(os.path.abspath, sys.path)]
        mode = "reuse" if reuse else "once"
        with other:
            self.process = subprocess.Popen(
                [sys.executable, "-I", "-S", str(WORKER), family, mode, *dict.fromkeys(paths)],
                stdin=other.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={**{k: os.environ[k] for k in ENV_ALLOWLIST if k in os.environ}, **ENV_ADDED},
                cwd="/",
                start_new_session=True,  # Ctrl-C is for the program, not for this
            )

    @property
    def usable(self) -> bool:
        """True if this program started the process and the process is alive."""
        return self.owner == os.getpid() and self.process.poll() is None

    def perform(self, source: Source, request: Request, check: Check) -> Iterator[Message]:
        """Yields the messages of the answer; raises MediaError if the process failed.

        `check` is called about every 50 ms and may raise to stop. The process is ended afterwards,
        except one with `reuse` that has given its whole answer.
        """
        whole = False
        try:
            self.socket.settimeout(LISTEN)
            try:
                send_request(self.socket, source, request)
            except OSError:
                raise MediaError(self._reason_of_death(source, request)) from None
            while True:
                head, payload = self._message(source, request, check)
                event = head["event"]
                whole = event in ("info", "end", "error")
                if event == "error":
                    raise MediaError(head["text"])
                if event == "memory":
                    raise MediaError(_too_much_memory(source, request))
                if event == "failed":
                    raise MediaError(f"{source.name} could not be read ({head['text']}).")
                yield head, payload
                if event in ("info", "end"):
                    return
        finally:
            if not (self.reuse and whole):
                self.close()

    def close(self) -> None:
        """Ends the process at once, even in the middle of a file."""
        if self.owner == os.getpid():
            self.process.kill()
            self.process.wait()
        self.socket.close()

    def _message(self, source: Source, request: Request, check: Check) -> Message:
        try:
            return receive_message(
                lambda count: self._receive(count, source, request, check),
                request.limits.memory_bytes,
            )
        except BadMessageError:
            raise MediaError(f"The process reading {source.name} sent an invalid answer.") from None

    def _receive(self, count: int, source: Source, request: Request, check: Check) -> memoryview:
        buffer = memoryview(bytearray(count))
        done = 0
        while done < count:
            check()
            try:
                received = self.socket.recv_into(buffer[done:])
            except TimeoutError:
                continue
            except ConnectionResetError:
                received = 0
            if received == 0:
                raise MediaError(self._reason_of_death(source, request))
            done += received
        return buffer

    def _reason_of_death(self, source: Source, request: Request) -> str:
        """Returns a sentence on why the process ended without an answer."""
        try:
            code = self.process.wait(timeout=5.0)  # a busy machine ends it late
        except subprocess.TimeoutExpired:
            code = 0
        if code in (-signal.SIGXCPU, -signal.SIGALRM):
            return f"{source.name} kept the decoder busy forever; it is damaged."
        if code < 0 and -code not in CRASHES:
            return (
                f"{source.name} was not read: its reading process was killed from outside, as the "
                "system does when the machine runs out of memory; try again."
            )
        if code > 0:
            return (
                f"{source.name} was not read: the reading process could not start. "
                "Is PyAV installed (pip install av)?"
            )
        return f"{source.name} made the decoder crash; it is damaged. Nothing else was affected."


def _too_much_memory(source: Source, request: Request) -> str:
    limit = request.limits.memory_bytes / 2**30
    return (
        f"{source.name} needs more than the {limit:.1f} GB of memory allowed; scale it down first."
    )
