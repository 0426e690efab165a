"""Where weights lie on this machine, and how a file of them is read without surprises.

Weights are safetensors and nothing else: no pickle is opened when the assistant runs. What goes
wrong with a file of weights is nearly always one of four things (a broken download, a Git LFS
pointer, a web page saved under the file's name, a renamed pickle), and each is named here, because
the reader's own words for all four are "header too large".
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from safetensors import SafetensorError, safe_open

if TYPE_CHECKING:
    import torch

LFS_POINTER = b"version https://git-lfs"
PICKLES = (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05", b"PK\x03\x04")


class WeightsError(ValueError):
    """One sentence: which weights, what is wrong with them, what to do."""


def cache_dir() -> Path:
    """The folder for everything that is made once and kept: $REVISIT_CACHE, or ~/.cache/revisit."""
    chosen = os.environ.get("REVISIT_CACHE")
    return Path(chosen).expanduser().absolute() if chosen else Path.home() / ".cache" / "revisit"


def sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def read_safetensors(path: Path) -> dict[str, torch.Tensor]:
    """Every tensor of one file, on the CPU. Raises WeightsError with the likely cause."""
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise WeightsError(f"{path}: {why_unreadable(path)}") from error


def write_safetensors(
    tensors: dict[str, torch.Tensor], path: Path, metadata: dict[str, str] | None = None
) -> None:
    """Writes beside the final name and renames, so that a full disk leaves no half file behind."""
    from safetensors.torch import save_file  # here, because it imports torch

    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        partial.touch()
        mode = partial.stat().st_mode
        save_file({name: t.contiguous() for name, t in tensors.items()}, partial, metadata)
        partial.chmod(mode)  # see `let_others_read`
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def let_others_read(folder: Path) -> None:
    """Gives every file in it the mode of one that is simply opened.

    safetensors (0.8) writes files that only their owner can read, so that a model in a group's
    folder would be nobody else's.
    """
    plain = folder / ".mode"
    plain.touch()
    mode = plain.stat().st_mode
    plain.unlink()
    for path in folder.rglob("*"):
        if path.is_file() and path.stat().st_mode != mode:
            path.chmod(mode)


def why_unreadable(path: Path, what: str = "weights") -> str:
    """The likely reason why a file is not what it should be, and what to do about it."""
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
            "this is a pickle under another name, and a pickle can run code when it is opened. "
            "Ask for the weights as safetensors."
        )
    if start.lstrip()[:1] == b"<":
        return f"this is a web page, not {what}: the download was refused. Download it again."
    if not start:
        return "the file is empty. Download it again."
    return "the file is cut short or damaged. Download it again."
