"""Talking to the process that opens users' files: start it, ask, listen, and kill it in time."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from vlm.media.confined.limits import MediaError
from vlm.media.confined.request import Check, Message, Request
from vlm.media.confined.worker import HEAD
from vlm.media.source import Source

WORKER = Path(__file__).with_name("worker.py")
LISTEN = 0.05  # seconds between calls of `check`
MAX_HEAD = 2**20

# Nothing of the program's environment but what finds libraries; no keys, no tokens.
KEPT = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "LANG", "LC_ALL", "TMPDIR")
ADDED = {"MALLOC_ARENA_MAX": "2", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


class Child:
    """One process for one file. Starting it returns at once; it loads while we do other things.

    `family` says what it is for and so what it loads: "video", "image" or, not known yet, "any".
    """

    def __init__(self, family: str = "any") -> None:
        self.socket, other = socket.socketpair()
        paths = [str(Path(__file__).resolve().parents[3]), *map(os.path.abspath, sys.path)]
        with other:
            self.process = subprocess.Popen(
                [sys.executable, "-I", "-S", str(WORKER), family, *dict.fromkeys(paths)],
                stdin=other.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={**{k: os.environ[k] for k in KEPT if k in os.environ}, **ADDED},
                cwd="/",
                start_new_session=True,  # Ctrl-C is for the program, not for this
            )

    def perform(self, source: Source, request: Request, check: Check) -> Iterator[Message]:
        """The messages that answer `request`; MediaError if the process failed.

        `check` is called about every 50 ms and may raise to stop. The process is gone afterwards.
        """
        try:
            question = {
                "request": dataclasses.asdict(request),
                "name": source.name,
                "size": source.size,
                "kind": dataclasses.asdict(source.kind),
            }
            self.socket.settimeout(LISTEN)
            try:
                socket.send_fds(self.socket, [json.dumps(question).encode()], [source.fd])
            except OSError:
                raise MediaError(self._last_words(source, request)) from None
            while True:
                size = self._receive(HEAD.size, source, request, check)
                num_head, num_payload = HEAD.unpack(size)
                if num_head > MAX_HEAD or num_payload > request.limits.memory_bytes:
                    raise MediaError(f"The process reading {source.name} answered nonsense.")
                head = json.loads(bytes(self._receive(num_head, source, request, check)))
                payload = self._receive(num_payload, source, request, check)
                if head["event"] == "error":
                    raise MediaError(head["text"])
                if head["event"] == "memory":
                    raise MediaError(_too_much_memory(source, request))
                if head["event"] == "failed":
                    raise MediaError(f"{source.name} could not be read ({head['text']}).")
                yield head, payload
                if head["event"] in ("end", "info"):
                    return
        finally:
            self.close()

    def close(self) -> None:
        """Ends the process, whatever it is doing."""
        self.socket.close()
        self.process.kill()
        self.process.wait()

    def _receive(self, count: int, source: Source, request: Request, check: Check) -> memoryview:
        buffer = memoryview(bytearray(count))
        done = 0
        while done < count:
            check()
            try:
                got = self.socket.recv_into(buffer[done:])
            except TimeoutError:
                continue
            except ConnectionResetError:
                got = 0
            if got == 0:
                raise MediaError(self._last_words(source, request))
            done += got
        return buffer

    def _last_words(self, source: Source, request: Request) -> str:
        """Why the process ended without an answer."""
        try:
            code = self.process.wait(timeout=1.0)
        except subprocess.TimeoutExpired:
            code = 0
        if code in (-signal.SIGXCPU, -signal.SIGALRM):
            return f"{source.name} kept the decoder busy without an end; it is damaged."
        if code == -signal.SIGKILL:
            return _too_much_memory(source, request)
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
