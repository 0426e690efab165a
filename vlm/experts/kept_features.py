"""A backbone's features of the frames that the classifier saw, kept until the tower asks for them.

The classifier among the experts looks at the frames that the tower sees next, through the same
backbone: so it runs once for both. Whole batches are kept, not frames, for a batch of another size
may be computed in another order: with and without this the tokens have the same bits.
"""

from collections import deque
from threading import Lock

import torch
from torch import Tensor

from vlm.encoders.base import ImageBackbone, ImageTokens


class KeptFeatures:
    """Takes the place of the backbone in a progressive tower. Safe to use from several threads."""

    def __init__(self, max_bytes: int = 64 * 2**20) -> None:
        self.max_bytes = max_bytes
        self.num_bytes = 0
        self._batches: deque[tuple[Tensor, ImageTokens]] = deque()  # oldest first
        self._lock = Lock()

    def keep(self, backbone: ImageBackbone, images: Tensor) -> ImageTokens:
        """Computes the features of images [F, 3, H, W] and keeps them; the oldest go."""
        features = backbone(images)
        with self._lock:
            self._batches.append((images, features))
            self.num_bytes += _size(images, features)
            while self.num_bytes > self.max_bytes:
                self.num_bytes -= _size(*self._batches.popleft())
        return features

    def __call__(self, backbone: ImageBackbone, images: Tensor) -> ImageTokens:
        """Returns the features of images [F, 3, H, W], for which those kept are used up."""
        with self._lock:
            for i, (known, features) in enumerate(self._batches):
                if known.shape == images.shape and torch.equal(known, images):
                    del self._batches[i]
                    self.num_bytes -= _size(known, features)
                    return features
        return backbone(images)

    def forget(self) -> None:
        """Forgets all images."""
        with self._lock:
            self._batches.clear()
            self.num_bytes = 0


def _size(images: Tensor, features: ImageTokens) -> int:
    tensors = (images, features.tokens, *features.extra.values())
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)
