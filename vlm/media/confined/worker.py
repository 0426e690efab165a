"""The process that opens users' files: it reads one, sends the frames, and ends.

Started by `vlm.media.confined.child` as `python worker.py FAMILY PATH...` with a socket as its
standard input. Over it come one request and the open file; back go messages. Before the file is
touched the process limits its own memory, processor time, open files and file writing, so a file
that makes a decoder loop, grow or crash costs a process, not the program.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import struct
import sys
from typing import Any

HEAD = struct.Struct("!IQ")  # bytes of JSON, bytes of payload
THREADS = max(1, min(4, os.cpu_count() or 1))


def main() -> None:
    family = sys.argv[1]
    sys.path[:] = sys.argv[2:]  # exactly the parent's, so that both run the same code
    connection = socket.socket(fileno=os.dup(0))
    # The libraries first: their files are opened and read before the limits, and while a process
    # that was started ahead is still waiting for work.
    if family != "video":
        import vlm.media.readers.images
    if family != "image":
        import vlm.media.readers.pyav_backend  # noqa: F401

    from vlm.media.confined.job import perform
    from vlm.media.confined.limits import Limits, MediaError
    from vlm.media.confined.request import Request
    from vlm.media.kinds import Kind
    from vlm.media.source import Source

    text, descriptors, _, _ = socket.recv_fds(connection, 2**20, 1)
    if not text:
        return  # the parent no longer needs us
    asked = json.loads(text)
    limits = Limits(**asked["request"].pop("limits"))
    request = Request(limits=limits, **{**asked["request"], "threads": THREADS})
    source = Source(descriptors[0], asked["name"], asked["size"], Kind(**asked["kind"]))
    confine(limits.memory_bytes, limits.seconds)

    def send(head: dict[str, Any], payload: memoryview | bytes = b"") -> None:
        body = json.dumps(head).encode()
        payload = memoryview(payload)
        connection.sendall(HEAD.pack(len(body), payload.nbytes) + body)
        if payload.nbytes:
            connection.sendall(payload)

    try:
        for head, payload in perform(source, request, lambda: None):
            send(head, payload)
    except MediaError as error:
        send({"event": "error", "text": str(error)})
    except MemoryError:
        send({"event": "memory"})
    except (BrokenPipeError, ConnectionResetError):
        pass  # the parent has heard enough
    except Exception as error:  # noqa: BLE001  whatever it is, the parent shall hear of it
        send({"event": "failed", "text": f"{type(error).__name__}: {error}"})
    connection.close()
    os._exit(0)  # decoders of damaged files may hang or crash while they are taken down


def confine(memory_bytes: int, seconds: float) -> None:
    """Limits this process for the rest of its life."""
    import resource

    processor = int(seconds * THREADS) + 1
    for name, value in (
        ("RLIMIT_AS", memory_bytes),
        ("RLIMIT_CPU", processor),
        ("RLIMIT_NOFILE", 64),
        ("RLIMIT_FSIZE", 0),
        ("RLIMIT_CORE", 0),
    ):
        with contextlib.suppress(ValueError, OSError):  # macOS refuses some; the clock remains
            resource.setrlimit(getattr(resource, name), (value, value))
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(int(seconds) + 2)  # should the parent be gone


if __name__ == "__main__":
    main()
