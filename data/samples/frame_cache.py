"""Squares of pictures and clips kept on disk, so that a second epoch does not decode them again.

A file's name is the digest of the content of the picture or clip and of how it was read, so one
that changed is read anew. It pays where decoding is what training waits for and the same frames
come again: with a fixed number of frames, not with a random one.
"""

import hashlib

import torch

from data.records import MediaFile
from data.samples.decoder import Decoded
from data.samples.disk_cache import DiskCache

VERSION = 2  # of how files are read, and kept


class FrameCache(DiskCache):
    """A folder of squares."""

    def name(self, media: MediaFile, num_frames: int, square: int) -> str | None:
        """What the squares of a file are kept as; it is read for that. None: they are not kept."""
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
        return digest.hexdigest()

    def decoded(self, name: str | None) -> Decoded | None:
        """What was kept as this (see `name`), or None."""
        kept = self.get(name) if name is not None else None
        if kept is None:
            return None
        tensors, facts = kept
        return Decoded(tensors["frames"].numpy(), tuple(facts["times"]), tuple(facts["damaged"]))

    def keep(self, name: str | None, decoded: Decoded) -> None:
        """Keep the squares of a file."""
        if name is not None:
            facts = {"times": decoded.times, "damaged": decoded.damaged}
            self.put(name, {"frames": torch.tensor(decoded.frames)}, facts)
