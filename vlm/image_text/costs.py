"""The tokens that a file takes in the prompt, before it is decoded.

Measured, not computed: the processor writes a blank of the file's size, once for each size. A
video's blank has two, then four frames; what two more frames add is taken as constant. The prompt
itself is counted again when it is written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from vlm.conversation import Clip, Conversation, Media, Message, Text
from vlm.image_text.prompt import written
from vlm.inference.budget import FilePlan
from vlm.inference.visual.media_thread import longest_side

if TYPE_CHECKING:
    from transformers import ProcessorMixin

FRAME_SIDE = 448  # pixels: frames are decoded with a short side of at least this
PAIR = 2  # frames that Qwen's patches join
LAST_TIME = 3600.0  # seconds: times of this length stand in the blanks


class Costs:
    """Counts tokens for one processor. Safe to use from several threads."""

    def __init__(self, processor: ProcessorMixin) -> None:
        self._processor = processor
        self._known: dict[tuple[str, int, int, int], int] = {}
        self._empty = self._count(())

    def __call__(self, file: FilePlan) -> int:
        """Returns the tokens of a file, for a video perhaps a frame's more than it takes."""
        width, height = (max(side, 1) for side in file.size)
        if file.kind == "image":
            return self._blank("image", 1, width, height)
        width, height = frame_size(width, height)
        two = self._blank("video", PAIR, width, height)
        four = self._blank("video", 2 * PAIR, width, height)
        return two + (-(-file.frames // PAIR) - 1) * (four - two)

    def text(self, conversation: Conversation) -> int:
        """Returns the tokens of a conversation without files."""
        return len(written(self._processor, conversation).ids)

    def _blank(self, kind: str, frames: int, width: int, height: int) -> int:
        key = (kind, frames, width, height)
        if key not in self._known:
            pixels = np.zeros((frames, height, width, 3), np.uint8)
            times = tuple(LAST_TIME + i for i in range(frames)) if kind == "video" else ()
            media = Media("video" if kind == "video" else "image", (_clip(pixels),), times)
            self._known[key] = self._count((media,)) - self._empty
        return self._known[key]

    def _count(self, media: tuple[Media, ...]) -> int:
        return self.text(Conversation((Message("user", (*media, Text("Why?"))),)))


def frame_size(width: int, height: int) -> tuple[int, int]:
    """Returns the size that a video's frames are decoded to, at most."""
    longest = longest_side(width, height, FRAME_SIDE)
    scale = min(1.0, longest / max(width, height))
    return max(round(width * scale), 1), max(round(height * scale), 1)


def _clip(pixels: np.ndarray) -> Clip:
    return Clip(pixels, (0.0,) * len(pixels))
