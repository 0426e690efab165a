"""Caches between turns: encoded media, and keys and values, so nothing is computed twice.

Both are looked up by content alone. The key of a picture is our own hash of its pixels and
everything that was done to them; keys and values are found by the longest common prefix of the
prompt, token by token, where a picture's position counts as its hash. A branch, a retry or a second
tab can therefore never receive what belongs to another prompt: at worst it computes again. (Servers
that trusted a hash from the caller, or hashed bytes without their shape, mixed up their users'
pictures: CVE-2025-46722, CVE-2026-105754.)
"""

import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Lock

import numpy as np
from torch import Tensor
from transformers import DynamicCache, PreTrainedModel
from transformers.cache_utils import DynamicLayer

from vlm.conversation import Media
from vlm.experts.findings import Findings


@dataclass(frozen=True, eq=False)
class Encoded:
    """A picture or a video as visual tokens."""

    media: Media
    digest: bytes
    tokens: Tensor  # [looks * M, D]
    warnings: tuple[str, ...] = ()
    findings: tuple[Findings, ...] = ()  # of the experts, for a picture or for each frame
    looks: tuple[bytes, ...] = ()  # digest of each look in the prompt's order; (): `digest`

    @property
    def look_digests(self) -> tuple[bytes, ...]:
        """Returns one digest for each look: earlier looks keep theirs when another is added."""
        return self.looks or (self.digest,) * self.media.looks

    @property
    def num_bytes(self) -> int:
        frames = sum(clip.frames.nbytes for clip in self.media.clips)
        return frames + self.tokens.nbytes


class Cancelled(Exception):  # noqa: N818 - nothing went wrong
    """Hashing a file was given up."""


def file_hash(path: Path, cancel: Event | None = None) -> str:
    """Hashes the content of a file. Raises `Cancelled` within 1 MB once `cancel` is set."""
    hasher = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            if cancel is not None and cancel.is_set():
                raise Cancelled
            hasher.update(block)
    return hasher.hexdigest()


def digest(*parts: object, cancel: Event | None = None) -> bytes:
    """Hashes parts to 16 bytes: arrays with dtype and shape, files by content, plain values.

    Raises `Cancelled` once `cancel` is set while a file is hashed.
    """
    hasher = hashlib.blake2b(digest_size=16)
    for part in parts:
        if isinstance(part, np.ndarray):
            header = f"array {part.dtype} {part.shape}"
            body = np.ascontiguousarray(part).tobytes()
        elif isinstance(part, Path):
            header, body = "file", file_hash(part, cancel).encode()
        else:
            header, body = "value", repr(part).encode()
        hasher.update(f"{header} {len(body)}:".encode() + body)
    return hasher.digest()


def media_digest(media: Media, model: str) -> bytes:
    """Hashes everything that decides the tokens of a medium: its pixels, its looks, the model."""
    parts: list[object] = [model, media.kind]
    for clip in media.clips:
        parts += [clip.frames, clip.timesteps]
    return digest(*parts)


class MediaCache:
    """Encoded media, least recently used evicted first. Safe to use from several threads."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self._entries: OrderedDict[bytes, Encoded] = OrderedDict()
        self._lock = Lock()

    def get(self, key: bytes) -> Encoded | None:
        with self._lock:
            if key in self._entries:
                self._entries.move_to_end(key)
            return self._entries.get(key)

    def put(self, key: bytes, encoded: Encoded) -> None:
        with self._lock:
            self._entries[key] = encoded
            self._entries.move_to_end(key)
            while len(self._entries) > 1 and self.num_bytes > self.max_bytes:
                self._entries.popitem(last=False)

    def forget(self) -> None:
        """Forgets all media."""
        with self._lock:
            self._entries.clear()

    @property
    def num_bytes(self) -> int:
        return sum(encoded.num_bytes for encoded in self._entries.values())


def prompt_rows(ids: Sequence[int], media: Sequence[Encoded], image_token_id: int) -> list[int]:
    """Returns one number for each position of a prompt: its token, or its picture's hash.

    Two prompts share keys and values as far as their rows are equal.
    """
    pictures = (
        -1 - int.from_bytes(look, "big")  # negative: no token has such an id
        for encoded in media
        for look in encoded.look_digests
        for _ in range(len(encoded.tokens) // encoded.media.looks)
    )
    return [next(pictures) if token == image_token_id else token for token in ids]


def common_prefix(a: Sequence[int], b: Sequence[int]) -> int:
    """Returns the length of the longest common prefix."""
    for i, (left, right) in enumerate(zip(a, b, strict=False)):
        if left != right:
            return i
    return min(len(a), len(b))


@dataclass(frozen=True, eq=False)
class Prefix:
    """Keys and values of a prompt. These tensors are never written to."""

    rows: tuple[int, ...]
    layers: tuple[tuple[Tensor, Tensor], ...]  # keys and values, each [1, heads, L, dim per head]

    @property
    def num_bytes(self) -> int:
        return sum(keys.nbytes + values.nbytes for keys, values in self.layers)


class PrefixCache:
    """Keys and values of recent prompts, least recently used evicted first."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self._entries: list[Prefix] = []  # most recently used last
        self._lock = Lock()

    def fork(self, language_model: PreTrainedModel, rows: Sequence[int]) -> DynamicCache:
        """Returns a new cache with the longest known prefix of `rows`, but never all of them.

        The last row is always left to compute, because its logits are needed.
        """
        with self._lock:
            lengths = [common_prefix(prefix.rows, rows[:-1]) for prefix in self._entries]
            best = max(range(len(lengths)), key=lengths.__getitem__, default=None)
            if best is None or lengths[best] == 0:
                return DynamicCache(config=language_model.config)
            prefix = self._entries.pop(best)
            self._entries.append(prefix)
        # The tensors are shared with the prefix, not copied: a dynamic cache grows by concatenation
        # and never writes into existing tensors. Slices also avoid `DynamicCache.crop`, whose
        # argument changed its meaning between versions.
        length = lengths[best]
        layers = [(keys[:, :, :length], values[:, :, :length]) for keys, values in prefix.layers]
        return DynamicCache(layers, config=language_model.config)

    def keep(self, rows: Sequence[int], cache: DynamicCache) -> None:
        """Stores a cache that holds the keys and values of these rows, or of the first of them.

        Layers that drop tokens (sliding windows, recurrent states) cannot be cut to a prefix, so
        models with such layers prefill the whole prompt each turn.
        """
        length = cache.get_seq_length()
        if length == 0 or any(type(layer) is not DynamicLayer for layer in cache.layers):
            return
        assert length <= len(rows), f"{length} keys for {len(rows)} rows"
        prefix = Prefix(
            tuple(rows[:length]), tuple((layer.keys, layer.values) for layer in cache.layers)
        )
        with self._lock:
            for old in self._entries:
                if common_prefix(old.rows, prefix.rows) == length:
                    return  # a longer prefix is stored
            # Prefixes that this prompt extends are part of it.
            self._entries = [
                old for old in self._entries if common_prefix(old.rows, prefix.rows) < len(old.rows)
            ]
            self._entries.append(prefix)
            while len(self._entries) > 1 and self.num_bytes > self.max_bytes:
                self._entries.pop(0)

    def forget(self) -> None:
        """Forgets all prefixes."""
        with self._lock:
            self._entries.clear()

    @property
    def num_bytes(self) -> int:
        return sum(prefix.num_bytes for prefix in self._entries)
