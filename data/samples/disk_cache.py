"""A folder of named tensors that trims itself: the least recently used files go first.

It holds what is cheaper to read than to recompute: decoded frames (`FrameCache`) and the features
of a frozen backbone (training/model/feature_cache.py). Each file is written beside its final name
and then renamed, so several processes can share a folder; an unreadable file is recomputed.

(The diskcache package stores anything it does not know as a pickle and unpickles what it finds,
trims ten entries per write, and took four times as long to write a clip and twenty times as long to
read it. safetensors files have no code to run and are mapped into memory.)
"""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from data.records import MediaFile
from data.samples.decoder import Decoded

FRAME_FORMAT = 2  # counts changes in how frames are read and stored


@dataclass(frozen=True)
class DiskCache:
    """Files of tensors with JSON metadata, about `num_bytes` in total: trimmed now and then."""

    folder: Path
    num_bytes: int

    def path(self, name: str) -> Path:
        """Returns the file of an entry; `name` is a hexadecimal digest."""
        return self.folder / name[:2] / f"{name}.safetensors"

    def get(self, name: str) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
        """Returns the tensors and metadata of an entry, None if missing or unreadable."""
        path = self.path(name)
        if not path.is_file():
            return None
        try:
            with safe_open(path, framework="pt") as file:
                facts = json.loads(file.metadata()["facts"])
                tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
            os.utime(path)
        except (OSError, SafetensorError, ValueError, KeyError, TypeError):
            path.unlink(missing_ok=True)
            return None
        return tensors, facts

    def put(
        self, name: str, tensors: Mapping[str, Tensor], facts: Mapping[str, Any] | None = None
    ) -> None:
        """Stores an entry. A full disk is not an error: the entry is then not stored."""
        path = self.path(name)
        unfinished = path.with_suffix(f".{os.getpid()}.part")
        whole = {key: tensor.contiguous() for key, tensor in tensors.items()}
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            save_file(whole, unfinished, metadata={"facts": json.dumps(facts or {})})
            unfinished.replace(path)
        except (OSError, SafetensorError):
            return
        finally:
            unfinished.unlink(missing_ok=True)
        if name.startswith("00"):  # about every 256th entry, because trimming stats every file
            self.trim()

    def trim(self) -> None:
        """Removes the least recently used files until the folder is within its limit."""
        files = self._files()
        total = sum(size for _, size, _ in files)
        for _, size, path in sorted(files):
            if total <= self.num_bytes:
                return
            path.unlink(missing_ok=True)
            total -= size

    def size(self) -> int:
        """Returns the bytes in use."""
        return sum(size for _, size, _ in self._files())

    def _files(self) -> list[tuple[float, int, Path]]:
        """Time of last use, bytes, and path of each file."""
        files = []
        for path in self.folder.glob("*/*.safetensors"):
            try:
                status = path.stat()
            except FileNotFoundError:  # another process removed it first
                continue
            files.append((status.st_mtime, status.st_size, path))
        return files


class FrameCache(DiskCache):
    """Decoded frames of pictures and clips, so that a second epoch does not decode them again.

    An entry's name is the digest of the file's content and of how it is read, so a file that
    changed is decoded again. It pays off where training waits for decoding and the same frames
    recur: with a fixed number of frames, not with a random one.
    """

    def name(self, media: MediaFile, num_frames: int, square: int) -> str | None:
        """Reads a file to name its entry; None for media that are not cached."""
        if media.archive_member is not None:  # members of tar files are read once
            return None
        digest = hashlib.blake2b(digest_size=20)
        try:
            with media.path.open("rb") as file:
                while piece := file.read(2**20):
                    digest.update(piece)
        except OSError:
            return None
        digest.update(f"{media.kind} {num_frames} {square} {FRAME_FORMAT}".encode())
        return digest.hexdigest()

    def load(self, name: str | None) -> Decoded | None:
        """Returns the frames stored under a name (see `name`), None if missing."""
        entry = self.get(name) if name is not None else None
        if entry is None:
            return None
        tensors, facts = entry
        return Decoded(tensors["frames"].numpy(), tuple(facts["times"]), tuple(facts["damaged"]))

    def store(self, name: str | None, decoded: Decoded) -> None:
        """Stores decoded frames unless `name` is None."""
        if name is not None:
            facts = {"times": decoded.times, "damaged": decoded.damaged}
            self.put(name, {"frames": torch.tensor(decoded.frames)}, facts)
