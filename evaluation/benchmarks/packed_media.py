"""Media inside larger files: a cell of a parquet table, a member of a zip file, a tar file.

Published data sets are packed and larger than memory: a question stores the location of its media,
and the reader unpacks them when they are needed. Compressed tar files cannot be read in parts and
are unpacked whole.
"""

import contextlib
import os
import shutil
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from filelock import FileLock


@dataclass(frozen=True)
class Cell:
    """The encoded image in one cell of a parquet file."""

    file: Path
    column: str
    row_group: int
    row: int  # within the group

    def bytes(self) -> bytes:
        value = _column(self.file, self.column, self.row_group)[self.row].as_py()
        if isinstance(value, dict):  # the hub's format of images: {"bytes": ..., "path": ...}
            value = value.get("bytes")
        if not isinstance(value, bytes) or not value:
            raise ValueError(
                f"{self.file.name} has no image in its column {self.column!r}, row group"
                f" {self.row_group}, row {self.row}."
            )
        return value


@lru_cache(maxsize=2)  # neighbors are read in turn; a group may take a gigabyte
def _column(file: Path, column: str, row_group: int) -> Any:
    import pyarrow.parquet as parquet  # imported only for data sets in parquet

    return parquet.ParquetFile(file).read_row_group(row_group, columns=[column]).column(0)


@dataclass(frozen=True)
class Member:
    """A video in a zip file, extracted to `target` on first use."""

    archive: Path
    name: str
    target: Path

    def unpack(self) -> Path:
        """Returns the extracted file, which appears when complete, so processes do not conflict."""
        if self.target.is_file():
            return self.target
        self.target.parent.mkdir(parents=True, exist_ok=True)
        handle, part = tempfile.mkstemp(dir=self.target.parent, prefix=".unpacking-")
        try:
            with (
                os.fdopen(handle, "wb") as out,
                zipfile.ZipFile(self.archive) as packed,
                packed.open(self.name) as member,
            ):
                shutil.copyfileobj(member, out, 2**20)
            os.chmod(part, 0o644)
            os.replace(part, self.target)
        except (zipfile.BadZipFile, EOFError) as error:
            raise ValueError(f"{self.archive.name}: {self.name} is damaged ({error}).") from error
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(part)
        return self.target


def unpack_tars(
    archives: Sequence[Path], target: Path, notify: Callable[[str], None] = lambda sentence: None
) -> None:
    """Unpacks tar files into a folder, each once, however many processes ask for it.

    Files appear when their archive is complete. Raises ValueError for one that is damaged.
    """
    target.mkdir(parents=True, exist_ok=True)
    with FileLock(target / ".unpacking.lock"):
        for archive in archives:
            done = target / f".{archive.name}.unpacked"
            if done.is_file():
                continue
            notify(f"unpacking {archive.name} into {target}")
            part = Path(tempfile.mkdtemp(dir=target, prefix=".unpacking-"))
            try:
                with tarfile.open(archive) as packed:
                    packed.extractall(part, filter="data")
                for path in sorted(part.rglob("*")):
                    if path.is_file():
                        place = target / path.relative_to(part)
                        place.parent.mkdir(parents=True, exist_ok=True)
                        os.replace(path, place)
            except (tarfile.TarError, zlib.error, EOFError, OSError) as error:
                raise ValueError(f"{archive.name} cannot be unpacked ({error}).") from error
            finally:
                shutil.rmtree(part, ignore_errors=True)
            done.touch()


class VideoFiles:
    """Videos below a folder, unpacked or in zip files beside it."""

    def __init__(self, root: Path, archives: Sequence[Path] = ()) -> None:
        self.root = root
        self.members: dict[str, list[tuple[Path, str]]] = {}  # by lower-case file name
        for archive in archives:
            try:
                names = zipfile.ZipFile(archive).namelist()
            except (zipfile.BadZipFile, OSError) as error:
                raise ValueError(f"{archive} is not a complete zip file ({error}).") from error
            for name in names:
                if not name.endswith("/"):
                    self.members.setdefault(Path(name).name.lower(), []).append((archive, name))

    def find(self, names: Sequence[str]) -> "Path | Member":
        """Returns the first name that exists, else the path of the first, which fails later.

        A file that was unpacked from an archive is returned as its member, which `unpack` finds.
        """
        for name in names:
            path = inside(self.root, name)
            if path.is_file():
                packed = self._packed(name)
                return path if packed is None else Member(*packed, path)
        for name in names:
            packed = self._packed(name)
            if packed is not None:
                archive, member = packed
                target = inside(self.root, name).with_suffix(Path(member).suffix)
                return Member(archive, member, target)
        return inside(self.root, names[0])

    def _packed(self, name: str) -> tuple[Path, str] | None:
        """Returns the member with this path, else the only one with this file name, else None."""
        alike = self.members.get(Path(name).name.lower(), [])
        ending = f"/{name.lower()}"
        exact = [found for found in alike if f"/{found[1].lower()}".endswith(ending)]
        if exact:
            return exact[0]
        return alike[0] if len(alike) == 1 else None


def named_videos(folder: Path) -> dict[str, Path]:
    """Returns lower-case file name -> path of the videos in a folder and below it."""
    endings = (".mp4", ".mkv", ".webm", ".avi", ".mov")
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in endings)
    return {path.name.lower(): path for path in reversed(found)}


def first_existing(folders: Sequence[Path], name: str) -> Path:
    """Returns the file from the first folder that has it; its path in the first if none does."""
    candidates = [inside(folder, name) for folder in folders]
    return next((path for path in candidates if path.is_file()), candidates[0])


def inside(root: Path, name: str) -> Path:
    """Returns the path of an annotated file name. Raises ValueError if it leaves the folder."""
    if Path(name).is_absolute() or ".." in Path(name).parts:
        raise ValueError(f"the file name {name!r} points outside {root}.")
    return root / name
