"""Reads and writes weight files; names the likely cause if a file cannot be read.

Only safetensors files are used: the assistant never opens a pickle. A weight file that cannot be
read is nearly always one of four things (a broken download, a Git LFS pointer, a web page saved
under the file's name, a renamed pickle). The errors here tell them apart; safetensors reports
"header too large" for all four.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from safetensors import SafetensorError, safe_open

if TYPE_CHECKING:
    import torch

LFS_POINTER = b"version https://git-lfs"
SYSTEM_ERROR = "(os error"  # in the texts of libraries written in Rust
PICKLES = (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05", b"PK\x03\x04")


class WeightsError(ValueError):
    """One sentence: which weights, the problem, the remedy."""


class NotWrittenError(WeightsError):
    """A file of weights cannot be written; its cause is the library's error."""


def cache_dir() -> Path:
    """The folder for everything built once and kept: $REVISIT_CACHE, or ~/.cache/revisit."""
    chosen = os.environ.get("REVISIT_CACHE")
    return Path(chosen).expanduser().absolute() if chosen else Path.home() / ".cache" / "revisit"


def sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def read_safetensors(path: Path) -> dict[str, torch.Tensor]:
    """Reads all tensors of one file to the CPU. Raises WeightsError with the likely cause."""
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise WeightsError(f"{path}: {likely_cause(path)}") from error


def write_safetensors(
    tensors: dict[str, torch.Tensor], path: Path, metadata: dict[str, str] | None = None
) -> None:
    """Writes a temporary file and renames it, so that a full disk leaves no partial file.

    Raises NotWrittenError, with the reason, if the file cannot be written.
    """
    from safetensors.torch import save_file  # imports torch

    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.touch()
        mode = partial.stat().st_mode
        save_file({name: t.contiguous() for name, t in tensors.items()}, partial, metadata)
        partial.chmod(mode)  # as in `apply_umask`
        partial.replace(path)
    except (SafetensorError, OSError) as error:
        raise NotWrittenError(f"{path} cannot be written: {reason(error)}.") from error
    finally:
        with contextlib.suppress(OSError):
            partial.unlink()


@contextlib.contextmanager
def naming(folder: Path, remedy: str = "") -> Iterator[None]:
    """Raises WeightsError with the folder and the remedy if something within cannot be written.

    safetensors and tokenizers report a full disk in types of their own, tokenizers as a bare
    Exception.
    """
    try:
        yield
    except Exception as error:
        cause = error.__cause__ if isinstance(error, NotWrittenError) else error
        if not isinstance(cause, OSError) and SYSTEM_ERROR not in str(cause):
            raise
        sentence = f"{folder} cannot be written ({reason(cause)})."
        raise WeightsError(f"{sentence} {remedy}".rstrip()) from error


def reason(error: BaseException | None) -> str:
    """Why a file cannot be written, without the numbers and the words around it."""
    text = (isinstance(error, OSError) and error.strerror) or str(error)
    return text.rpartition("I/O error: ")[2].partition(f" {SYSTEM_ERROR}")[0]


def apply_umask(folder: Path) -> None:
    """Gives every file in `folder` the mode that the umask gives to new files.

    safetensors (0.8) writes files that only their owner can read, which breaks folders shared by a
    group.
    """
    plain = folder / ".mode"
    plain.touch()
    mode = plain.stat().st_mode
    plain.unlink()
    for path in folder.rglob("*"):
        if path.is_file() and path.stat().st_mode != mode:
            path.chmod(mode)


def likely_cause(path: Path, what: str = "weights") -> str:
    """Returns the likely reason why a file cannot be read as `what`, and the remedy."""
    if not path.is_file():
        return f"there is no such file of {what}."
    with path.open("rb") as file:
        start = file.read(512)
    if start.startswith(LFS_POINTER):
        return (
            f"this is a Git LFS pointer, not {what}. "
            "Run `git lfs pull` where you cloned the folder."
        )
    if start.startswith(PICKLES):
        return (
            "this is a pickle under another name, and a pickle can run code when opened. "
            "Ask for the weights as safetensors."
        )
    if start.lstrip()[:1] == b"<":
        return f"this is a web page, not {what}: the download was refused. Download it again."
    if not start:
        return "the file is empty. Download it again."
    return "the file is truncated or damaged. Download it again."
