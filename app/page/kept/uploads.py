"""Stores uploads in one private folder, each for the visitor who sent it.

A path from a browser is only compared with the paths issued before; it is never opened on the
browser's word.
"""

import atexit
import functools
import hashlib
import os
import secrets
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from filelock import FileLock, Timeout

DAY = 24 * 3600  # seconds
GIGABYTE = 2**30
PREFIX = "revisit-"
LOCK = ".lock"
NO_ROOM = "The server has no space for this file; try a smaller one, or try later."
_PARTIAL = "tmp"  # Gradio's prefix for incomplete uploads


def private_folder() -> Path:
    """Creates this process's folder (mode 700) and points Gradio at it.

    It lies in GRADIO_TEMP_DIR if set, and is deleted when the process ends. Folders left by killed
    servers are deleted.
    """
    return _folder_and_lock()[0]


@functools.cache
def _folder_and_lock() -> tuple[Path, FileLock]:
    """The lock is held as long as it is referenced; a folder whose lock is free is abandoned."""
    try:
        parent = Path(os.environ.get("GRADIO_TEMP_DIR") or tempfile.gettempdir())
        parent.mkdir(parents=True, exist_ok=True)
        _delete_abandoned(parent)
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent)).resolve()
    except OSError as error:
        raise ValueError(
            f"the folder for temporary files cannot be used ({error.strerror}); set"
            " GRADIO_TEMP_DIR to one that can be written."
        ) from None
    lock = FileLock(folder / LOCK)
    lock.acquire()
    os.environ["GRADIO_TEMP_DIR"] = str(folder)
    atexit.register(delete_private_folder)
    return folder, lock


def delete_private_folder() -> None:
    """Deletes the folder if this process created one."""
    if _folder_and_lock.cache_info().currsize:
        shutil.rmtree(private_folder(), ignore_errors=True)


def _delete_abandoned(parent: Path) -> None:
    for folder in parent.glob(f"{PREFIX}*"):
        lock = folder / LOCK
        try:
            # The owner first: the folder of another user's server cannot be looked into.
            if folder.lstat().st_uid != os.getuid() or folder.is_symlink() or not lock.is_file():
                continue
            with FileLock(lock, blocking=False):
                shutil.rmtree(folder, ignore_errors=True)
        except (Timeout, OSError):
            continue


@dataclass
class _Kept:
    used: float  # time of the last use, on the clock
    visitors: set[str] = field(default_factory=set)  # empty: every visitor may use it


class Uploads:
    """quota: bytes of all files; lifetime: seconds a file is kept after its last use."""

    def __init__(
        self,
        folder: Path,
        quota: int = 20 * GIGABYTE,
        lifetime: float = DAY,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.folder = folder
        self._quota, self._lifetime, self._now = quota, lifetime, now
        self._kept: dict[str, _Kept] = {}
        self._arriving = 0
        self._lock = threading.Lock()

    def share(self, path: Path) -> Path:
        """Copies a packaged file into the folder for every visitor; returns the copy's path."""
        copy = self.folder / "shared" / path.name
        copy.parent.mkdir(exist_ok=True)
        if not copy.exists():
            shutil.copyfile(path, copy)
        with self._lock:
            self._kept[str(copy)] = _Kept(float("inf"))
        return copy

    def derive(self, of: Path, name: str, content: bytes) -> Path:
        """Stores what was made of an upload, for those who may use the upload.

        Raises ValueError if there is no room for it.
        """
        if not self.room_for(len(content)):
            raise ValueError(NO_ROOM)
        path = self.folder / hashlib.sha256(content).hexdigest() / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        with self._lock:
            kept = self._kept.setdefault(str(path), _Kept(0.0))
            kept.used = max(kept.used, self._now())
            kept.visitors |= self._kept[str(of)].visitors
        return path

    def room_for(self, num_bytes: int) -> bool:
        """Returns whether that many bytes fit the quota and leave a gigabyte of free disk."""
        used = sum(file.stat().st_size for file in self.folder.rglob("*") if file.is_file())
        free = shutil.disk_usage(self.folder).free
        return used + num_bytes <= self._quota and num_bytes + GIGABYTE <= free

    def begin(self) -> None:
        """Registers the start of an upload request; `end` must follow."""
        with self._lock:
            self._arriving += 1

    def end(self, visitor: str, paths: Iterable[str]) -> None:
        """Assigns the received files to the visitor and deletes incomplete ones."""
        with self._lock:
            self._arriving -= 1
            for path in paths:
                kept = self._kept.setdefault(path, _Kept(0.0))
                kept.used = max(kept.used, self._now())
                kept.visitors.add(visitor)
            if not self._arriving:
                for partial in self.folder.glob(f"{_PARTIAL}*"):
                    if partial.is_file() and str(partial) not in self._kept:
                        partial.unlink(missing_ok=True)

    def may_use(self, visitor: str, path: str) -> bool:
        """Returns whether this visitor uploaded the file or it is shared."""
        with self._lock:
            kept = self._kept.get(path)
            if kept is None or (kept.visitors and visitor not in kept.visitors):
                return False
            kept.used = max(kept.used, self._now())
            return True

    def holds(self, path: Path) -> bool:
        """Returns whether the file was uploaded or shared and still exists."""
        with self._lock:
            return str(path) in self._kept and path.is_file()

    def delete_old(self) -> None:
        """Deletes files unused for `lifetime`."""
        with self._lock:
            earliest = self._now() - self._lifetime
            for path in [path for path, kept in self._kept.items() if kept.used < earliest]:
                del self._kept[path]
                Path(path).unlink(missing_ok=True)


def new_visitor() -> str:
    """Returns a random visitor id for a browser's cookie."""
    return secrets.token_urlsafe(16)
