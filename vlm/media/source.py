"""Opening a user's file safely: a regular file, of an accepted kind, within the limits.

What is handed on is an open descriptor, not a name. So the name can be anything (`%d`, `http:x`,
200 emoji) without being interpreted, and a file that is replaced or deleted afterwards is still
the one that was checked.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from vlm.media.confined.limits import Limits, MediaError
from vlm.media.kinds import HEAD_BYTES, Kind, describe, recognise


@dataclass(frozen=True)
class Source:
    """An open file: descriptor, name to show, size in bytes, kind."""

    fd: int
    name: str
    size: int
    kind: Kind

    @property
    def url(self) -> str:
        """A name for FFmpeg that means this descriptor and nothing else."""
        return f"file:/dev/fd/{self.fd}"


def shown(path: str | os.PathLike[str]) -> str:
    """The file's own name in quotes, for a sentence: control characters out, not too long."""
    name = "".join(c if c.isprintable() else "?" for c in os.path.basename(os.fspath(path)))
    return f'"{name}"' if len(name) <= 80 else f'"{name[:50]}...{name[-20:]}"'


_REASONS = {
    errno.ENOENT: "does not exist; was it moved or deleted?",
    errno.EACCES: "may not be read; check its permissions",
    errno.EPERM: "may not be read; check its permissions",
    errno.ENAMETOOLONG: "has a name that is too long for this system; rename it",
    errno.ELOOP: "is a link that leads nowhere",
}


@contextmanager
def open_source(path: str | os.PathLike[str], limits: Limits) -> Iterator[Source]:
    """Yields the file open for reading, or raises MediaError. Never blocks, not even on a FIFO."""
    name = shown(path)
    try:
        # Looked at before opening, because opening a device can already do something.
        _check_regular(os.stat(path), name)
        if limits.folder is not None:
            real, folder = Path(path).resolve(), Path(limits.folder).resolve()
            if not real.is_relative_to(folder):
                raise MediaError(f"{name} lies outside the media folder and is not opened.")
            path = real
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the name
        if isinstance(error, MediaError):
            raise
        reason = _REASONS.get(getattr(error, "errno", None) or 0, f"cannot be opened ({error})")
        raise MediaError(f"{name} {reason}" + ("" if reason[-1] == "?" else ".")) from None
    try:
        status = os.fstat(fd)
        _check_regular(status, name)
        if status.st_size == 0:
            raise MediaError(f"{name} is empty (0 bytes); the copy or upload probably failed.")
        if status.st_size > limits.file_bytes:
            raise MediaError(
                f"{name} has {status.st_size / 2**20:.0f} MB; the limit is "
                f"{limits.file_bytes / 2**20:.0f} MB. Cut it or encode it smaller."
            )
        head = os.pread(fd, HEAD_BYTES, 0)
        kind = recognise(head)
        if kind is None:
            raise MediaError(f"{name} is {describe(head)}.")
        yield Source(fd, name, status.st_size, kind)
    finally:
        os.close(fd)


def _check_regular(status: os.stat_result, name: str) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise MediaError(f"{name} is a folder; give a video or picture in it.")
    if not stat.S_ISREG(status.st_mode):
        raise MediaError(f"{name} is a pipe or device, not a file; save it as a file first.")
