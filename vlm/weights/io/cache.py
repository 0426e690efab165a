"""A folder that is made once, whole or not at all, and made again when its source changes.

The folder is built beside its place, a manifest with the size and SHA-256 of every file is written
last, and then the folder is renamed into place. Two processes that start together wait for each
other at a lock.
"""

import json
import os
import shutil
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from filelock import FileLock

from vlm.weights.io.files import WeightsError, let_others_read, sha256

MANIFEST = "manifest.json"
Say = Callable[[str], None]


def say(line: str) -> None:
    """Tells the person at the terminal what takes so long. On stderr: programs read stdout."""
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


def made_once(folder: Path, source: Mapping[str, str], make: Callable[[Path], None]) -> Path:
    """`folder`, made by `make(empty folder)` unless it is there already and was made from `source`.

    `source` says what the folder depends on (hashes, versions); a different one makes it anew.
    """
    if is_made(folder, source):
        return folder
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.with_name(f".{folder.name}.lock")):
            if not is_made(
                folder, source
            ):  # another process may have made it while this one waited
                make_whole(folder, source, make)
    except OSError as error:
        raise WeightsError(
            f"{folder} cannot be written ({error.strerror or error}). Free some space, or name "
            "another place with the environment variable REVISIT_CACHE."
        ) from error
    return folder


def is_made(folder: Path, source: Mapping[str, str]) -> bool:
    """Whether the folder was made from this source and is whole, judged by its files' sizes."""
    manifest = _read_manifest(folder)
    if manifest is None or manifest.get("source") != dict(source):
        return False
    for name, facts in manifest["files"].items():
        path = folder / name
        if not path.is_file() or path.stat().st_size != facts["bytes"]:
            return False
    return True


def check(folder: Path) -> None:
    """Compares every byte with the manifest's hashes: a flipped bit loads without complaint."""
    manifest = _read_manifest(folder)
    if manifest is None:
        raise WeightsError(f"{folder}: there is no readable {MANIFEST}. Delete the folder.")
    for name, facts in manifest["files"].items():
        path = folder / name
        if not path.is_file():
            raise WeightsError(f"{path}: the file is missing. Delete the folder {folder}.")
        if sha256(path) != facts["sha256"]:
            raise WeightsError(
                f"{path}: the file is not what was written. Delete the folder {folder}."
            )


def make_whole(folder: Path, source: Mapping[str, str], make: Callable[[Path], None]) -> None:
    """`folder`, made by `make(empty folder)` beside its place, with a manifest, and renamed."""
    building = folder.with_name(f".{folder.name}.building")
    shutil.rmtree(building, ignore_errors=True)  # left by a process that was killed
    building.mkdir()
    try:
        make(building)
        _write_manifest(building, source)
        let_others_read(building)
        _put_in_place(building, folder)
    finally:
        shutil.rmtree(building, ignore_errors=True)


def _read_manifest(folder: Path) -> dict[str, dict] | None:
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return manifest if isinstance(manifest.get("files"), dict) else None


def _write_manifest(folder: Path, source: Mapping[str, str]) -> None:
    files = {
        path.relative_to(folder).as_posix(): {"bytes": path.stat().st_size, "sha256": sha256(path)}
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    manifest = {"source": dict(source), "files": files}
    with (folder / MANIFEST).open("w", encoding="utf-8") as file:
        json.dump(manifest, file, indent=2)
        file.flush()
        os.fsync(file.fileno())


def _put_in_place(building: Path, folder: Path) -> None:
    # A folder cannot be replaced in one step. The old one goes aside first: who has its files open
    # keeps them, and who comes in between finds no folder and waits at the lock.
    old = folder.with_name(f".{folder.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        folder.rename(old)
    building.rename(folder)
    shutil.rmtree(old, ignore_errors=True)
