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

from vlm.conversation import Media
from vlm.inference.caches import Encoded, MediaCache, media_digest
from vlm.model import PVCForConditionalGeneration, fuse
from vlm.processor import PVCProcessor

# What goes through the tower in one call: it bounds memory, and the time until a stop takes effect.
TILES_AT_ONCE = 4
FRAMES_AT_ONCE = 4  # of a video


class VisualEncoder:
    """A model's tower and compressor, with a cache of what they have encoded."""

    def __init__(
        self, model: PVCForConditionalGeneration, processor: PVCProcessor, cache: MediaCache
    ) -> None:
        self.model = model
        self.processor = processor
        self.cache = cache
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
        for start in range(0, len(media.clips), TILES_AT_ONCE):
            clips = media.clips[start : start + TILES_AT_ONCE]
            frames = np.concatenate([clip.frames for clip in clips])
            yield model.encode(
                pixel_values(frames).to(model.device),
                [1] * len(clips),
                [clip.looks for clip in clips],
                [time for clip in clips for time in clip.timesteps],
            )

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
        """The prompt's embeddings [1, L, D], from position `known` on.

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
