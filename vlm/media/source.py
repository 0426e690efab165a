"""Opening a user's file safely: a regular file, of an accepted kind, within the limits.

Readers get an open descriptor, not a name. So the name can be anything (`%d`, `http:x`, 200 emoji)
without being interpreted, and a file that is replaced or deleted afterwards is still the one that
was checked.
"""

from __future__ import annotations

import errno
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from vlm.media.confined.limits import Limits, MediaError
from vlm.media.kinds import HEAD_BYTES, Kind, describe_rejected, recognize

PathLike = str | os.PathLike[str]


@dataclass(frozen=True)
class Source:
    """An open file: descriptor, name to display, size in bytes, kind."""

    fd: int
    name: str
    size: int
    kind: Kind

    @property
    def url(self) -> str:
        """A name for FFmpeg that can only mean this descriptor."""
        return f"file:/dev/fd/{self.fd}"


@dataclass(frozen=True)
class ArchiveMember:
    """A file inside an uncompressed archive: `size` bytes from `offset`."""

    name: str
    archive: PathLike
    offset: int
    size: int

    def __fspath__(self) -> str:
        return self.name


def display_name(path: PathLike) -> str:
    """The file's own name in quotes, for a sentence: no control characters, not too long."""
    name = "".join(c if c.isprintable() else "?" for c in os.path.basename(os.fspath(path)))
    return f'"{name}"' if len(name) <= 80 else f'"{name[:50]}...{name[-20:]}"'


@contextmanager
def open_source(path: PathLike, limits: Limits) -> Iterator[Source]:
    """Yields the file open for reading, or raises MediaError. Never blocks, not even on a FIFO.

    An ArchiveMember is copied to a file without a name, which ends with its descriptor.
    """
    name = display_name(path)
    if isinstance(path, ArchiveMember):
        _check_size(path.size, name, limits)
        with open_regular(path.archive, limits, name) as archive, tempfile.TemporaryFile() as copy:
            _copy(archive, path, copy.fileno())
            yield _source(copy.fileno(), name, limits)
        return
    with open_regular(path, limits, name) as fd:
        yield _source(fd, name, limits)


_REASONS = {
    errno.ENOENT: "does not exist; was it moved or deleted?",
    errno.EACCES: "cannot be read; check its permissions",
    errno.EPERM: "cannot be read; check its permissions",
    errno.ENAMETOOLONG: "has a name that is too long for this system; rename it",
    errno.ELOOP: "is a link that leads nowhere",
}


@contextmanager
def open_regular(path: PathLike, limits: Limits, name: str) -> Iterator[int]:
    """Yields the descriptor of a regular file inside `limits.folder`, or raises MediaError."""
    try:
        # Checked before opening too, because opening a device can already do something.
        _check_regular(os.stat(path), name)
        if limits.folder is not None:
            real, folder = Path(path).resolve(), Path(limits.folder).resolve()
            if not real.is_relative_to(folder):
                raise MediaError(f"{name} is outside the media folder and is not opened.")
            path = real
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the name
        if isinstance(error, MediaError):
            raise
        cause = getattr(error, "strerror", None) or error  # without the path
        reason = _REASONS.get(getattr(error, "errno", None) or 0, f"cannot be opened ({cause})")
        raise MediaError(f"{name} {reason}" + ("" if reason[-1] == "?" else ".")) from None
    try:
        _check_regular(os.fstat(fd), name)
        yield fd
    finally:
        os.close(fd)


def _source(fd: int, name: str, limits: Limits) -> Source:
    size = os.fstat(fd).st_size
    _check_size(size, name, limits)
    head = os.pread(fd, HEAD_BYTES, 0)
    kind = recognize(head)
    if kind is None:
        raise MediaError(f"{name} is {describe_rejected(head)}.")
    return Source(fd, name, size, kind)


def _copy(archive: int, member: ArchiveMember, target: int) -> None:
    done = 0
    while done < member.size:
        piece = os.pread(archive, min(member.size - done, 2**20), member.offset + done)
        if not piece:
            raise MediaError(
                f"{display_name(member)} is cut off: its tar file ends within it. "
                "Copy the tar file again."
            )
        done += os.write(target, piece)


def _check_size(size: int, name: str, limits: Limits) -> None:
    if size == 0:
        raise MediaError(f"{name} is empty (0 bytes); the copy or upload probably failed.")
    if size > limits.file_bytes:
        raise MediaError(
            f"{name} has {size / 2**20:.0f} MB; the limit is "
            f"{limits.file_bytes / 2**20:.0f} MB. Cut it or encode it smaller."
        )


def _check_regular(status: os.stat_result, name: str) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise MediaError(f"{name} is a folder; give a video or picture in it.")
    if not stat.S_ISREG(status.st_mode):
        raise MediaError(f"{name} is a pipe or device, not a file; save it as a file first.")
