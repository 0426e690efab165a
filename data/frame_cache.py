"""Squares of pictures and clips kept on disk, so that a second epoch does not decode them again.

A file's name is the digest of the content of the picture or clip and of how it was read, so one
that changed is read anew. It pays where decoding is what training waits for and the same frames
come again: with a fixed number of frames, not with a random one. The folder never grows past its
limit; what was used longest ago goes first.
"""

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from data.decoder import Decoded
from data.records import Media

VERSION = 1  # of how files are read


@dataclass(frozen=True)
class FrameCache:
    """A folder of squares, at most `num_bytes` in all."""

    folder: Path
    num_bytes: int

    def place(self, media: Media, num_frames: int, square: int) -> Path | None:
        """Where the squares of a file belong; it is read for that. None: they are not kept."""
        if media.place:  # members of tar files are read once
            return None
        digest = hashlib.blake2b(digest_size=20)
        try:
            with media.path.open("rb") as file:
                while piece := file.read(2**20):
                    digest.update(piece)
        except OSError:
            return None
        digest.update(f"{media.kind} {num_frames} {square} {VERSION}".encode())
        name = digest.hexdigest()
        return self.folder / name[:2] / f"{name}.safetensors"

    def get(self, path: Path | None) -> Decoded | None:
        """What was kept there (see `place`), or None."""
        if path is None or not path.is_file():
            return None
        try:
            with safe_open(path, framework="numpy") as file:
                facts = json.loads(file.metadata()["facts"])
                frames = file.get_tensor("frames")
            os.utime(path)
        except (OSError, SafetensorError, ValueError, KeyError, TypeError):
            path.unlink(missing_ok=True)
            return None
        return Decoded(frames, tuple(facts["times"]), tuple(facts["damaged"]))

    def put(self, path: Path | None, decoded: Decoded) -> None:
        """Keep the squares of a file in its place."""
        if path is None:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        facts = json.dumps({"times": decoded.times, "damaged": decoded.damaged})
        unfinished = path.with_suffix(f".{os.getpid()}.part")
        try:
            tensors = {"frames": np.ascontiguousarray(decoded.frames)}
            save_file(tensors, unfinished, metadata={"facts": facts})
            unfinished.replace(path)
        except OSError:  # a full disk: training goes on without
            unfinished.unlink(missing_ok=True)
            return
        if int(path.stem[:2], 16) < 8:  # about each 32nd time
            self.trim()

    def trim(self) -> None:
        """Remove what was used longest ago until the folder is within its limit."""
        files = []
        for path in self.folder.glob("*/*.safetensors"):
            try:
                status = path.stat()
            except FileNotFoundError:  # another worker was quicker
                continue
            files.append((status.st_mtime, status.st_size, path))
        total = sum(size for _, size, _ in files)
        for _, size, path in sorted(files):
            if total <= self.num_bytes:
                return
            path.unlink(missing_ok=True)
            total -= size
