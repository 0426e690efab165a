"""Where a picture or film lies inside a bigger file: a cell of a parquet table, a member of a zip.

Data sets are published packed, and are larger than memory: a question only says where its medium
lies, and the reader takes it out when its turn comes.
"""

import contextlib
import os
import shutil
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Cell:
    """The encoded picture in one cell of a parquet file."""

    file: Path
    column: str
    row_group: int
    row: int  # in its group

    def bytes(self) -> bytes:
        value = _column(self.file, self.column, self.row_group)[self.row].as_py()
        if isinstance(value, dict):  # how the hub stores pictures: {"bytes": ..., "path": ...}
            value = value.get("bytes")
        if not isinstance(value, bytes) or not value:
            raise ValueError(
                f"{self.file.name} has no picture in its column {self.column!r}, row group"
                f" {self.row_group}, row {self.row}."
            )
        return value


@lru_cache(maxsize=2)  # neighbours are asked for in turn; a group may be a gigabyte
def _column(file: Path, column: str, row_group: int) -> Any:
    import pyarrow.parquet as parquet  # read only where a data set is in parquet

    return parquet.ParquetFile(file).read_row_group(row_group, columns=[column]).column(0)


@dataclass(frozen=True)
class Member:
    """A film in a zip file, taken out to `target` when it is first asked for."""

    archive: Path
    name: str
    target: Path

    def unpack(self) -> Path:
        """The unpacked file. Several processes may ask at once; the file appears when whole."""
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


class VideoFiles:
    """Films below a folder, unpacked or still in zip files beside it."""

    def __init__(self, root: Path, archives: Sequence[Path] = ()) -> None:
        self.root = root
        self.members: dict[str, list[tuple[Path, str]]] = {}  # by their name without folders
        for archive in archives:
            try:
                names = zipfile.ZipFile(archive).namelist()
            except (zipfile.BadZipFile, OSError) as error:
                raise ValueError(f"{archive} is not a whole zip file ({error}).") from error
            for name in names:
                if not name.endswith("/"):
                    self.members.setdefault(Path(name).name.lower(), []).append((archive, name))

    def find(self, names: Sequence[str]) -> "Path | Member":
        """The first of the names that is there; else the first, whose absence is told later."""
        for name in names:
            path = inside(self.root, name)
            if path.is_file():
                return path
        for name in names:
            packed = self._packed(name)
            if packed is not None:
                archive, member = packed
                target = inside(self.root, name).with_suffix(Path(member).suffix)
                return Member(archive, member, target)
        return inside(self.root, names[0])

    def _packed(self, name: str) -> tuple[Path, str] | None:
        """The member with this path; else, of one name only, whatever its folder is."""
        alike = self.members.get(Path(name).name.lower(), [])
        ending = f"/{name.lower()}"
        same = [found for found in alike if f"/{found[1].lower()}".endswith(ending)]
        if same:
            return same[0]
        return alike[0] if len(alike) == 1 else None


def first_existing(folders: Sequence[Path], name: str) -> Path:
    """Returns the file from the first folder that has it; its path in the first if none does."""
    candidates = [inside(folder, name) for folder in folders]
    return next((path for path in candidates if path.is_file()), candidates[0])


def inside(root: Path, name: str) -> Path:
    """A file named by an annotation, which may not lead out of its folder."""
    if Path(name).is_absolute() or ".." in Path(name).parts:
        raise ValueError(f"the file name {name!r} leads out of {root}.")
    return root / name
