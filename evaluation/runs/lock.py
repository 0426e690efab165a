"""Keeps two commands from writing into one folder at once."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

NAME = ".lock"


@contextlib.contextmanager
def only_writer(folder: Path) -> Iterator[None]:
    """Holds a folder; the lock of a killed process is released by the system.

    Raises ValueError if another command holds it. On file systems without locks it does nothing.
    """
    existed = folder.is_dir()
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / NAME)
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise ValueError(
            f"another command is writing into {folder}; wait for it, or choose another --out."
        ) from error
    except (OSError, NotImplementedError):
        pass
    try:
        yield
    finally:
        lock.release()
        if not existed and not any(path.name != NAME for path in folder.iterdir()):
            (folder / NAME).unlink(missing_ok=True)  # nothing was written
            folder.rmdir()
