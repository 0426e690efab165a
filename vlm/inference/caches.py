"""What is kept between turns so that nothing is computed twice: encoded media, and keys and values.

Both are looked up by content alone. A picture is found by a hash that we compute over its pixels
and everything that was done to them; keys and values are found by the longest common prefix of the
prompt, token by token, where the place of a picture counts as its hash. So a branch, a retry or a
second tab can never be given what belongs to another prompt: at worst it computes again. (Servers
that trusted a hash from the caller, or hashed bytes without their shape, mixed up their users'
pictures: CVE-2025-46722, CVE-2026-105754.)
"""

import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

import numpy as np
from torch import Tensor
from transformers import DynamicCache, PreTrainedModel
from transformers.cache_utils import DynamicLayer

from vlm.conversation import Media
from vlm.weights.io.files import sha256


@dataclass(frozen=True, eq=False)
class Encoded:
    """A picture or a video as the language model gets it."""

    media: Media
    digest: bytes
    tokens: Tensor  # [looks * M, D]
    warnings: tuple[str, ...] = ()

    @property
    def num_bytes(self) -> int:
        frames = sum(clip.frames.nbytes for clip in self.media.clips)
        return frames + self.tokens.nbytes


def digest(*parts: object) -> bytes:
    """16 bytes that stand for these parts: arrays with type and shape, files, plain values."""
    hasher = hashlib.blake2b(digest_size=16)
    for part in parts:
        if isinstance(part, np.ndarray):
            header = f"array {part.dtype} {part.shape}"
            body = np.ascontiguousarray(part).tobytes()
        elif isinstance(part, Path):
            header, body = "file", sha256(part).encode()
        else:
            header, body = "value", repr(part).encode()
        hasher.update(f"{header} {len(body)}:".encode() + body)
    return hasher.digest()


def media_digest(media: Media, model: str) -> bytes:
    """What decides the tokens of a picture or a video: its pixels, its looks, the model."""
    parts: list[object] = [model, media.kind]
    for clip in media.clips:
        parts += [clip.frames, clip.timesteps]
    return digest(*parts)


class MediaCache:
    """Encoded media, the longest unused forgotten first. May be asked from several threads."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self._kept: OrderedDict[bytes, Encoded] = OrderedDict()
        self._lock = Lock()

    def get(self, key: bytes) -> Encoded | None:
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def put(self, key: bytes, encoded: Encoded) -> None:
        with self._lock:
            self._kept[key] = encoded
            self._kept.move_to_end(key)
            while len(self._kept) > 1 and self.num_bytes > self.max_bytes:
                self._kept.popitem(last=False)

    @property
    def num_bytes(self) -> int:
        return sum(encoded.num_bytes for encoded in self._kept.values())


def prompt_rows(ids: Sequence[int], media: Sequence[Encoded], image_token_id: int) -> list[int]:
    """One number for each position of a prompt: its token, or what stands for its picture.

    Two prompts have the same keys and values as far as their rows are the same.
    """
    pictures = (
        -1 - int.from_bytes(encoded.digest, "big")  # below 0: no token has such an id
        for encoded in media
        for _ in range(len(encoded.tokens))
    )
    return [next(pictures) if token == image_token_id else token for token in ids]


def common_prefix(a: Sequence[int], b: Sequence[int]) -> int:
    """Length of what two prompts begin with alike."""
    for i, (left, right) in enumerate(zip(a, b, strict=False)):
        if left != right:
            return i
    return min(len(a), len(b))


@dataclass(frozen=True, eq=False)
class Prefix:
    """Keys and values of a prompt that was read. Nothing writes into these tensors."""

    rows: tuple[int, ...]
    layers: tuple[tuple[Tensor, Tensor], ...]  # keys and values, each [1, heads, L, dim per head]

    @property
    def num_bytes(self) -> int:
        return sum(keys.nbytes + values.nbytes for keys, values in self.layers)


class PrefixCache:
    """Keys and values of the last prompts, the longest unused forgotten first."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self._kept: list[Prefix] = []  # the last used comes last
        self._lock = Lock()

    def fork(self, language_model: PreTrainedModel, rows: Sequence[int]) -> DynamicCache:
        """A cache of its own that holds as much of `rows` as is known, but never all of it.

        The last row is always left to compute, because its logits are wanted.
        """
        with self._lock:
            lengths = [common_prefix(prefix.rows, rows[:-1]) for prefix in self._kept]
            best = max(range(len(lengths)), key=lengths.__getitem__, default=None)
            if best is None or lengths[best] == 0:
                return DynamicCache(config=language_model.config)
            prefix = self._kept.pop(best)
            self._kept.append(prefix)
        # The tensors are shared with the prefix, not copied: a dynamic cache grows by
        # concatenation and never writes into what it has. Taking slices also keeps clear of
        # `DynamicCache.crop`, whose argument means different things in different versions.
        length = lengths[best]
        layers = [(keys[:, :, :length], values[:, :, :length]) for keys, values in prefix.layers]
        return DynamicCache(layers, config=language_model.config)

    def keep(self, rows: Sequence[int], cache: DynamicCache) -> None:
        """Remembers a cache that holds the keys and values of these rows, or of the first of them.

        Layers that forget (sliding windows, recurrent states) cannot be cut to a prefix, so
        models that have them start anew each turn.
        """
        length = cache.get_seq_length()
        if length == 0 or any(type(layer) is not DynamicLayer for layer in cache.layers):
            return
        assert length <= len(rows), f"{length} keys for {len(rows)} rows"
        prefix = Prefix(
            tuple(rows[:length]), tuple((layer.keys, layer.values) for layer in cache.layers)
        )
        with self._lock:
            for old in self._kept:
                if common_prefix(old.rows, prefix.rows) == length:
                    return  # a longer one is there
            # What this prompt goes on from is part of it.
            self._kept = [
                old for old in self._kept if common_prefix(old.rows, prefix.rows) < len(old.rows)
            ]
            self._kept.append(prefix)
            while len(self._kept) > 1 and self.num_bytes > self.max_bytes:
                self._kept.pop(0)

    @property
    def num_bytes(self) -> int:
        return sum(prefix.num_bytes for prefix in self._kept)
