"""The visual step: pictures and videos to visual tokens, visual tokens into the prompt.

The chat streams it (`stream`, a few looks at a time, so that progress shows and a stop takes effect
soon), batch answering takes it whole (`encode`), and `vlm.fit.estimate` measures what it needs.
Both ways run the same calls in the same order, so they give the same bits.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from vlm.conversation import Clip, Media
from vlm.experts.words import still_looks
from vlm.inference.caches import Encoded, MediaCache, media_digest
from vlm.inference.visual.look_states import LookStates
from vlm.model import PVCForConditionalGeneration, fuse
from vlm.processor import PVCProcessor

# What goes through the tower in one call: it bounds memory, and the time until a stop takes effect.
TILES_AT_ONCE = 4
FRAMES_AT_ONCE = 4  # of a video


class VisualEncoder:
    """A model's tower and compressor, with a cache of what they have encoded."""

    def __init__(
        self,
        model: PVCForConditionalGeneration,
        processor: PVCProcessor,
        cache: MediaCache,
        states: LookStates | None = None,
    ) -> None:
        self.model = model
        self.processor = processor
        self.cache = cache
        self.states = states or LookStates()
        # Config and dtype decide what becomes of pixels: part of every hash.
        self.model_key = repr((model.config.to_dict(), str(model.dtype)))

    def encode(self, media: Media) -> Encoded:
        """Encodes a picture or a video, or takes it from the cache, where it is found by content.

        Consecutive questions about one video encode it once.
        """
        key = self.digest(media)
        known = self.cache.get(key)
        if known is not None:  # tokens of equal pixels; their times in seconds may differ
            return replace(known, media=media)
        known = Encoded(media, key, self.join(media, list(self.stream(media))))
        self.cache.put(key, known)
        return known

    @torch.inference_mode()
    def stream(self, media: Media) -> Iterator[Tensor]:
        """Yields visual tokens [n * M, D] of the next n looks, in the order of the tower."""
        model, pixel_values = self.model, self.processor.pixel_values
        if media.kind == "video":
            (clip,) = media.clips
            pixels = pixel_values(clip.frames).to(model.device)
            times = list(clip.timesteps)
            yield from model.encode_steps(pixels, clip.looks, times, FRAMES_AT_ONCE)
            return
        states = []
        for clips in _batches(media):
            frames = np.concatenate([clip.frames for clip in clips])
            looks = [clip.timesteps for clip in clips]
            tokens, state = model.look(pixel_values(frames).to(model.device), looks)
            states.append(state)
            yield tokens
        self.states.put(self.digest(media), states)

    @torch.inference_mode()
    def look_again(self, seen: Encoded) -> Encoded:
        """Looks once more at a picture, at the price of one look if the tower's state is kept.

        Earlier looks keep their tokens where the tower is causal. Without the state all looks are
        computed, with the same result.
        """
        media = self.processor.one_more_look(seen.media)
        if seen.findings:
            looks = len(media.clips[0].timesteps)
            words = self.processor.prompt_config.words_per_look
            media = replace(media, words=tuple(still_looks(seen.findings[0], looks, words)))
        key = self.digest(media)
        known = self.cache.get(key)
        if known is not None:
            return replace(known, media=media)
        states = self.states.get(seen.digest)
        if states is None:
            tokens = self.join(media, list(self.stream(media)))
        else:
            tokens = self._next_look(media, states, seen, key)
        looks_of = self._look_digests(seen, key) if self.model.tower.causal else ()
        found = replace(seen, media=media, digest=key, tokens=tokens, looks=looks_of)
        self.cache.put(key, found)
        return found

    def _next_look(
        self, media: Media, states: Sequence[object], seen: Encoded, key: bytes
    ) -> Tensor:
        """Returns the tokens seen and those of one more look at each tile."""
        pieces, following = [], []
        for clips, state in zip(_batches(media), states, strict=True):
            tokens, state = self.model.look(None, [clip.timesteps[-1:] for clip in clips], state)
            pieces.append(tokens)
            following.append(state)
        self.states.put(key, following)
        new = torch.cat(pieces).unflatten(0, (len(media.clips), 1, -1))  # [tiles, 1, M, D]
        axis = self._look_axis(media)
        shape = (-1, len(media.clips)) if axis == 0 else (len(media.clips), -1)
        old = seen.tokens.unflatten(0, (*shape, self.processor.tokens_per_look))
        return torch.cat([old, new.transpose(0, 1) if axis == 0 else new], dim=axis).flatten(0, 2)

    def _look_digests(self, seen: Encoded, key: bytes) -> tuple[bytes, ...]:
        """Returns the digests of all looks with those of one more at each tile."""
        tiles, old = len(seen.media.clips), seen.look_digests
        if self._look_axis(seen.media) == 0:
            return (*old, *[key] * tiles)
        each = len(old) // tiles
        return tuple(
            look for tile in range(tiles) for look in (*old[tile * each : (tile + 1) * each], key)
        )

    def _look_axis(self, media: Media) -> int:
        """Returns 0 if the prompt lists the looks, each with its tiles; 1 if tiles with looks."""
        return 1 if self.processor.look_order([media]) is None else 0

    def join(self, media: Media, pieces: Sequence[Tensor]) -> Tensor:
        """Joins the pieces of a stream [looks * M, D], looks in the order of the prompt."""
        tokens = torch.cat(list(pieces))
        order = self.processor.look_order([media])
        if order is None:
            return tokens
        return tokens.unflatten(0, (-1, self.processor.tokens_per_look))[order].flatten(0, 1)

    def digest(self, media: Media) -> bytes:
        """Hashes everything that decides the tokens: pixels, looks, the model."""
        return media_digest(media, self.model_key)

    @torch.inference_mode()
    def embed(self, ids: Sequence[int], media: Sequence[Encoded], known: int = 0) -> Tensor:
        """Returns the prompt's embeddings [1, L, D], from position `known` on.

        `media` are all pictures and videos of the prompt, those before `known` included.
        """
        image_token_id = self.model.config.image_token_id
        new = torch.tensor([ids[known:]], device=self.model.device)
        embeddings = self.model.get_input_embeddings()(new)
        if not media:
            return embeddings
        placed = list(ids[:known]).count(image_token_id)
        visual = torch.cat([encoded.tokens for encoded in media])[placed:]
        return fuse(embeddings, new, visual, image_token_id)


def _batches(media: Media) -> Iterator[Sequence[Clip]]:
    """Yields the tiles of a picture that go through the tower together."""
    for start in range(0, len(media.clips), TILES_AT_ONCE):
        yield media.clips[start : start + TILES_AT_ONCE]
