"""Files that appear under their name only when they are complete, and leave nothing behind."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def completed(path: Path) -> Iterator[Path]:
    """Yields a path to write to; renames it when the block ends, deletes it if the block fails."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(path.name + ".part")
    try:
        yield unfinished
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
