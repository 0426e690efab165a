"""The causal path of video as it comes in: the tower takes one frame at a time.

It keeps what it knows of earlier frames and never waits for a later one. The visual tokens are
those of the whole video up to rounding, because the tower attends to the past only.
"""

from collections.abc import Iterator

import torch
from torch import Tensor

from vlm.conversation import Media
from vlm.inference.visual.looking import VisualEncoder


class FrameByFrame(VisualEncoder):
    """Encodes each frame of a video when it comes in."""

    @torch.inference_mode()
    def stream(self, media: Media) -> Iterator[Tensor]:
        """Yields the visual tokens [M, D] of one frame after the other; of a picture as usual."""
        if media.kind != "video":
            yield from super().stream(media)
            return
        (clip,) = media.clips
        pixels = self.processor.pixel_values(clip.frames).to(self.model.device)
        yield from self.model.encode_steps(pixels, clip.looks, list(clip.timesteps), 1)
