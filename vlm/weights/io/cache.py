"""Builds a folder once, completely or not at all, and rebuilds it if its source changes.

The folder is built beside its final path, a manifest with the size and SHA-256 of every file is
written last, then the folder is renamed. Concurrent processes wait for each other at a file lock.
"""

import json
import os
import shutil
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from filelock import FileLock

from vlm.weights.io.files import WeightsError, apply_umask, naming, sha256

MANIFEST = "manifest.json"
Notify = Callable[[str], None]


def print_status(line: str) -> None:
    """Prints what takes so long, to stderr because programs read stdout."""
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


def build_once(folder: Path, source: Mapping[str, str], make: Callable[[Path], None]) -> Path:
    """Returns `folder`; calls `make(empty folder)` first unless it was built from `source`.

    `source` lists everything the folder depends on (hashes, versions); a different source rebuilds
    it.
    """
    if is_built(folder, source):
        return folder
    remedy = "Free some space, or set the environment variable REVISIT_CACHE to another folder."
    with naming(folder, remedy):
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.with_name(f".{folder.name}.lock")):
            # Another process may have built it while this one waited.
            if not is_built(folder, source):
                build_atomically(folder, source, make)
    return folder


def is_built(folder: Path, source: Mapping[str, str]) -> bool:
    """Whether the folder was built from this source and is complete, judged by file sizes."""
    manifest = _read_manifest(folder)
    if manifest is None or manifest.get("source") != dict(source):
        return False
    for name, facts in manifest["files"].items():
        path = folder / name
        if not path.is_file() or path.stat().st_size != facts["bytes"]:
            return False
    return True


def verify(folder: Path) -> None:
    """Compares every file with the manifest's hashes: a flipped bit loads without an error."""
    manifest = _read_manifest(folder)
    if manifest is None:
        raise WeightsError(f"{folder}: {MANIFEST} cannot be read. Delete the folder.")
    for name, facts in manifest["files"].items():
        path = folder / name
        if not path.is_file():
            raise WeightsError(f"{path}: the file is missing. Delete the folder {folder}.")
        if sha256(path) != facts["sha256"]:
            raise WeightsError(
                f"{path}: the file changed since it was written. Delete the folder {folder}."
            )


def build_atomically(folder: Path, source: Mapping[str, str], make: Callable[[Path], None]) -> None:
    """Calls `make(empty folder)` beside `folder`, adds a manifest and renames the result."""
    building = folder.with_name(f".{folder.name}.building")
    shutil.rmtree(building, ignore_errors=True)  # left by a killed process
    building.mkdir()
    try:
        make(building)
        _write_manifest(building, source)
        apply_umask(building)
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
    # A folder cannot be replaced in one step, so the old one moves aside first: readers keep their
    # open files, and a process that finds no folder in between waits at the lock.
    old = folder.with_name(f".{folder.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        folder.rename(old)
    building.rename(folder)
    shutil.rmtree(old, ignore_errors=True)
