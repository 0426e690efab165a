"""The process that opens users' files: it reads one (or, on request, one after another) and ends.

Started by `vlm.media.confined.child` as `python worker.py FAMILY REUSE PATH...` with a socket as
its standard input. It receives requests with open files and sends back messages (protocol.py).
Before it touches a file it limits its own memory, processor time, open files and file writing, so
that a file that makes a decoder loop, grow or crash costs a process, not the program.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vlm.media.confined.protocol import Request
    from vlm.media.source import Source


def main() -> None:
    # Schedulers send SIGTERM to all processes of a job. This one ends with its socket, by its
    # alarm or by SIGKILL, so that a run can finish its step and save.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    family, reuse = sys.argv[1], sys.argv[2] == "reuse"
    sys.path[:] = sys.argv[3:]  # exactly the parent's, so that both run the same code
    connection = socket.socket(fileno=os.dup(0))
    # The libraries first: their files are opened and read before the limits, and while a process
    # that was started ahead is still waiting for work.
    if family != "video":
        import vlm.media.readers.images
    if family != "image":
        import vlm.media.readers.pyav_backend  # noqa: F401

    from vlm.media.confined.protocol import receive_request

    while received := receive_request(connection):
        source, request = received
        confine(request, reuse)
        try:
            answer(connection, source, request)
        except (BrokenPipeError, ConnectionResetError):
            break  # the parent has closed its end
        if not reuse:
            break
        signal.alarm(0)
        os.close(source.fd)
    connection.close()
    os._exit(0)  # a normal exit runs decoders' destructors, which may hang on damaged files


def answer(connection: socket.socket, source: Source, request: Request) -> None:
    """Reads one file and sends all messages of the answer."""
    from vlm.media.confined.limits import MediaError
    from vlm.media.confined.protocol import send_message
    from vlm.media.readers.dispatch import read

    try:
        for head, payload in read(source, request, lambda: None):
            send_message(connection, head, payload)
    except MediaError as error:
        send_message(connection, {"event": "error", "text": str(error)})
    except MemoryError:
        send_message(connection, {"event": "memory"})
    except (BrokenPipeError, ConnectionResetError):
        raise
    except Exception as error:  # noqa: BLE001  the parent reports it, whatever it is
        send_message(connection, {"event": "failed", "text": f"{type(error).__name__}: {error}"})


def confine(request: Request, reuse: bool) -> None:
    """Limits this process: for the rest of its life, time and processor time for one file."""
    import resource

    seconds = request.limits.seconds
    usage = resource.getrusage(resource.RUSAGE_SELF)
    # RLIMIT_CPU counts from the start of the process, so every file raises it. A hard limit cannot
    # be raised again, so only a process for one file gets one. It is a second above the soft limit,
    # because SIGKILL at the hard limit would look like a kill from outside.
    processor = int(usage.ru_utime + usage.ru_stime + seconds * request.threads) + 1
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1] if reuse else processor + 1
    memory = request.limits.memory_bytes
    for name, limits in (
        ("RLIMIT_AS", (memory, memory)),
        ("RLIMIT_CPU", (processor, hard)),
        ("RLIMIT_NOFILE", (64, 64)),
        ("RLIMIT_FSIZE", (0, 0)),
        ("RLIMIT_CORE", (0, 0)),
    ):
        with contextlib.suppress(ValueError, OSError):  # macOS refuses some; the clock remains
            resource.setrlimit(getattr(resource, name), limits)
    signal.alarm(int(seconds) + 2)  # in case the parent is gone


if __name__ == "__main__":
    main()
